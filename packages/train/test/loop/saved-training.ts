import { Generator, manualSeed, zeros, type Tensor } from '@rnn/core';
import { crossEntropy, Dropout, Embedding, Linear, LSTM, Module, mseLoss, type LSTMState } from '@rnn/nn';
import {
  Adam,
  AveragedModel,
  CosineAnnealingLR,
  DataLoader,
  ExponentialLR,
  fit,
  LinearLR,
  ReduceLROnPlateau,
  SequentialLR,
  textStreams,
  windows,
  type FitOptions,
  type History,
} from '@rnn/train';

/** A forecast with everything that a training can have to remember. */
class Forecast extends Module {
  lstm: LSTM = new LSTM(1, 6);
  dropout: Dropout = new Dropout(0.2);
  head: Linear = new Linear(6, 1);

  forward(x: Tensor): Tensor {
    const [, [h]] = this.lstm.forward(x);
    return this.head.forward(this.dropout.forward(h.select(0, 0)));
  }
}

/**
 * Losses of earlier batches that a loss may go by: state that is carried from batch to batch, kept
 * by a class of one's own.
 */
class Carried {
  mean: Tensor = zeros([]).keep();

  next(loss: Tensor): void {
    const mean = this.mean.mul(0.9).add(loss.detach().mul(0.1)).keep();
    this.mean.dispose();
    this.mean = mean;
  }

  stateDict(): Record<string, Tensor> {
    return { mean: this.mean.detach() };
  }

  loadStateDict({ mean }: { mean: { data: ArrayLike<number> } }): void {
    this.mean.dispose();
    this.mean = zeros([]).add(mean.data[0]).keep();
  }
}

/** The options that the trainings here are run with. */
export type Options = Pick<
  FitOptions<Forecast, [Tensor, Tensor]>,
  'checkpoint' | 'resumeFrom' | 'signal' | 'onStep' | 'yieldEvery' | 'logEvery' | 'history'
>;

/** What a run ends with, as plain values. */
export interface Outcome {
  readonly history: History;
  readonly weights: unknown;
}

/** A training that is the same each time. */
export type Run = (options: Options, epochs?: number) => Promise<Outcome>;

/**
 * Trains with dropout, data shuffled by a generator of their own, a plateau schedule, early
 * stopping that gives back the best pass, and carried state.
 *
 * @param options - of `fit`, over those of this training
 * @param epochs - most passes
 */
export async function run(options: Options, epochs = 14): Promise<Outcome> {
  manualSeed(1);
  const wave = Array.from({ length: 90 }, (_, t) => Math.sin(t / 4));
  const shuffled = { batchSize: 7, shuffle: true, generator: new Generator(2) };
  const data = new DataLoader(windows(wave.slice(0, 60), 6), shuffled);
  const validation = { data: new DataLoader(windows(wave.slice(60), 6), { batchSize: 8 }) };
  const model = new Forecast();
  const optimizer = new Adam(model.parameters(), { lr: 0.05 });
  const carried = new Carried();
  const history = await fit(model, data, {
    loss: (net, [x, y]) => {
      const loss = mseLoss(net.forward(x), y);
      if (net.training) carried.next(loss);
      return loss.add(carried.mean.mul(loss));
    },
    optimizer,
    epochs,
    schedule: new ReduceLROnPlateau(optimizer, { patience: 0, factor: 0.5 }),
    earlyStopping: { patience: 20, restoreBest: true },
    validation,
    clipNorm: 1,
    ...options,
    ...(options.checkpoint && { checkpoint: { parts: { carried }, ...options.checkpoint } }),
  });
  return {
    history,
    weights: { model: model.stateDict(), optimizer: optimizer.stateDict(), mean: carried.mean.item() },
  };
}

/** A language model whose state is carried. */
class Text extends Module {
  embedding: Embedding = new Embedding(7, 4);
  dropout: Dropout = new Dropout(0.1);
  lstm: LSTM = new LSTM(4, 5);
  head: Linear = new Linear(5, 7);

  forward(x: Tensor, state?: LSTMState): [Tensor, LSTMState] {
    const [y, next] = this.lstm.forward(this.dropout.forward(this.embedding.forward(x)), state);
    return [this.head.forward(y), next];
  }
}

/**
 * Trains on a text with carried state, two pieces a step, an average of the weights, warm-up, and
 * schedules one after another.
 *
 * @param options - of `fit`, over those of this training
 * @param epochs - most passes
 */
export async function runText(options: Options, epochs = 6): Promise<Outcome> {
  manualSeed(1);
  const text = Array.from({ length: 3 * 58 }, (_, i) => (i * i + (i >> 3)) % 7);
  const streams = textStreams(text, { rows: 3, steps: 24 }); // pieces of 5, 5, 5, 5, 4; the same; 5, 4
  const model = new Text();
  const optimizer = new Adam(
    [
      { params: [...model.embedding.parameters(), ...model.head.parameters()], weightDecay: 0.01 },
      { params: model.lstm.parameters(), lr: 0.02 },
    ],
    { lr: 0.05 },
  );
  const averaged = new AveragedModel(model, { decay: 0.8 });
  const history = await fit(model, streams, {
    tbptt: 5,
    accumulate: 2,
    warmup: 9,
    averaged,
    loss: (net, [x, y], state?: LSTMState) => {
      const [scores, next] = net.forward(x, state);
      return [crossEntropy(scores, y, { classDim: -1 }), next];
    },
    optimizer,
    epochs,
    schedule: new SequentialLR(optimizer, {
      schedulers: [
        new LinearLR(optimizer, { startFactor: 0.3, totalIters: 7 }),
        new CosineAnnealingLR(optimizer, { tMax: 12 }),
        new ExponentialLR(optimizer, { gamma: 0.9 }),
      ],
      milestones: [7, 19],
    }),
    scheduleEvery: 'step',
    earlyStopping: { patience: 20, restoreBest: true },
    validation: { data: textStreams(text.slice(60), { rows: 2, steps: 20 }) },
    clipNorm: 1,
    ...(options as object),
  });
  return {
    history,
    weights: { model: model.stateDict(), averaged: averaged.stateDict(), optimizer: optimizer.stateDict() },
  };
}
