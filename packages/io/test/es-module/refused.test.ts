/** What cannot be exported is one error that names it, and leaves the model as it was. */
import { expect, test } from 'vitest';
import { cpu } from '@rnn/backend-cpu';
import { answersLater } from '@rnn/conformance/answers-later';
import {
  arange,
  ArgumentError,
  concat,
  getBackend,
  manualSeed,
  ones,
  randn,
  scan,
  setBackend,
  stack,
  zeros,
  type Tensor,
} from '@rnn/core';
import { Conv1d, GRU, Linear, LSTM, Module, Recurrent, type Cell } from '@rnn/nn';
import { exportModule } from '../../src/index.js';

setBackend(await cpu());
manualSeed(5);

class Net extends Module {
  readonly lstm = new LSTM(3, 4);
  readonly head = new Linear(4, 2);
  readonly conv = new Conv1d(3, 3, 3, { padding: 1 });
  readonly run: (net: Net, x: Tensor) => unknown;

  constructor(run: (net: Net, x: Tensor) => unknown) {
    super();
    this.run = run;
  }

  forward(x: Tensor): unknown {
    return this.run(this, x);
  }
}

class Reading extends Module implements Cell {
  forward(x: Tensor, h: Tensor): Tensor {
    return h.add(x.sum().item());
  }
  initialState(batch = 1): Tensor {
    return zeros([batch, 3]);
  }
}

const foreign = ones([4]);

const refused: readonly (readonly [name: string, run: (net: Net, x: Tensor) => unknown, message: RegExp])[] = [
  ['the place of a maximum over time', ({ lstm }, x) => lstm.forward(x)[0].argmax(0), /argmax over time/],
  [
    'a loop over time by hand',
    ({ head }, x) => {
      const steps = Array.from({ length: x.shape[0] }, (_, t) =>
        head.forward(concat([x.select(0, t), x.select(0, t).narrow(-1, 0, 1)], -1)),
      );
      return stack(steps);
    },
    /picks step 1 of the sequence by its number; a loop over time is a scan or a Recurrent/,
  ],
  ['numbers that are read', ({ lstm }, x) => (x.sum().item() > 0 ? lstm.forward(x)[0] : x), /over time|reads numbers/],
  [
    'lengths of its own',
    ({ lstm }, x) => lstm.forward(x, undefined, { lengths: [3] })[0],
    /numbers of its own that change from step to step, such as lengths/,
  ],
  [
    'a tensor from elsewhere',
    ({ lstm }, x) => lstm.forward(x)[0].mul(foreign),
    /neither the input nor a parameter or buffer/,
  ],
  ['a sequence in reverse', ({ lstm }, x) => lstm.forward(x.flip([0]))[0], /uses one step of the sequence in another/],
  [
    'steps that are left out',
    ({ lstm }, x) => lstm.forward(x.narrow(0, 1, x.shape[0] - 1))[0],
    /takes a part of the sequence/,
  ],
  [
    'a convolution over time',
    ({ lstm, conv }, x) => lstm.forward(conv.forward(x.permute([1, 2, 0])).permute([2, 0, 1]))[0],
    /over time|moves time behind another dimension|uses one step/,
  ],
  [
    'attention over all steps',
    ({ lstm }, x) => {
      const y = lstm.forward(x)[0].squeeze(1);
      return y.matmul(y.t()).softmax(-1).matmul(y);
    },
    /moves time behind another dimension/,
  ],
  [
    'places in the sequence',
    ({ lstm }, x) => lstm.forward(x)[0].add(arange(x.shape[0]).reshape([x.shape[0], 1, 1])),
    /numbers of its own that change from step to step, such as lengths or places/,
  ],
  [
    'the square of the number of steps',
    ({ lstm }, x) => lstm.forward(x)[0].div(x.shape[0] ** 2),
    /for 5 steps 'y' differs from the model's by .*forward depends on the number of steps/,
  ],
  ['a result without the input', () => [ones([3])], /does not depend on its input|neither a parameter/],
  ['no tensor', () => 3, /returns no tensor/],
  [
    'a step that reads numbers',
    (_, x) => new Recurrent(new Reading()).forward(x)[0],
    /a step cannot be compiled.*reads numbers/s,
  ],
  [
    'a scan over features',
    (_, x) => scan((a: Tensor, h: Tensor) => [h, h.add(a)] as const, x.transpose(0, 2), zeros([1, x.shape[0]]))[0],
    /moves time behind another dimension|scans over something else/,
  ],
];

test.each(refused)('%s', (_, run, message) => {
  const model = new Net(run);
  const before = model.lstm.weight_ih_l0.dataSync();
  const backend = getBackend();
  let error: unknown;
  try {
    exportModule(model, [randn([5, 1, 3])]);
  } catch (caught) {
    error = caught;
  }
  expect(error).toBeInstanceOf(ArgumentError);
  expect((error as Error).message).toMatch(/^exportModule: /);
  expect((error as Error).message).toMatch(message);
  expect(model.training).toBe(true);
  expect(getBackend()).toBe(backend);
  expect(model.lstm.weight_ih_l0.backend).toBe(backend);
  expect(model.lstm.weight_ih_l0.dataSync()).toEqual(before);
  expect(Object.keys(model.lstm)).not.toContain('forward');
});

test('arguments that are none', () => {
  const model = new GRU(3, 4);
  const x = randn([5, 1, 3]);
  for (const [call, message] of [
    [() => exportModule('model' as never, [x]), /model is 'model', expected a Module/],
    [() => exportModule(model, x as never), /inputs/],
    [() => exportModule(model, [3 as never]), /inputs\[0\] is 3, expected a Tensor/],
    [() => exportModule(model, [x], { weights: 'int8' as never }), /weights is 'int8'/],
    [() => exportModule(model, [x], { scalar: 1 } as never), /scalar/],
    [
      () => exportModule(model, [x], { scaler: 3 as never }),
      /scaler is 3, expected an object with the methods stateDict, transform/,
    ],
    [
      () => exportModule(model, [x], { vocabulary: ['a'] as never }),
      /vocabulary is .*, expected an object with the methods/,
    ],
    [() => exportModule(new Linear(1, 1), [randn([3, 1])], { weights: 'float16' }), undefined],
  ] as const) {
    if (message === undefined) expect(call).not.toThrow();
    else expect(call).toThrow(message);
  }
});

test('a model on a backend that answers only later', async () => {
  const later = answersLater(await cpu());
  const model = new GRU(3, 4).to(later);
  const x = randn([5, 1, 3]);
  expect(() => exportModule(model, [x])).toThrow(/which answers only later, expected .* move the model and the inputs/);
  await model.moveTo(await cpu());
  expect(() => exportModule(model, [x.to(later)])).toThrow(/which answers only later/);
});

test('weights beyond float16', () => {
  const model = new Linear(1, 1);
  model.loadStateDict({
    weight: { shape: [1, 1], data: Float32Array.of(1e6) },
    bias: { shape: [1], data: [0] },
  });
  expect(() => exportModule(model, [randn([3, 1])], { weights: 'float16' })).toThrow(
    /weights is 'float16', expected 'float32', since the model has numbers beyond those of float16/,
  );
});
