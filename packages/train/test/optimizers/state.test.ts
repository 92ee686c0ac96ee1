import { cpu } from '@rnn/backend-cpu';
import { answersLater } from '@rnn/conformance/answers-later';
import {
  fromData,
  Generator,
  moveTo,
  randn,
  scope,
  setBackend,
  StateDictError,
  tensor,
  type Backend,
  type Tensor,
} from '@rnn/core';
import { beforeAll, describe, expect, test } from 'vitest';
import { Adagrad, Adam, AdamW, RMSprop, SGD, type Optimizer, type OptimizerStateDict } from '../../src/index.js';

let backend: Backend;
beforeAll(async () => {
  backend = await cpu();
  setBackend(backend);
});

type Make = (params: Tensor[]) => Optimizer;
const makes: readonly (readonly [string, Make])[] = [
  ['SGD', (params) => new SGD(params, { lr: 0.1 })],
  ['SGD with momentum', (params) => new SGD(params, { lr: 0.1, momentum: 0.9, dampening: 0.3, weightDecay: 0.01 })],
  ['Adam', (params) => new Adam(params, { lr: 0.1, amsgrad: true })],
  ['AdamW', (params) => new AdamW(params, { lr: 0.1 })],
  ['RMSprop', (params) => new RMSprop(params, { lr: 0.1, momentum: 0.9, centered: true })],
  ['Adagrad', (params) => new Adagrad(params, { lr: 0.1, lrDecay: 0.1, initialAccumulatorValue: 0.1 })],
];

function parameters(on: Backend = backend): Tensor[] {
  const generator = new Generator(1);
  return [[2, 3], [4]].map((shape) => randn(shape, { generator, backend: on, requiresGrad: true }));
}

/** Steps `from` up to `to` of a fixed sequence of gradients. */
function run(optimizer: Optimizer, params: readonly Tensor[], from: number, to: number): void {
  for (let t = from; t < to; t++) {
    const generator = new Generator(100 + t);
    for (const param of params) param.grad = randn(param.shape, { generator, backend: param.backend }).keep();
    optimizer.step();
    optimizer.zeroGrad();
  }
}

const moveAtOnce = (target: Backend, params: readonly Tensor[]): void =>
  scope(() => params.forEach((param) => param.copy_(param.detach().to(target))));

const tensorsOf = (optimizer: Optimizer): Tensor[] =>
  Object.values(optimizer.stateDict().state).flatMap(({ tensors }) => Object.values(tensors));

const values = (params: readonly Tensor[]): number[][] => params.map((param) => [...param.dataSync()]);

/**
 * What is left of a state dict after a way through a message or a file: plain objects and typed
 * arrays.
 */
function copied(dict: OptimizerStateDict): Parameters<Optimizer['loadStateDict']>[0] {
  const state = Object.fromEntries(
    Object.entries(dict.state).map(([key, { step, tensors }]) => [
      key,
      {
        step,
        tensors: Object.fromEntries(
          Object.entries(tensors).map(([name, t]) => [name, { shape: t.shape, data: t.dataSync() }]),
        ),
      },
    ]),
  );
  return structuredClone({ state, paramGroups: dict.paramGroups });
}

describe.each(makes)('%s', (_name, make) => {
  test('goes on from a copied state dict as if nothing had happened', () => {
    const params = parameters();
    const unbroken = make(params);
    run(unbroken, params, 0, 6);

    const first = parameters();
    const before = make(first);
    run(before, first, 0, 3);
    const second = first.map((param) => fromData(param.dataSync(), param.shape, { requiresGrad: true }));
    const after = make(second);
    after.loadStateDict(copied(before.stateDict()));
    run(after, second, 3, 6);
    expect(values(second)).toEqual(values(params));
  });

  test('goes on from JSON', () => {
    const params = parameters();
    const optimizer = make(params);
    run(optimizer, params, 0, 3);
    const text = JSON.stringify(copied(optimizer.stateDict()), (_key, value: unknown) =>
      ArrayBuffer.isView(value) ? [...(value as Float32Array)] : value,
    );
    const twin = params.map((param) => fromData(param.dataSync(), param.shape, { requiresGrad: true }));
    const other = make(twin);
    other.loadStateDict(JSON.parse(text) as OptimizerStateDict);
    run(optimizer, params, 3, 6);
    run(other, twin, 3, 6);
    expect(values(twin)).toEqual(values(params));
  });

  test('goes on from the text that JSON.stringify writes, with NaN and infinities', () => {
    const params = parameters();
    const optimizer = make(params);
    params[0].grad = tensor([NaN, Infinity, -Infinity, 1, 0, -0].slice(0, params[0].size)).reshape(params[0].shape);
    optimizer.step();
    const twin = params.map((param) => fromData(param.dataSync(), param.shape, { requiresGrad: true }));
    const other = make(twin);
    other.loadStateDict(JSON.parse(JSON.stringify(optimizer.stateDict())) as OptimizerStateDict);
    expect(copied(other.stateDict())).toEqual(copied(optimizer.stateDict()));
    run(optimizer, params, 3, 6);
    run(other, twin, 3, 6);
    expect(values(twin)).toEqual(values(params));
  });

  test('gives a snapshot that later steps do not change', () => {
    const params = parameters();
    const optimizer = make(params);
    run(optimizer, params, 0, 2);
    const dict = optimizer.stateDict();
    const before = copied(dict);
    run(optimizer, params, 2, 4);
    expect(copied(dict)).toEqual(before);
    optimizer.loadStateDict(dict);
    expect(copied(optimizer.stateDict())).toEqual(before);
  });

  test('follows the parameters to another backend in the middle of a run', async () => {
    const params = parameters();
    run(make(params), params, 0, 6);

    const other = await cpu();
    const moved = parameters();
    const optimizer = make(moved);
    run(optimizer, moved, 0, 2);
    moveAtOnce(other, moved);
    run(optimizer, moved, 2, 4);
    expect(moved.every((param) => param.backend === other)).toBe(true);
    for (const t of tensorsOf(optimizer)) {
      expect(t.backend).toBe(other);
      t.dispose();
    }
    moveAtOnce(backend, moved);
    run(optimizer, moved, 4, 6);
    expect(values(moved)).toEqual(values(params));
    // Nothing stays behind: 2 parameters and their states have left.
    optimizer.dispose();
    expect(other.memory()).toEqual({ storages: 0, bytes: 0 });
  });

  test('moves to a backend that answers only later, and back', async () => {
    const params = parameters();
    run(make(params), params, 0, 6);

    const later = answersLater(await cpu());
    const moved = parameters();
    const optimizer = make(moved);
    run(optimizer, moved, 0, 2);
    await moveTo(moved, later);
    expect(await optimizer.moveTo(later)).toBe(optimizer);
    run(optimizer, moved, 2, 4);
    await moveTo(moved, backend);
    await optimizer.moveTo(backend);
    expect(later.memory()).toEqual({ storages: 0, bytes: 0 });
    run(optimizer, moved, 4, 6);
    expect(values(moved)).toEqual(values(params));
  });

  test('starts afresh after dispose', () => {
    const [one, two] = [parameters(), parameters()];
    const optimizer = make(one);
    run(optimizer, one, 0, 3);
    optimizer.dispose();
    expect(optimizer.stateDict().state).toEqual({});
    one.forEach((param, i) => param.copy_(two[i]));
    run(optimizer, one, 0, 3);
    run(make(two), two, 0, 3);
    expect(values(one)).toEqual(values(two));
  });
});

test('a step says that state has to be moved where it could not follow, and changes nothing', async () => {
  const later = answersLater(await cpu());
  const params = parameters(later);
  const optimizer = new SGD(params, { lr: 0.1, momentum: 0.9 });
  run(optimizer, params, 0, 1);
  await moveTo(params, backend);
  const before = values(params);
  expect(() => run(optimizer, params, 1, 2)).toThrow(
    "SGD: what is kept for one of params is on 'later', which answers only later, expected on 'cpu' as the parameter; write `await optimizer.moveTo(backend)` after moving the model",
  );
  expect(values(params)).toEqual(before);
  await optimizer.moveTo(backend);
  run(optimizer, params, 1, 2);
  expect(values(params)).not.toEqual(before);
});

test('a step while the state is under way is refused', async () => {
  const later = answersLater(await cpu());
  const params = parameters(later);
  const optimizer = new SGD(params, { lr: 0.1, momentum: 0.9 });
  run(optimizer, params, 0, 1);
  const moved = optimizer.moveTo(backend);
  run(optimizer, params, 1, 2);
  await expect(moved).rejects.toThrow(/is another than when its move began.*nothing has moved/);
  expect(tensorsOf(optimizer).every((state) => state.backend === later)).toBe(true);
});

describe('memory', () => {
  test.each(makes)('%s keeps what it says over 10,000 steps, no more', async (_name, make) => {
    const own = await cpu();
    const params = parameters(own);
    const optimizer = make(params);
    run(optimizer, params, 0, 1);
    const before = own.memory();
    const tensors = tensorsOf(optimizer);
    expect(before.storages).toBe(2 + tensors.length);
    for (const t of tensors) t.dispose();
    for (let t = 0; t < 10_000; t++) {
      scope(() => {
        for (const param of params) param.grad = param.detach().mul(0.5).keep();
        optimizer.step();
      });
      optimizer.zeroGrad();
      if (t % 1000 === 0) expect(own.memory()).toEqual(before);
    }
    expect(own.memory()).toEqual(before);
    optimizer.dispose();
    expect(own.memory().storages).toBe(2);
  });
});

describe('a state dict that does not fit', () => {
  const trained = (): { optimizer: Adam; params: Tensor[] } => {
    const params = parameters();
    const optimizer = new Adam(params);
    run(optimizer, params, 0, 2);
    return { optimizer, params };
  };

  function refusal(change: (dict: ReturnType<typeof copied>) => unknown): StateDictError {
    const { optimizer } = trained();
    const before = copied(optimizer.stateDict());
    const storages = backend.memory();
    let caught: unknown;
    try {
      optimizer.loadStateDict(change(structuredClone(before)) as typeof before);
    } catch (error) {
      caught = error;
    }
    expect(backend.memory()).toEqual(storages);
    expect(copied(optimizer.stateDict())).toEqual(before);
    expect(caught).toBeInstanceOf(StateDictError);
    return caught as StateDictError;
  }

  /** Copies with one entry of the first parameter's state changed. */
  const withTensors =
    (change: Record<string, unknown>) =>
    (dict: ReturnType<typeof copied>): unknown => ({
      ...dict,
      state: { ...dict.state, 0: { step: 2, tensors: { ...dict.state[0].tensors, ...change } } },
    });

  test('no state dict at all', () => {
    expect(refusal(() => null).message).toBe('Adam: the state dict is not { state, paramGroups }');
    expect(refusal(() => ({ state: {} })).message).toBe('Adam: the state dict is not { state, paramGroups }');
  });

  test('other groups', () => {
    expect(refusal((dict) => ({ ...dict, paramGroups: [] })).message).toBe(
      'Adam: the state dict has 0 parameter groups, but the optimiser has 1',
    );
    expect(refusal((dict) => ({ ...dict, paramGroups: [{ ...dict.paramGroups[0], params: [0] }] })).message).toBe(
      'Adam: the state dict has 1 parameters in paramGroups[0], but the optimiser has 2 there',
    );
    expect(refusal((dict) => ({ ...dict, paramGroups: [{ lr: 1 }] })).message).toBe(
      'Adam: the state dict has paramGroups[0] that is not { params, lr, ... }',
    );
  });

  test('options of another optimiser', () => {
    const params = parameters();
    const error = refusal((dict) => ({ ...dict, paramGroups: copied(new SGD(params).stateDict()).paramGroups }));
    expect(error.missing).toEqual(['paramGroups[0].betas', 'paramGroups[0].eps', 'paramGroups[0].amsgrad']);
    expect(error.unexpected).toEqual([
      'paramGroups[0].momentum',
      'paramGroups[0].dampening',
      'paramGroups[0].nesterov',
    ]);
  });

  test('a parameter too many', () => {
    const error = refusal((dict) => ({ ...dict, state: { ...dict.state, 2: dict.state[0] } }));
    expect(error.message).toBe('Adam: the state dict has state for parameter 2, but the optimiser has 2 parameters');
  });

  test('tensors missing, unknown, misshapen, or none', () => {
    const missing = refusal((dict) => ({
      ...dict,
      state: { 0: { step: 2, tensors: { expAvg: dict.state[0].tensors.expAvg } } },
    }));
    expect(missing.message).toBe('Adam: the state dict lacks expAvgSq for parameter 0');
    expect(missing.missing).toEqual(['state.0.tensors.expAvgSq']);
    const unknown = refusal(withTensors({ sum: tensor([1]) }));
    expect(unknown.message).toBe(
      'Adam: the state dict has sum for parameter 0, but the optimiser keeps expAvg, expAvgSq under these options',
    );
    expect(unknown.unexpected).toEqual(['state.0.tensors.sum']);
    expect(refusal(withTensors({ expAvg: { shape: [3, 2], data: new Float32Array(6) } })).message).toBe(
      "Adam: the state dict has state.0.tensors.expAvg of shape [3, 2], expected the parameter's, [2, 3]",
    );
    expect(refusal(withTensors({ expAvg: { shape: [2, 3], data: new Float32Array(5) } })).message).toBe(
      'Adam: the state dict has state.0.tensors.expAvg with 5 numbers for shape [2, 3]',
    );
    expect(refusal(withTensors({ expAvg: 1 })).message).toBe(
      'Adam: the state dict has state.0.tensors.expAvg that is neither a tensor nor { shape, data }',
    );
  });

  test('a disposed tensor', () => {
    const gone = tensor([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    gone.dispose();
    expect(refusal(withTensors({ expAvg: gone })).message).toBe(
      'Adam: the state dict has state.0.tensors.expAvg that was disposed of',
    );
  });

  test('no number of steps', () => {
    expect(refusal((dict) => ({ ...dict, state: { 0: { ...dict.state[0], step: -1 } } })).message).toBe(
      'Adam: the state dict has state.0 that is not { step, tensors }',
    );
  });

  test('options that make no sense', () => {
    const { optimizer } = trained();
    const dict = copied(optimizer.stateDict());
    const wrong = { ...dict, paramGroups: [{ ...dict.paramGroups[0], lr: -1 }] };
    expect(() => optimizer.loadStateDict(wrong)).toThrow('Adam: lr is -1, expected a finite number from 0 up');
    expect(optimizer.paramGroups[0].lr).toBe(1e-3);
  });
});

describe('loading', () => {
  test('brings options, and what schedules noted, of every group; drops what is not there', () => {
    const params = parameters();
    const source = new SGD([
      { params: [params[0]], lr: 0.5 },
      { params: [params[1]], momentum: 0.9 },
    ]);
    source.paramGroups[0].initialLr = 0.75;
    const target = new SGD([{ params: [params[0]] }, { params: [params[1]] }]);
    target.paramGroups[1].initialLr = 3;
    target.loadStateDict(copied(source.stateDict()));
    expect(target.paramGroups.map(({ lr, momentum, initialLr }) => [lr, momentum, initialLr])).toEqual([
      [0.5, 0, 0.75],
      [1e-3, 0.9, undefined],
    ]);
  });

  test("converts to the parameters' type", () => {
    const single = parameters();
    const double = single.map((param) =>
      fromData(param.dataSync(), param.shape, { dtype: 'float64', requiresGrad: true }),
    );
    const from = new Adam(single);
    run(from, single, 0, 1);
    const to = new Adam(double);
    to.loadStateDict(from.stateDict());
    expect(Object.values(to.stateDict().state[0].tensors).map(({ dtype }) => dtype)).toEqual(['float64', 'float64']);
  });
});
