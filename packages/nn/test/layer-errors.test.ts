import { cpu } from '@rnn/backend-cpu';
import { ones, RnnError, setBackend, tensor, zeros, type Backend, type Tensor } from '@rnn/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { GRU, GRUCell, LSTM, LSTMCell, packPaddedSequence, RNN, RNNCell } from '../src/index.js';

let other: Backend;
beforeAll(async () => {
  other = await cpu();
  setBackend(await cpu());
});

const lstm = (): LSTM => new LSTM(3, 2);
const x = (): Tensor => ones([7, 2, 3]);

/** A wrong call, the error's code, and its message. */
type Mistake = [call: () => unknown, code: string, message: string];

function check(mistakes: readonly Mistake[]): void {
  it.each(mistakes.map(([call, code, message]) => [message, code, call] as const))('%s', (message, code, call) => {
    let error: unknown;
    try {
      call();
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(RnnError);
    expect((error as RnnError).message).toBe(message);
    expect((error as RnnError).code).toBe(code);
  });
}

describe('the input of a layer', () => {
  check([
    [
      () => lstm().forward(ones([7, 2, 5])),
      'ERR_SHAPE',
      'LSTM: input has shape [7, 2, 5], expected [T, B, 3]; inputSize is 3, and the last dimension has 5 features',
    ],
    [
      () => new GRU(3, 2, { batchFirst: true }).forward(ones([7, 2, 5])),
      'ERR_SHAPE',
      'GRU: input has shape [7, 2, 5], expected [B, T, 3]; inputSize is 3, and the last dimension has 5 features',
    ],
    [
      () => new RNN(3, 2).forward(ones([7, 5])),
      'ERR_SHAPE',
      'RNN: input has shape [7, 5], expected [T, 3]; inputSize is 3, and the last dimension has 5 features',
    ],
    [() => lstm().forward(ones([3])), 'ERR_SHAPE', 'LSTM: input has shape [3], expected [T, B, 3] or [T, 3]'],
    [
      () => lstm().forward(ones([1, 7, 2, 3])),
      'ERR_SHAPE',
      'LSTM: input has shape [1, 7, 2, 3], expected [T, B, 3] or [T, 3]',
    ],
    [
      () => lstm().forward(ones([0, 2, 3])),
      'ERR_SHAPE',
      'LSTM: input has shape [0, 2, 3], expected [T, B, 3] with every size at least 1',
    ],
    [
      () => lstm().forward(ones([7, 0, 3])),
      'ERR_SHAPE',
      'LSTM: input has shape [7, 0, 3], expected [T, B, 3] with every size at least 1',
    ],
    [
      () => lstm().forward([[1, 2, 3]] as never),
      'ERR_ARGUMENT',
      'LSTM: input is an array of 1, expected a Tensor; make one with tensor(...)',
    ],
    [
      () => lstm().forward(ones([7, 2, 3], { dtype: 'float64' })),
      'ERR_MIXED_DTYPES',
      "LSTM: input is float64, expected float32 as the parameters; convert with .to('float32')",
    ],
    [
      () => lstm().forward(ones([7, 2, 3], { dtype: 'int32' })),
      'ERR_MIXED_DTYPES',
      "LSTM: input is int32, expected float32 as the parameters; convert with .to('float32')",
    ],
    [
      () => lstm().forward(ones([7, 2, 3], { backend: other })),
      'ERR_MIXED_BACKENDS',
      "LSTM: input is on another 'cpu' backend, expected on that of the parameters; move one of them with .to(backend)",
    ],
  ]);
});

describe('the state of a layer', () => {
  check([
    [
      () => lstm().forward(x(), [ones([1, 2, 2]), ones([1, 2, 3])]),
      'ERR_SHAPE',
      'LSTM: c0 has shape [1, 2, 3], expected [1, 2, 2] (numLayers * directions, batch, hiddenSize)',
    ],
    [
      () => new LSTM(3, 4, { projSize: 2 }).forward(x(), [ones([1, 2, 4]), ones([1, 2, 4])]),
      'ERR_SHAPE',
      'LSTM: h0 has shape [1, 2, 4], expected [1, 2, 2] (numLayers * directions, batch, projSize)',
    ],
    [
      () => new GRU(3, 2, { numLayers: 2, bidirectional: true }).forward(x(), ones([2, 2, 2])),
      'ERR_SHAPE',
      'GRU: h0 has shape [2, 2, 2], expected [4, 2, 2] (numLayers * directions, batch, hiddenSize)',
    ],
    [
      () => new GRU(3, 2).forward(ones([7, 3]), ones([1, 1, 2])),
      'ERR_SHAPE',
      'GRU: h0 has shape [1, 1, 2], expected [1, 2] (numLayers * directions, hiddenSize)',
    ],
    [
      () => lstm().forward(x(), ones([1, 2, 2]) as never),
      'ERR_ARGUMENT',
      'LSTM: state is a Tensor of shape [1, 2, 2], expected the array [h0, c0]; leave it out (undefined, not null) for zeros',
    ],
    [
      () => lstm().forward(x(), [ones([1, 2, 2]), undefined as never]),
      'ERR_ARGUMENT',
      'LSTM: c0 is undefined, expected a Tensor; make one with tensor(...), or leave it out (undefined, not null) where there is none',
    ],
    [
      () => new GRU(3, 2).forward(x(), [ones([1, 2, 2])] as never),
      'ERR_ARGUMENT',
      'GRU: h0 is an array of 1, expected a Tensor; make one with tensor(...), or leave it out (undefined, not null) where there is none',
    ],
    [
      () => new GRU(3, 2).forward(x(), ones([1, 2, 2], { dtype: 'float64' })),
      'ERR_MIXED_DTYPES',
      "GRU: h0 is float64, expected float32 as the input; convert with .to('float32')",
    ],
    [
      () => new GRU(3, 2).forward(x(), ones([1, 2, 2], { backend: other })),
      'ERR_MIXED_BACKENDS',
      "GRU: h0 is on another 'cpu' backend, expected on that of the input; move one of them with .to(backend)",
    ],
  ]);
});

describe('lengths', () => {
  const run = (lengths: readonly number[]) => (): unknown => lstm().forward(x(), undefined, { lengths });
  check([
    [run([8, 1]), 'ERR_ARGUMENT', 'LSTM: lengths[0] is 8, expected a whole number from 0 to 7'],
    [run([7, -1]), 'ERR_ARGUMENT', 'LSTM: lengths[1] is -1, expected a whole number from 0 to 7'],
    [run([7, 1.5]), 'ERR_ARGUMENT', 'LSTM: lengths[1] is 1.5, expected a whole number from 0 to 7'],
    [run([7, NaN]), 'ERR_ARGUMENT', 'LSTM: lengths[1] is NaN, expected a whole number from 0 to 7'],
    [run([7]), 'ERR_SHAPE', 'LSTM: lengths has length 1, expected 2, one for each row of the batch'],
    [
      () => lstm().forward(packPaddedSequence(x(), [7, 7]) as never, undefined, { lengths: [7, 7] }),
      'ERR_ARGUMENT',
      'LSTM: lengths is given beside a packed input, expected none, as it has its own',
    ],
    [
      () => lstm().forward(x(), undefined, { length: [7, 7] } as never),
      'ERR_ARGUMENT',
      "LSTM: option 'length' is unknown, expected one of lengths, mask, resets, resetTo, record, compile; write lengths",
    ],
    [
      () => lstm().forward(packPaddedSequence(ones([7, 2]), [7, 7])),
      'ERR_SHAPE',
      'LSTM: input has shape [7, 2], expected [T, B, 3]',
    ],
  ]);
});

describe('constructors', () => {
  check([
    [() => new LSTM(NaN, 2), 'ERR_ARGUMENT', 'LSTM: inputSize is NaN, expected a whole number from 1 up'],
    [() => new LSTM(3, 0), 'ERR_ARGUMENT', 'LSTM: hiddenSize is 0, expected a whole number from 1 up'],
    [() => new GRU('3' as never, 2), 'ERR_ARGUMENT', "GRU: inputSize is '3', expected a whole number from 1 up"],
    [
      () => new GRU(3, 2, { numLayers: 1.5 }),
      'ERR_ARGUMENT',
      'GRU: numLayers is 1.5, expected a whole number from 1 up',
    ],
    [() => new GRU(3, 2, { dropout: 1.5 }), 'ERR_ARGUMENT', 'GRU: dropout is 1.5, expected a number from 0 to 1'],
    [() => new GRU(3, 2, { dropout: NaN }), 'ERR_ARGUMENT', 'GRU: dropout is NaN, expected a number from 0 to 1'],
    [
      () => new GRU(3, 2, { bidirectional: 1 as never }),
      'ERR_ARGUMENT',
      'GRU: bidirectional is 1, expected true or false',
    ],
    [
      () => new GRU(3, 2, { num_layers: 2 } as never),
      'ERR_ARGUMENT',
      "GRU: option 'num_layers' is unknown, expected one of numLayers, bias, batchFirst, dropout, bidirectional, learnInitialState, dtype, backend, resetAfter; write numLayers",
    ],
    [
      () => new GRU(3, 2, { projSize: 1 } as never),
      'ERR_ARGUMENT',
      "GRU: option 'projSize' is unknown, expected one of numLayers, bias, batchFirst, dropout, bidirectional, learnInitialState, dtype, backend, resetAfter",
    ],
    [() => new LSTM(3, 2, { projSize: 2 }), 'ERR_ARGUMENT', 'LSTM: projSize is 2, expected less than hiddenSize, 2'],
    [() => new LSTM(3, 2, { projSize: -1 }), 'ERR_ARGUMENT', 'LSTM: projSize is -1, expected a whole number from 0 up'],
    [
      () => new RNN(3, 2, { nonlinearity: 'sin' as never }),
      'ERR_ARGUMENT',
      "RNN: nonlinearity is 'sin', expected 'tanh' or 'relu'",
    ],
    [
      () => new RNNCell(3, 2, { nonlinearity: 'sin' as never }),
      'ERR_ARGUMENT',
      "RNNCell: nonlinearity is 'sin', expected 'tanh' or 'relu'",
    ],
    [
      () => new GRUCell(3, Infinity),
      'ERR_ARGUMENT',
      'GRUCell: hiddenSize is Infinity, expected a whole number from 1 up',
    ],
    [
      () => new LSTMCell(3, 2, { dtype: 'int32' }),
      'ERR_DTYPE',
      "Parameter: source is int32, expected float32 or float64; convert with .to('float32')",
    ],
  ]);
});

describe('cells', () => {
  check([
    [
      () => new LSTMCell(3, 2).forward(ones([4, 5])),
      'ERR_SHAPE',
      'LSTMCell: input has shape [4, 5], expected [B, 3] or [3]; inputSize is 3, and the last dimension has 5 features',
    ],
    [
      () => new LSTMCell(3, 2).forward(ones([2, 4, 3])),
      'ERR_SHAPE',
      'LSTMCell: input has shape [2, 4, 3], expected [B, 3] or [3]',
    ],
    [
      () => new LSTMCell(3, 2).forward(ones([0, 3])),
      'ERR_SHAPE',
      'LSTMCell: input has shape [0, 3], expected [B, 3] or [3] with every size at least 1',
    ],
    [
      () => new LSTMCell(3, 2).forward(ones([4, 3]), [zeros([4, 2]), zeros([4, 3])]),
      'ERR_SHAPE',
      'LSTMCell: c has shape [4, 3], expected [4, 2] (batch, hiddenSize)',
    ],
    [
      () => new LSTMCell(3, 2).forward(ones([3]), [zeros([1, 2]), zeros([2])]),
      'ERR_SHAPE',
      'LSTMCell: h has shape [1, 2], expected [2] (hiddenSize)',
    ],
    [
      () => new LSTMCell(3, 2).forward(ones([3]), zeros([2]) as never),
      'ERR_ARGUMENT',
      'LSTMCell: state is a Tensor of shape [2], expected the array [h, c]; leave it out (undefined, not null) for zeros',
    ],
    [
      () => new GRUCell(3, 2).forward(ones([4, 3]), ones([4, 2], { dtype: 'float64' })),
      'ERR_MIXED_DTYPES',
      "GRUCell: h is float64, expected float32 as the input; convert with .to('float32')",
    ],
    [
      () => new RNNCell(3, 2).forward(ones([4, 3]), ones([4, 2], { backend: other })),
      'ERR_MIXED_BACKENDS',
      "RNNCell: h is on another 'cpu' backend, expected on that of the input; move one of them with .to(backend)",
    ],
    [
      () => new RNNCell(3, 2).forward(tensor([1, 2, 3], { backend: other })),
      'ERR_MIXED_BACKENDS',
      "RNNCell: input is on another 'cpu' backend, expected on that of the parameters; move one of them with .to(backend)",
    ],
  ]);
});
