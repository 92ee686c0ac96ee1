import { concat, fromData, noGrad, scope, zeros, type Tensor } from '@rnn/core';
import { crossEntropy } from '@rnn/nn';
import { Adam, ConfusionMatrix, DataLoader, SequenceDataset, type SequenceBatch } from '@rnn/train';
import { coefficients, parseUtterances, speakers, type Utterances } from '../../../../src/data/japanese-vowels.ts';
import { endless } from '../../experiment/endless.ts';
import type { ExperimentOptions, Movable } from '../../experiment/experiment.ts';
import { ModelExperiment } from '../../experiment/model-experiment.ts';
import { PacedView } from '../../experiment/paced-view.ts';
import { update } from '../../experiment/update.ts';
import { SpeakerClassifier } from './classifier.ts';
import type { Hearing, SpeakersSettings, SpeakersView } from './view.ts';

/** Utterances of different lengths, and nine speakers to tell apart. */
export class SpeakersExperiment extends ModelExperiment {
  protected readonly fileName = 'speakers';
  readonly movable: readonly Movable[];
  readonly model: SpeakerClassifier;
  readonly optimizer: Adam;
  private readonly batches: Iterator<SequenceBatch>;
  private readonly training: Utterances;
  private readonly test: Utterances;
  private readonly paced = new PacedView(() => this.recognise());

  constructor({ settings }: ExperimentOptions<SpeakersSettings>) {
    super();
    this.training = parseUtterances(settings.training);
    this.test = parseUtterances(settings.test);
    this.batches = endless(new DataLoader(datasetOf(this.training), { batchSize: 32, shuffle: true }));
    this.model = new SpeakerClassifier(settings.layer, settings.hidden);
    this.optimizer = new Adam(this.model.parameters(), { lr: 0.005 });
    this.movable = [this.model, this.optimizer];
  }

  step(): Tensor {
    const { input, lengths, target } = this.batches.next().value as SequenceBatch;
    const loss = update(this, crossEntropy(this.model.forward(input, lengths), target));
    this.outdate();
    return loss;
  }

  view(isAtRest: boolean): Promise<SpeakersView> {
    return this.paced.get(isAtRest);
  }

  /**
   * What happens inside while a test utterance is heard.
   *
   * @param index - its position in the file, from 0
   */
  async hear(index: number): Promise<Hearing> {
    const { data, shape } = this.test.sequences[index];
    const [states, beliefs] = noGrad(() =>
      scope(() => this.model.listen(fromData(data.slice(), [shape[0], 1, coefficients]))),
    );
    try {
      return {
        steps: shape[0],
        speaker: this.test.speakers[index],
        input: data,
        states: Float32Array.from(await states.data()),
        hidden: this.model.layer.hiddenSize,
        beliefs: Float32Array.from(await beliefs.data()),
      };
    } finally {
      states.dispose();
      beliefs.dispose();
    }
  }

  protected examples(): Tensor[] {
    return [zeros([8, 1, coefficients])];
  }

  protected outdate(): void {
    this.paced.outdate();
  }

  private async recognise(): Promise<SpeakersView> {
    const { model, training, test } = this;
    const loader = new DataLoader(datasetOf(test), { batchSize: 185 });
    const best = noGrad(() =>
      scope(() => concat(Array.from(loader, ({ input, lengths }) => model.forward(input, lengths).argmax(1)))),
    );
    try {
      const heard = Int32Array.from(await best.data());
      const confusion = new ConfusionMatrix(speakers);
      confusion.update(heard, test.speakers);
      const right = heard.filter((speaker, i) => speaker === test.speakers[i]).length;
      return {
        parameters: model.parameterCount(),
        trainingUtterances: training.sequences.length,
        confusion: confusion.compute(),
        accuracy: right / heard.length,
        utterances: test.sequences.map(({ shape }, i) => ({
          speaker: test.speakers[i],
          heard: heard[i],
          steps: shape[0],
        })),
      };
    } finally {
      best.dispose();
    }
  }
}

function datasetOf({ sequences, speakers }: Utterances): SequenceDataset {
  return new SequenceDataset(sequences, speakers);
}
