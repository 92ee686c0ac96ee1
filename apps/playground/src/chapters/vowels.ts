import { concat, manualSeed, noGrad, scope, setBackend, type Lengths, type Tensor } from '@rnn/core';
import { crossEntropy, GRU, Linear, Module } from '@rnn/nn';
import { DataLoader, SequenceDataset } from '@rnn/train';
import { coefficients, parseUtterances, speakers, type Utterances } from '../data/japanese-vowels.ts';
import { trainingSteps, type ChapterContext } from './context.ts';
import { train, type Trained } from './training.ts';

const tourSteps = 300;

/** One of the nine. */
interface Speaker {
  /** Test utterances. */
  readonly utterances: number;
  /** How many of them were given to the right speaker. */
  readonly right: number;
}

export interface VowelsResult {
  readonly trainingUtterances: number;
  /** Shortest and longest utterance, in steps. */
  readonly shortest: number;
  readonly longest: number;
  readonly parameters: number;
  /** Training steps done. */
  readonly steps: number;
  /** Every loss that was read on the way. */
  readonly losses: readonly number[];
  readonly seconds: number;
  readonly speakers: readonly Speaker[];
  /** Part of all test utterances, from 0 to 1. */
  readonly accuracy: number;
}

/** Listens to an utterance, from its first step to its own last one, and says who spoke. */
class SpeakerClassifier extends Module {
  gru: GRU = new GRU(coefficients, 64);
  head: Linear = new Linear(64, speakers);

  /** [T, B, 12] -> [B, 9] */
  forward(x: Tensor, lengths: Lengths): Tensor {
    const [, last] = this.gru.forward(x, undefined, { lengths });
    return this.head.forward(last.select(0, 0));
  }
}

/** A GRU tells the nine speakers of Japanese Vowels apart, from utterances of 7 to 29 steps. */
export async function runVowels(context: ChapterContext): Promise<VowelsResult> {
  const training = parseUtterances(await context.read('japanese-vowels-train.csv'));
  const test = parseUtterances(await context.read('japanese-vowels-test.csv'));
  setBackend(context.backend);

  manualSeed(context.seed);
  const start = performance.now();
  const model = new SpeakerClassifier();
  const { steps, losses } = await learn(model, training, context);
  const perSpeaker = await recognise(model, test);
  const seconds = (performance.now() - start) / 1000;
  const parameters = model.parameterCount();
  model.dispose();

  const lengths = [...training.sequences, ...test.sequences].map(({ shape }) => shape[0]);
  return {
    trainingUtterances: training.sequences.length,
    shortest: Math.min(...lengths),
    longest: Math.max(...lengths),
    parameters,
    steps,
    losses,
    seconds,
    speakers: perSpeaker,
    accuracy: perSpeaker.reduce((sum, { right }) => sum + right, 0) / test.sequences.length,
  };
}

async function learn(model: SpeakerClassifier, utterances: Utterances, context: ChapterContext): Promise<Trained> {
  const data = new DataLoader(datasetOf(utterances), { batchSize: 32, shuffle: true });
  return train(
    {
      task: 'GRU',
      model,
      data,
      loss: (model, { input, lengths, target }) => crossEntropy(model.forward(input, lengths), target),
      steps: trainingSteps(context, data.length, tourSteps),
    },
    context,
  );
}

/** How many utterances of each speaker are recognised. */
async function recognise(model: SpeakerClassifier, utterances: Utterances): Promise<Speaker[]> {
  const counts = Array.from({ length: speakers }, () => ({ utterances: 0, right: 0 }));
  const loader = new DataLoader(datasetOf(utterances), { batchSize: 128 });
  const best = noGrad(() =>
    scope(() => concat(Array.from(loader, ({ input, lengths }) => model.forward(input, lengths).argmax(1)))),
  );
  const guesses = await best.data();
  best.dispose();
  for (const [i, speaker] of utterances.speakers.entries()) {
    counts[speaker].utterances++;
    if (guesses[i] === speaker) counts[speaker].right++;
  }
  return counts;
}

function datasetOf({ sequences, speakers }: Utterances): SequenceDataset {
  return new SequenceDataset(sequences, speakers);
}
