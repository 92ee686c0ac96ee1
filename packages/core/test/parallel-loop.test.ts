import { cpu } from '@rnn/backend-cpu';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  add,
  explain,
  manualSeed,
  mul,
  ones,
  randn,
  scan,
  setBackend,
  sigmoid,
  sub,
  tanh,
  type Backend,
  type ScanOptions,
  type Tensor,
} from '../src/index.js';

/** A backend without `compile`, which counts the calls of its primitives. */
let calls = 0;
let backend: Backend;
beforeEach(async () => {
  const all = await cpu();
  calls = 0;
  backend = new Proxy(all, {
    get(target, name): unknown {
      if (name === 'compile') return undefined;
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      if (name === 'binary' || name === 'unary' || name === 'select') calls++;
      return value.bind(target) as unknown;
    },
  });
  setBackend(backend);
  manualSeed(1);
});

interface Inputs {
  readonly a: Tensor;
  readonly b: Tensor;
}
type Pair = readonly [Tensor, Tensor];
type AnyStep = (x: Inputs, state: never, weights: Inputs) => readonly [object, object];

/** Steps that are linear in the state, with all kinds of instructions around it. */
const linearSteps: Record<string, { states: number; step: AnyStep }> = {
  'a weighted mean, as in MinGRU': {
    states: 1,
    step: ({ a, b }, h: Tensor) => {
      const next = add(h, mul(sigmoid(a), sub(b, h)));
      return [next, next];
    },
  },
  'a constant coefficient': {
    states: 1,
    step: ({ b }, h: Tensor) => {
      const next = add(mul(h, 0.5), b);
      return [next, next];
    },
  },
  'complex numbers, as in LRU': {
    states: 2,
    step: ({ a, b }, [re, im]: Pair, { a: c, b: s }) => {
      const next = [add(sub(mul(c, re), mul(s, im)), a), add(add(mul(s, re), mul(c, im)), b)] as const;
      return [next[0], next];
    },
  },
  'a sum of sums': {
    states: 2,
    step: ({ a, b }, [h, sum]: Pair) => {
      const next = add(mul(sigmoid(a), h), b);
      return [{ h, next, sum }, [next, add(mul(sum, 0.9), next)]];
    },
  },
  'outputs that are not linear': {
    states: 1,
    step: ({ a, b }, h: Tensor, { a: w }) => {
      const next = sub(
        b,
        mul(mul(h, sigmoid(a)), w)
          .neg()
          .div(2),
      );
      return [[tanh(next), mul(h, h), b], next];
    },
  },
  'a state that stays': { states: 1, step: ({ b }, h: Tensor) => [add(h, b), h.mul(1)] },
};

const settings: Record<string, { steps: number; rows: number; options: ScanOptions }> = {
  'a square number of steps': { steps: 144, rows: 1, options: {} },
  'a rest in the last block': { steps: 150, rows: 3, options: {} },
  'in reverse': { steps: 133, rows: 2, options: { reverse: true } },
  lengths: { steps: 140, rows: 3, options: { lengths: [140, 7, 0] } },
  'lengths in reverse': { steps: 140, rows: 2, options: { lengths: [100, 139], reverse: true } },
};

const flat = (result: unknown): Tensor[] =>
  typeof (result as Tensor).dataSync === 'function'
    ? [result as Tensor]
    : Object.values(result as object).flatMap(flat);

describe.each(Object.entries(linearSteps))('%s', (_, { states, step }) => {
  test.each(Object.entries(settings))('%s: by blocks as step by step, values and gradients', (__, setting) => {
    const { steps, rows, options } = setting;
    const width = 5;
    const draw = (...shape: number[]): Tensor => randn(shape, { dtype: 'float64', requiresGrad: true });
    const xs = { a: draw(steps, rows, width), b: draw(steps, rows, width) };
    const first = Array.from({ length: states }, () => draw(rows, width));
    // Below 1 together, so that nothing grows.
    const weights = { a: draw(width).tanh().mul(0.7).detach(), b: draw(width).tanh().mul(0.7).detach() };
    weights.a.requiresGrad = true;
    weights.b.requiresGrad = true;
    const leaves = [xs.a, xs.b, ...first, weights.a, weights.b];
    const found = (['required', 'never'] as const).map((compile) => {
      calls = 0;
      const state = states === 1 ? first[0] : first;
      const run = scan as unknown as (...args: unknown[]) => [object, object];
      const [ys, last] = run(step, xs, state, { ...options, parameters: weights, compile });
      const counted = calls;
      const results = [...flat(ys), ...flat(last)];
      results.map((result, i) => result.mul(1 + 0.1 * i).sin().sum()).reduce((a, b) => a.add(b)).backward(); // prettier-ignore
      const gradients = leaves.map((leaf) => {
        const { grad } = leaf;
        leaf.grad = undefined;
        return grad ?? leaf.detach().mul(0);
      });
      return { results, gradients, counted };
    });
    const [blocks, plain] = found;
    for (const kind of ['results', 'gradients'] as const)
      blocks[kind].forEach((tensor, i) => {
        const expected = plain[kind][i];
        expect(tensor.shape).toEqual(expected.shape);
        const scale = Math.max(1, ...expected.abs().dataSync());
        const difference = Math.max(...tensor.detach().sub(expected.detach()).abs().dataSync());
        expect(difference / scale, `${kind} ${i}`).toBeLessThan(1e-12);
      });
    expect(blocks.counted).toBeLessThan(plain.counted);
  });
});

test.each(Object.entries(linearSteps))('%s: calls grow with the root of the steps', (_, { states, step }) => {
  const countOf = (steps: number): number => {
    const xs = { a: randn([steps, 1, 2]), b: randn([steps, 1, 2]) };
    const first = Array.from({ length: states }, () => randn([1, 2]));
    calls = 0;
    const run = scan as unknown as (...args: unknown[]) => unknown;
    run(step, xs, states === 1 ? first[0] : first, { parameters: { a: ones([2]), b: ones([2]) } });
    return calls;
  };
  expect(countOf(4096) / countOf(256)).toBeLessThan(5); // 4, and what is done once
});

test('memory: nothing is left behind', () => {
  const [a, b, h] = [randn([200, 1, 4]), randn([200, 1, 4]), randn([1, 4])];
  const { step } = linearSteps['a weighted mean, as in MinGRU'];
  const before = backend.memory();
  for (let i = 0; i < 3; i++) {
    const [ys, last] = scan(step as never, { a, b }, h, { parameters: {} }) as unknown as [Tensor, Tensor];
    ys.dispose();
    last.dispose();
  }
  expect(backend.memory()).toEqual(before);
});

describe('explain', () => {
  const text = (step: AnyStep, steps: number, states = 1, rows = 1): string => {
    const first = (): Tensor => ones([rows, 4]);
    const state = states === 1 ? first() : [first(), first()];
    const xs = { a: ones([steps, rows, 4]), b: ones([steps, rows, 4]) };
    const weights = { a: ones([4]), b: ones([4]) };
    return explain(step as never, xs, state, { parameters: weights }).text;
  };

  test('says parallel in time where it is so', () => {
    for (const { step, states } of Object.values(linearSteps)) {
      expect(text(step, 200, states)).toMatch(/^parallel in time: /);
      expect(text(step, 20, states)).not.toMatch(/parallel in time|step by step/);
    }
    const nonlinear: AnyStep = ({ a, b }, h: Tensor) => [h, tanh(add(mul(a, h), b))];
    expect(text(nonlinear, 200)).not.toMatch(/parallel in time|step by step/);
  });

  test('says that the loop runs step by step where its rows are many', () => {
    const { step } = linearSteps['a weighted mean, as in MinGRU'];
    expect(text(step, 200, 1, 65)).toMatch(/^step by step: .* for up to 256 features of all rows/);
  });

  test('says that the loop runs step by step where the backend compiles it', async () => {
    setBackend(await cpu());
    const { step } = linearSteps['a weighted mean, as in MinGRU'];
    expect(text(step, 200)).toMatch(/^step by step: .* this backend compiles it/);
  });
});
