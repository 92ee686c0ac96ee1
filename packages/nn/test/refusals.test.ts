import { cpu } from '@rnn/backend-cpu';
import { setBackend, tensor, zeros, type Tensor } from '@rnn/core';
import { beforeEach, describe } from 'vitest';
import {
  Bidirectional,
  GRU,
  GRUCell,
  Linear,
  LSTM,
  LSTMCell,
  Module,
  MSELoss,
  Parameter,
  Recurrent,
} from '../src/index.js';
import { checkRefused } from './refused.js';

beforeEach(async () => setBackend(await cpu()));

class Forgetful extends Module {
  initialState(batch = 1): Tensor {
    return zeros([batch, 2]);
  }

  forward(x: Tensor, h: Tensor): Tensor {
    x.add(h);
    return undefined as never;
  }
}

class Holder extends Module {
  forward(): void {}
}

describe("what was ignored or ended in the engine's own words", () => {
  checkRefused([
    [
      () => new Parameter(zeros([2]), { require_grad: false } as never),
      "Parameter: option 'require_grad' is unknown, expected one of requiresGrad; write requiresGrad",
    ],
    [
      () => new Parameter(zeros([2]), { requiresGrad: 'no' } as never),
      "Parameter: requiresGrad is 'no', expected true or false",
    ],
    [
      () => new Holder().registerBuffer('b', zeros([2]), { persist: false } as never),
      "registerBuffer: option 'persist' is unknown, expected one of persistent",
    ],
    [
      () => new Holder().registerBuffer('b', [1] as never),
      'registerBuffer: tensor is an array of 1, expected a Tensor',
    ],
    [() => new Linear(2, 2).loadStateDict({}, { strikt: false } as never), "loadStateDict: option 'strikt' is unknown"],
    [() => new Linear(2, 2).apply(3 as never), 'apply: fn is 3, expected a function (module) => void'],
    [() => new Linear(2, 2).requiresGrad_('no' as never), "requiresGrad_: on is 'no', expected true or false"],
    [() => new Linear(2, 2).to(cpu() as never), 'to: backend is a promise, expected a backend; write `await cpu()`'],
    [
      () => new MSELoss().forward(zeros([2, 2]), zeros([2, 2]), { length: [1, 2] } as never),
      "MSELoss: option 'length' is unknown, expected one of lengths; write lengths",
    ],
    [
      () => new Recurrent(new Forgetful()).forward(zeros([3, 1, 2])),
      'Forgetful: the result of forward is undefined, expected the state after the step, a Tensor or an array of Tensors; return it',
    ],
    [
      () => new GRUCell(3, 2).forward(zeros([1, 3]), null as never),
      'GRUCell: h is null, expected a Tensor; make one with tensor(...), or leave it out (undefined, not null) where there is none',
    ],
    [
      () => new Recurrent(new GRUCell(3, 2)).forward(zeros([4, 1, 3]), null as never),
      'Recurrent: h0 is null, expected a Tensor or an array of Tensors; leave it out (undefined, not null) for what the cell starts from',
    ],
    [() => new Recurrent(new GRUCell(3, 2)).forward(zeros([4, 3]), null as never), 'Recurrent: h0 is null'],
    [() => new Recurrent(new LSTMCell(3, 2)).forward(zeros([4, 3]), [] as never), 'Recurrent: h0 is an empty array'],
    [
      () => new Bidirectional(new GRUCell(3, 2), new GRUCell(3, 2)).forward(zeros([4, 3]), [null, null] as never),
      'Bidirectional: h0 is null',
    ],
    [() => new Linear(1, 1).train('no' as never), "train: mode is 'no', expected true or false"],
    [() => new LSTMCell(3, 2).forward(zeros([1, 3]), null as never), 'leave it out (undefined, not null) for zeros'],
    [() => new LSTM(3, 2).forward(zeros([4, 1, 3]), null as never), 'leave it out (undefined, not null) for zeros'],
    [
      () => new GRU(3, 2).forward(zeros([4, 1, 3]), null as never),
      'or leave it out (undefined, not null) where there is none',
    ],
    [
      () => new GRU(3, 2).forward(tensor([1]), undefined, 5 as never),
      'GRU: options is 5, expected an object such as { lengths: ... }',
    ],
  ]);
});
