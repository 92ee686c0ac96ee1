import { arange, concat, full, manualSeed, noGrad, scope, setBackend, zeros } from '@rnn/core';
import { GRU, LSTM, mseLoss, RNN } from '@rnn/nn';
import { windows } from '@rnn/train';
import { parseSunspots } from '../data/sunspots.ts';
import type { ChapterContext } from './context.ts';
import { Forecaster, type RecurrentLayer } from './forecaster.ts';
import { standardise } from './series.ts';

/** Months of each window: the loss looks at the month after the last one. */
const window = 60;
const hidden = 32;

/** Added to the bias of the gate that keeps the state: sigmoid(2) keeps 88 % of it from step to step, sigmoid(0) half. */
export const opening = 2;

/** How much the loss depends on each time step of the input, for one network before any training. */
export interface GradientCurve {
  readonly name: string;
  /** Whether `opening` was added; a plain RNN has no gate to open. */
  readonly opened: boolean;
  /** |d loss / d x_t| over the batch, t = 0 ... 59. */
  readonly norms: readonly number[];
}

export interface GradientsResult {
  readonly curves: readonly GradientCurve[];
}

/** How the gradient shrinks on its way back through time, in an RNN, an LSTM and a GRU. */
export async function runGradients({ backend, seed, read }: ChapterContext): Promise<GradientsResult> {
  const { values } = parseSunspots(await read('sunspots-monthly.csv'));
  const series = standardise(values, values.length).values;
  setBackend(backend);

  const makers: readonly (readonly [name: string, opened: boolean, make: () => RecurrentLayer])[] = [
    ['RNN', false, () => new RNN(1, hidden)],
    ['LSTM', false, () => new LSTM(1, hidden)],
    ['GRU', false, () => new GRU(1, hidden)],
    ['LSTM', true, () => openGate(new LSTM(1, hidden))],
    ['GRU', true, () => openGate(new GRU(1, hidden))],
  ];
  const curves: GradientCurve[] = [];
  for (const [name, opened, make] of makers) {
    manualSeed(seed);
    curves.push({ name, opened, norms: await gradientNorms(new Forecaster(make()), series) });
  }
  return { curves };
}

/** Opens the LSTM's forget gate or the GRU's update gate: the second block of rows in both. */
function openGate<L extends RecurrentLayer>(layer: L): L {
  const { bias_ih_l0: bias } = Object.fromEntries(layer.namedParameters());
  noGrad(() => scope(() => {
    const others = bias.size / hidden - 2;
    const shift = concat([zeros([hidden]), full([hidden], opening), zeros([others * hidden])]);
    bias.copy_(bias.add(shift));
  }));
  return layer;
}

/** |d loss / d x_t| for every t. */
async function gradientNorms(model: Forecaster, series: Float32Array): Promise<number[]> {
  const data = windows(series, window, 1, { stride: 32 });
  const norms = scope(() => {
    const [x, y] = data.batch(arange(data.length).dataSync());
    x.requiresGrad = true;
    mseLoss(model.forward(x), y).backward();
    return x.grad.square().sum([1, 2]).sqrt();
  });
  return [...await norms.data()];
}
