import { FormatError, select, stack, type Tensor } from '@rnn/core';
import { GRU, GRUCell, LSTM, LSTMCell, RNN, RNNCell } from '@rnn/nn';
import type { Config } from './config.js';
import type { Trial } from './trial.js';

/** Refuses a shape that contradicts the sizes in the config. */
export function checkShape(name: string, { shape }: Tensor, expected: readonly number[]): void {
  if (shape.length !== expected.length || shape.some((size, i) => size !== expected[i])) {
    throw new FormatError(
      `reference case: '${name}' has shape [${shape.join(', ')}], but config says [${expected.join(', ')}]`,
    );
  }
}

function unknownKind(kind: string): never {
  throw new FormatError(`reference case: unknown kind '${kind}', expected rnn, lstm or gru`);
}

function nonlinearityOf(config: Config): 'tanh' | 'relu' {
  return config.choice('nonlinearity', ['tanh', 'relu'], 'tanh');
}

/** Runs a case of the group `cell`: a cell over a few steps, the loss on all its outputs. */
export function runCell(trial: Trial): void {
  const { file, backend } = trial;
  const { config } = file;
  const kind = config.text('kind');
  const inputSize = config.number('input_size');
  const hiddenSize = config.number('hidden_size');
  const steps = config.number('steps');
  const batch = config.optionalNumber('B');
  const bias = config.flag('bias', true);
  const input = trial.input('input');
  checkShape('input', input, [steps, ...(batch === undefined ? [] : [batch]), inputSize]);
  const started = config.flag('initial_state', false);
  const h0 = started ? trial.input('h0') : undefined;
  const xs = Array.from({ length: steps }, (_, t) => select(input, 0, t));
  const hs: Tensor[] = [];
  if (kind === 'lstm') {
    const cell = trial.load(new LSTMCell(inputSize, hiddenSize, { bias, backend }));
    let state: readonly [Tensor, Tensor] | undefined = h0 && [h0, trial.input('c0')];
    for (const x of xs) {
      state = cell.forward(x, state);
      hs.push(state[0]);
    }
    if (state !== undefined) trial.result('out.c', state[1]);
  } else {
    const cell = trial.load(simpleCell(kind, inputSize, hiddenSize, bias, trial));
    let h = h0;
    for (const x of xs) {
      h = cell.forward(x, h);
      hs.push(h);
    }
  }
  trial.result('out.h', stack(hs));
  trial.backward();
}

function simpleCell(
  kind: string,
  inputSize: number,
  hiddenSize: number,
  bias: boolean,
  trial: Trial,
): RNNCell | GRUCell {
  const { file, backend } = trial;
  if (kind === 'rnn') {
    return new RNNCell(inputSize, hiddenSize, { bias, nonlinearity: nonlinearityOf(file.config), backend });
  }
  return kind === 'gru' ? new GRUCell(inputSize, hiddenSize, { bias, backend }) : unknownKind(kind);
}

/** A recurrent layer of the kind and with the options that a config names. */
export function layerOf(kind: string, inputSize: number, hiddenSize: number, trial: Trial): RNN | LSTM | GRU {
  const { config } = trial.file;
  const options = {
    numLayers: config.number('num_layers', 1),
    bias: config.flag('bias', true),
    batchFirst: config.flag('batch_first', false),
    dropout: config.number('dropout', 0),
    bidirectional: config.flag('bidirectional', false),
    backend: trial.backend,
  };
  switch (kind) {
    case 'rnn':
      return new RNN(inputSize, hiddenSize, { ...options, nonlinearity: nonlinearityOf(config) });
    case 'lstm':
      return new LSTM(inputSize, hiddenSize, { ...options, projSize: config.number('proj_size', 0) });
    case 'gru':
      return new GRU(inputSize, hiddenSize, options);
    default:
      return unknownKind(kind);
  }
}

/** What a layer makes of a sequence, without the final state. */
export function outputOf(layer: RNN | LSTM | GRU, input: Tensor): Tensor {
  const [output] = layer instanceof LSTM ? layer.forward(input) : layer.forward(input);
  return output;
}

/**
 * Runs a case of the group `layer`: a whole sequence, the loss on the output and the final state.
 */
export function runLayer(trial: Trial): void {
  const { file } = trial;
  const { config } = file;
  const inputSize = config.number('input_size');
  const layer = layerOf(config.text('kind'), inputSize, config.number('hidden_size'), trial);
  trial.load(layer);
  config.text('loss', ''); // words for the reader: the loss is what the weights in the file say
  const input = trial.input('input');
  checkShape('input', input, inputShape(config, inputSize));
  const started = config.flag('initial_state', false);
  const h0 = started ? trial.input('h0') : undefined;
  const options = { lengths: lengthsOf(trial) };
  if (layer instanceof LSTM) {
    const [output, [hN, cN]] = layer.forward(input, h0 && [h0, trial.input('c0')], options);
    trial.result('out.output', output);
    trial.result('out.h_n', hN);
    trial.result('out.c_n', cN);
  } else {
    const [output, hN] = layer.forward(input, h0, options);
    trial.result('out.output', output);
    trial.result('out.h_n', hN);
  }
  trial.backward();
}

function inputShape(config: Config, inputSize: number): number[] {
  const steps = config.number('T');
  const batch = config.number('B');
  if (config.flag('unbatched', false)) return [steps, inputSize];
  return config.flag('batch_first', false) ? [batch, steps, inputSize] : [steps, batch, inputSize];
}

/** Lengths stand in the config and as a tensor; they must agree. */
export function lengthsOf({ file }: Trial): readonly number[] | undefined {
  const lengths = file.config.numbers('lengths');
  const stored = file.has('lengths') ? [...file.tensor('lengths').data] : undefined;
  if (String(lengths) !== String(stored)) {
    throw new FormatError(
      `reference case: config has the lengths ${String(lengths)}, but the tensor 'lengths' holds ${String(stored)}`,
    );
  }
  return lengths;
}
