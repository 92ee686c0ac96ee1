import { inspect } from 'node:util';
import { cpu } from '@rnn/backend-cpu';
import { setBackend, tensor, zeros } from '@rnn/core';
import {
  BatchNorm1d,
  BCELoss,
  Conv1d,
  CrossEntropyLoss,
  CTCLoss,
  Dropout,
  Embedding,
  Flatten,
  GELU,
  GRU,
  GRUCell,
  Identity,
  LayerNorm,
  Linear,
  LSTM,
  LSTMCell,
  Module,
  Parameter,
  RNN,
  RNNCell,
  Sequential,
  SiLU,
  Softmax,
  Tanh,
} from '@rnn/nn';
import { describe, expect, test } from 'vitest';

setBackend(await cpu());

class Net extends Module {
  w = new Parameter(zeros([2]));
  rnn = new LSTM(3, 5, { batchFirst: true });
  heads = [new Linear(5, 2), new Sequential(new Linear(2, 2), new Tanh())];
  forward(): void {}
}

// What PyTorch 2.15 prints for the same modules.
describe('console.log shows a module as PyTorch prints it', () => {
  test.each([
    [
      new LSTM(3, 5, { numLayers: 2, batchFirst: true, dropout: 0.1, bidirectional: true, projSize: 2 }),
      'LSTM(3, 5, proj_size=2, num_layers=2, batch_first=True, dropout=0.1, bidirectional=True)',
    ],
    [new GRU(3, 5, { bias: false }), 'GRU(3, 5, bias=False)'],
    [new RNN(3, 5, { nonlinearity: 'relu' }), 'RNN(3, 5)'],
    [new LSTMCell(3, 5), 'LSTMCell(3, 5)'],
    [new RNNCell(3, 5, { bias: false, nonlinearity: 'relu' }), 'RNNCell(3, 5, bias=False, nonlinearity=relu)'],
    [new GRUCell(2, 3), 'GRUCell(2, 3)'],
    [new Linear(3, 2), 'Linear(in_features=3, out_features=2, bias=True)'],
    [new Embedding(9, 4, { paddingIdx: 0 }), 'Embedding(9, 4, padding_idx=0)'],
    [new Embedding(3, 4), 'Embedding(3, 4)'],
    [new Dropout(0.25), 'Dropout(p=0.25, inplace=False)'],
    [new LayerNorm(5), 'LayerNorm((5,), eps=1e-05, elementwise_affine=True, bias=True)'],
    [
      new LayerNorm([2, 3], { eps: 1e-3, elementwiseAffine: false }),
      'LayerNorm((2, 3), eps=0.001, elementwise_affine=False, bias=False)',
    ],
    [new CrossEntropyLoss(), 'CrossEntropyLoss()'],
    [new BCELoss(), 'BCELoss()'],
    [new CTCLoss(), 'CTCLoss()'],
    [new GELU(), "GELU(approximate='none')"],
    [new GELU({ approximate: 'tanh' }), "GELU(approximate='tanh')"],
    [new SiLU(), 'SiLU()'],
    [new Softmax(-1), 'Softmax(dim=-1)'],
    [new Identity(), 'Identity()'],
    [new Flatten(), 'Flatten(start_dim=1, end_dim=-1)'],
    [
      new Conv1d(3, 6, 5, { stride: 2, padding: 2, dilation: 2, groups: 3, bias: false }),
      'Conv1d(3, 6, kernel_size=(5,), stride=(2,), padding=(2,), dilation=(2,), groups=3, bias=False)',
    ],
    [
      new Conv1d(3, 6, 5, { padding: 'same', paddingMode: 'reflect' }),
      'Conv1d(3, 6, kernel_size=(5,), stride=(1,), padding=same, padding_mode=reflect)',
    ],
    [new Conv1d(1, 2, 3), 'Conv1d(1, 2, kernel_size=(3,), stride=(1,))'],
    [new BatchNorm1d(4), 'BatchNorm1d(4, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)'],
    [
      new BatchNorm1d(4, { momentum: null, affine: false, trackRunningStats: false }),
      'BatchNorm1d(4, eps=1e-05, momentum=None, affine=False, bias=False, track_running_stats=False)',
    ],
    [
      new Sequential(new Linear(3, 2), new Tanh(), new Sequential(new Linear(2, 2))),
      `Sequential(
  (0): Linear(in_features=3, out_features=2, bias=True)
  (1): Tanh()
  (2): Sequential(
    (0): Linear(in_features=2, out_features=2, bias=True)
  )
)`,
    ],
  ])('%s', (module, text) => {
    expect(inspect(module)).toBe(text);
    expect(String(module)).toBe(text);
  });

  test('a class of one’s own, lists included', () => {
    expect(inspect({ net: new Net() })).toBe(`{
  net: Net(
    (rnn): LSTM(3, 5, batch_first=True)
    (heads.0): Linear(in_features=5, out_features=2, bias=True)
    (heads.1): Sequential(
      (0): Linear(in_features=2, out_features=2, bias=True)
      (1): Tanh()
    )
  )
}`);
  });
});

describe('modules', () => {
  test('are deep-equal where options and weights are', () => {
    const [a, b] = [new LSTM(2, 3), new LSTM(2, 3)];
    expect(a).not.toEqual(b);
    b.loadStateDict(a.stateDict());
    expect(a).toEqual(b);
    b.weight_hh_l0.copy_(zeros([12, 3]));
    expect(a).not.toEqual(b);
  });

  test('show no weights, no backend and no memory', () => {
    const net = new Net();
    expect(JSON.stringify({ net })).toBe(JSON.stringify({ net: String(net) }));
    expect(JSON.stringify(structuredClone(new LSTM(3, 32))).length).toBeLessThan(500);
    expect(JSON.stringify(new LSTM(3, 32).stateDict()).length).toBeLessThan(150_000);
  });

  test('keep their weights through JSON', () => {
    const [a, b] = [new LSTM(2, 3), new LSTM(2, 3)];
    a.bias_hh_l0.copy_(tensor([NaN, Infinity, -Infinity, -0, ...Array.from<number>({ length: 8 }).fill(1.1)]));
    b.loadStateDict(JSON.parse(JSON.stringify(a.stateDict())) as never);
    expect(b.stateDict()).toEqual(a.stateDict());
  });
});
