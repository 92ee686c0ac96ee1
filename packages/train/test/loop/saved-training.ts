import { Generator, manualSeed, zeros, type Tensor } from '@rnn/core';
import { Dropout, Linear, LSTM, Module, mseLoss } from '@rnn/nn';
import { Adam, DataLoader, fit, ReduceLROnPlateau, windows, type FitOptions, type History } from '@rnn/train';

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

/** Losses of earlier batches that a loss may go by: state that is carried from batch to batch, kept by a class of one's own. */
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

type Options = Partial<FitOptions<Forecast, [Tensor, Tensor]>>;

/** What a run ends with, as plain values. */
export interface Outcome {
  readonly history: History;
  readonly weights: unknown;
}

/**
 * Trains with dropout, data shuffled by a generator of their own, a plateau schedule, early stopping that gives back the best pass, and
 * carried state.
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
