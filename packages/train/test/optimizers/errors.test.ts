import { cpu } from '@rnn/backend-cpu';
import { ArgumentError, DisposedError, setBackend, tensor, type Tensor } from '@rnn/core';
import { beforeAll, describe, expect, test } from 'vitest';
import { Adagrad, Adam, AdamW, RMSprop, SGD, type Optimizer } from '../../src/index.js';

beforeAll(async () => {
  setBackend(await cpu());
});

const leaf = (): Tensor => tensor([1, 2], { requiresGrad: true });

function messageOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(ArgumentError);
    expect((error as ArgumentError).code).toBe('ERR_ARGUMENT');
    return (error as Error).message;
  }
  throw new Error('nothing was thrown');
}

describe('options', () => {
  const make: Record<string, (options: Record<string, unknown>) => Optimizer> = {
    SGD: (options) => new SGD([leaf()], options),
    Adam: (options) => new Adam([leaf()], options),
    AdamW: (options) => new AdamW([leaf()], options),
    RMSprop: (options) => new RMSprop([leaf()], options),
    Adagrad: (options) => new Adagrad([leaf()], options),
  };
  const cases: [string, Record<string, unknown>, string][] = [
    ...Object.keys(make).flatMap((name): [string, Record<string, unknown>, string][] => [
      [name, { lr: -1 }, `${name}: lr is -1, expected a finite number from 0 up`],
      [name, { lr: NaN }, `${name}: lr is NaN, expected a finite number from 0 up`],
      [name, { lr: '0.1' }, `${name}: lr is '0.1', expected a finite number from 0 up`],
      [name, { weightDecay: -0.1 }, `${name}: weightDecay is -0.1, expected a finite number from 0 up`],
      [name, { maximize: 1 }, `${name}: maximize is 1, expected true or false`],
    ]),
    ['SGD', { momentum: -0.5 }, 'SGD: momentum is -0.5, expected a finite number from 0 up'],
    ['SGD', { dampening: NaN }, 'SGD: dampening is NaN, expected a finite number'],
    [
      'SGD',
      { nesterov: true },
      'SGD: nesterov is true with momentum 0 and dampening 0, expected a momentum above 0 and a dampening of 0 with it',
    ],
    [
      'SGD',
      { nesterov: true, momentum: 0.9, dampening: 0.1 },
      'SGD: nesterov is true with momentum 0.9 and dampening 0.1, expected a momentum above 0 and a dampening of 0 with it',
    ],
    [
      'SGD',
      { weight_decay: 0.1 },
      "SGD: option 'weight_decay' is unknown, expected one of lr, momentum, dampening, weightDecay, nesterov, maximize; write weightDecay",
    ],
    ['Adam', { betas: [1, 0.9] }, 'Adam: betas[0] is 1, expected a number from 0 and below 1'],
    ['Adam', { betas: [0.9, -0.1] }, 'Adam: betas[1] is -0.1, expected a number from 0 and below 1'],
    ['Adam', { betas: [0.9] }, 'Adam: betas is an array of 1, expected two numbers'],
    ['Adam', { betas: 0.9 }, 'Adam: betas is 0.9, expected two numbers'],
    ['AdamW', { eps: -1e-8 }, 'AdamW: eps is -1e-8, expected a finite number from 0 up'],
    ['RMSprop', { alpha: -1 }, 'RMSprop: alpha is -1, expected a finite number from 0 up'],
    ['RMSprop', { momentum: -1 }, 'RMSprop: momentum is -1, expected a finite number from 0 up'],
    ['Adagrad', { lrDecay: -1 }, 'Adagrad: lrDecay is -1, expected a finite number from 0 up'],
    [
      'Adagrad',
      { initialAccumulatorValue: -1 },
      'Adagrad: initialAccumulatorValue is -1, expected a finite number from 0 up',
    ],
  ];

  test.each(cases)('%s %j', (name, options, message) => {
    expect(messageOf(() => make[name](options))).toBe(message);
  });

  test('undefined stands for the default', () => {
    expect(new SGD([leaf()], { lr: undefined, momentum: 0.5 }).defaults).toMatchObject({ lr: 1e-3, momentum: 0.5 });
  });

  test('what is changed later is checked at the next step, before any parameter moves', () => {
    const [a, b] = [leaf(), leaf()];
    const optimizer = new SGD([{ params: [a] }, { params: [b] }], { lr: 1 });
    a.grad = tensor([1, 1]);
    b.grad = tensor([1, 1]);
    optimizer.paramGroups[1].lr = NaN;
    expect(messageOf(() => optimizer.step())).toBe('SGD: lr is NaN, expected a finite number from 0 up');
    expect(a.toArray()).toEqual([1, 2]);
  });
});

describe('parameters', () => {
  const message = (params: unknown): string => messageOf(() => new SGD(params as Tensor[]));

  test('none', () => {
    expect(message([])).toBe('SGD: params is an empty array, expected an array of at least one parameter');
  });

  test('no list', () => {
    const rest = 'expected a list of tensors such as model.parameters(), or a list of groups { params, lr, ... }';
    expect(message(leaf())).toBe(`SGD: params is a Tensor of shape [2], ${rest}`);
    expect(message({ lr: 1 })).toBe(`SGD: params is an object, ${rest}`);
    expect(message(null)).toBe(`SGD: params is null, ${rest}`);
    expect(message(undefined)).toBe(`SGD: params is undefined, ${rest}`);
  });

  test('something else in the list', () => {
    expect(message([leaf(), 1])).toBe('SGD: params[1] is 1, expected a Tensor; make one with tensor(...)');
    expect(message([leaf(), { params: [leaf()] }])).toBe(
      'SGD: params is a mixture of tensors and groups, expected either',
    );
    expect(message([{ params: [1] }])).toBe('SGD: params[0] is 1, expected a Tensor; make one with tensor(...)');
  });

  test('the same twice, in one group or in two', () => {
    const a = leaf();
    expect(message([a, leaf(), a])).toBe('SGD: params[2] is given twice, of shape [2], expected each parameter once');
    expect(message([{ params: [a] }, { params: [leaf(), a] }])).toBe(
      'SGD: params[1] is given twice, of shape [2], expected each parameter once',
    );
    const optimizer = new SGD([a]);
    expect(messageOf(() => optimizer.addParamGroup({ params: a }))).toBe(
      'SGD: params[0] is given twice, of shape [2], expected each parameter once',
    );
    expect(optimizer.paramGroups).toHaveLength(1);
  });

  test('the result of an operation', () => {
    expect(message([leaf().mul(2)])).toBe(
      'SGD: params[0] is the result of an operation, of shape [2], expected a leaf; pass the parameter itself, or a detach()ed copy',
    );
  });

  test('an option that no group has', () => {
    expect(message([{ params: [leaf()], learningRate: 1 }])).toBe(
      "SGD: option 'learningRate' is unknown, expected one of lr, momentum, dampening, weightDecay, nesterov, maximize",
    );
  });
});

describe('gradients that do not fit', () => {
  test('are refused before any parameter moves', async () => {
    const [a, b] = [leaf(), leaf()];
    const optimizer = new SGD([a, b], { lr: 1 });
    a.grad = tensor([1, 1]);
    b.grad = tensor([1, 1, 1]);
    expect(messageOf(() => optimizer.step())).toBe(
      'SGD: the gradient of the one of shape [2] of params is of shape [3], expected the shape of the parameter',
    );
    b.grad = tensor([1, 1], { dtype: 'float64' });
    expect(messageOf(() => optimizer.step())).toContain(
      "SGD: the gradient of the one of shape [2] of params is float64 on 'cpu', expected float32 on 'cpu', as the parameter; after a move of the model call zeroGrad() and backward() again",
    );
    b.grad = tensor([1, 1], { backend: await cpu() });
    expect(messageOf(() => optimizer.step())).toContain(
      'after a move of the model call zeroGrad() and backward() again',
    );
    expect(a.toArray()).toEqual([1, 2]);
  });

  test('so are those that were disposed of', () => {
    const [a, b] = [leaf(), leaf()];
    const optimizer = new SGD([a, b], { lr: 1 });
    a.grad = tensor([1, 1]);
    b.grad = tensor([1, 1]);
    b.grad.dispose();
    expect(() => optimizer.step()).toThrow(DisposedError);
    expect(() => optimizer.step()).toThrow(
      'SGD: the gradient of the one of shape [2] of params is disposed of, expected one that still has its memory; call zeroGrad() instead, which also takes it off the parameter',
    );
    expect(a.toArray()).toEqual([1, 2]);
  });
});
