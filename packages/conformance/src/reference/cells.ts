/** Cells that PyTorch does not have, held to their papers' formulas as PyTorch computes them. */
import { FormatError, type Backend, type Tensor } from '@rnn/core';
import {
  CoupledLSTMCell,
  GRUCell,
  LayerNormGRUCell,
  LayerNormLSTMCell,
  MGUCell,
  MinGRUCell,
  MinLSTMCell,
  PeepholeLSTMCell,
  Recurrent,
  ZoneoutCell,
  type LSTMState,
  type Cell,
  type Module,
  type TwoStateCell,
} from '@rnn/nn';
import { checkShape, lengthsOf } from './recurrent.js';
import type { Trial } from './trial.js';

interface Options {
  readonly bias: boolean;
  readonly backend: Backend;
}

type Make<C> = (inputSize: number, hiddenSize: number, options: Options) => C;

const oneState: ReadonlyMap<string, Make<Module & Cell>> = new Map<string, Make<Module & Cell>>([
  ['gru_reset_before', (i, h, options) => new GRUCell(i, h, { ...options, resetAfter: false })],
  ['gru_layer_norm', (i, h, options) => new LayerNormGRUCell(i, h, options)],
  ['mgu', (i, h, options) => new MGUCell(i, h, options)],
  ['min_gru', (i, h, options) => new MinGRUCell(i, h, options)],
  ['min_lstm', (i, h, options) => new MinLSTMCell(i, h, options)],
]);

const twoStates: ReadonlyMap<string, Make<TwoStateCell>> = new Map<string, Make<TwoStateCell>>([
  ['lstm_coupled', (i, h, options) => new CoupledLSTMCell(i, h, options)],
  ['lstm_peephole', (i, h, options) => new PeepholeLSTMCell(i, h, options)],
  ['lstm_layer_norm', (i, h, options) => new LayerNormLSTMCell(i, h, options)],
]);

/**
 * Runs a case of the group `recurrent`: a cell over a sequence, the loss on the output and the
 * final state.
 */
export function runRecurrent(trial: Trial): void {
  const { config } = trial.file;
  const kind = config.text('kind');
  const sizes = [config.number('input_size'), config.number('hidden_size')] as const;
  const input = trial.input('input');
  checkShape('input', input, [config.number('T'), config.number('B'), sizes[0]]);
  const options = { bias: config.flag('bias', true), backend: trial.backend };
  const shares = config.numbers('zoneout');
  const rows = { lengths: lengthsOf(trial), reverse: config.flag('reverse', false), resets: resetsOf(trial) };
  const h0 = trial.input('h0');
  const makeOne = oneState.get(kind);
  if (makeOne !== undefined) {
    const cell = trial.load(makeOne(...sizes, options));
    const layer = new Recurrent<Tensor>(shares === undefined ? cell : new ZoneoutCell<Tensor>(cell, { p: shares }));
    const [output, hN] = layer.eval().forward(input, h0, rows);
    trial.result('out.output', output);
    trial.result('out.h_n', hN);
  } else {
    const makeTwo = twoStates.get(kind);
    if (makeTwo === undefined) {
      throw new FormatError(
        `reference case: unknown kind '${kind}', expected one of ${[...oneState.keys(), ...twoStates.keys()].join(', ')}`,
      );
    }
    const cell = trial.load(makeTwo(...sizes, options));
    const layer = new Recurrent<LSTMState>(
      shares === undefined ? cell : new ZoneoutCell<LSTMState>(cell, { p: shares }),
    );
    const [output, [hN, cN]] = layer.eval().forward(input, [h0, trial.input('c0')], rows);
    trial.result('out.output', output);
    trial.result('out.h_n', hN);
    trial.result('out.c_n', cN);
  }
  trial.backward();
}

/** `resets` as `Recurrent` takes them on any backend: numbers by step and row. */
export function resetsOf({ file }: Trial): readonly (readonly number[])[] | undefined {
  if (!file.has('resets')) return undefined;
  const { data, shape } = file.tensor('resets');
  const [steps, rows] = shape;
  return Array.from({ length: steps }, (_, t) => Array.from(data.subarray(t * rows, (t + 1) * rows)));
}
