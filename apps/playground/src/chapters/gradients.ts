import { concat, full, grad, manualSeed, noGrad, scope, setBackend, zeros } from '@rnn/core';
import { GRU, LSTM, mseLoss, RNN } from '@rnn/nn';
import { DataLoader, windows } from '@rnn/train';
import { parseSunspots } from '../data/sunspots.ts';
import type { ChapterContext } from './context.ts';
import { Forecaster, type SequenceLayer } from './forecaster.ts';
import { standardise } from './series.ts';

/** Months of a window; the loss looks at the one after its last. */
const window = 60;
const hiddenSize = 32;

/**
 * What opens the gate that keeps the state: as initialised it lets about sigmoid(0) = 50 % through
 * at each step, with this much more in its bias sigmoid(2) = 88 %.
 */
export const keepingGateShift = 2;

/** How much a network's loss depends on each time step of its input, before any training. */
export interface GradientCurve {
  readonly name: 'RNN' | 'LSTM' | 'GRU';
  /** Whether the gate that keeps the state was opened. */
  readonly open: boolean;
  /** |d loss / d x_t| over the batch, for t = 0 ... 59. */
  readonly norms: readonly number[];
}

export interface GradientsResult {
  readonly curves: readonly GradientCurve[];
}

/**
 * How the gradient shrinks on its way back through time in an RNN, an LSTM and a GRU, with the
 * sunspot series as input.
 */
export async function runGradients({ backend, seed, read }: ChapterContext): Promise<GradientsResult> {
  const { values } = parseSunspots(await read('sunspots-monthly.csv'));
  const series = standardise(values, values.length).values;
  setBackend(backend);

  const curves: GradientCurve[] = [];
  const measure = async (name: GradientCurve['name'], open: boolean, make: () => SequenceLayer): Promise<void> => {
    manualSeed(seed);
    const model = new Forecaster(make());
    curves.push({ name, open, norms: await gradientNorms(model, series) });
    model.dispose();
  };
  await measure('RNN', false, () => new RNN(1, hiddenSize));
  await measure('LSTM', false, () => new LSTM(1, hiddenSize));
  await measure('GRU', false, () => new GRU(1, hiddenSize));
  await measure('LSTM', true, () => opened(new LSTM(1, hiddenSize)));
  await measure('GRU', true, () => opened(new GRU(1, hiddenSize)));
  return { curves };
}

/** Opens the LSTM's forget gate, or the GRU's update gate: the second block of rows in both. */
function opened(layer: LSTM | GRU): LSTM | GRU {
  const { bias_ih_l0: bias } = Object.fromEntries(layer.namedParameters());
  noGrad(() =>
    scope(() => {
      const shift = [zeros([hiddenSize]), full([hiddenSize], keepingGateShift), zeros([bias.size - 2 * hiddenSize])];
      bias.copy_(bias.add(concat(shift)));
    }),
  );
  return layer;
}

/** |d loss / d x_t| for each time step, of one batch of windows from all over the series. */
async function gradientNorms(model: Forecaster, series: Float32Array): Promise<number[]> {
  const loader = new DataLoader(windows(series, window, 1, { stride: 48 }), { batchSize: 64 });
  const norms = scope(() => {
    const [batch] = loader;
    const [x, y] = batch;
    x.requiresGrad = true;
    const [dx] = grad(mseLoss(model.forward(x), y), [x]);
    return dx.square().sum([1, 2]).sqrt();
  });
  const values = [...(await norms.data())];
  norms.dispose();
  return values;
}
