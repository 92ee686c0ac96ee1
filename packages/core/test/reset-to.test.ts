import { cpu } from '@rnn/backend-cpu';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  compileCacheInfo,
  concat,
  explain,
  fromData,
  Generator,
  gradcheck,
  gradgradcheck,
  linear,
  scan,
  setBackend,
  setCompileMode,
  stack,
  zeros,
  type Backend,
  type Shape,
  type Tensor,
} from '../src/index.js';

let backend: Backend;
beforeEach(async () => {
  backend = await cpu();
  setBackend(backend);
});

function draws(seed: number): (shape: Shape) => Tensor {
  const generator = new Generator(seed);
  return (shape) => {
    const values = new Float64Array(shape.reduce((size, s) => size * s, 1));
    generator.uniform(values, -1, 1);
    return fromData(values, shape, { requiresGrad: true });
  };
}

type Pair = readonly [Tensor, Tensor];
interface Weights {
  readonly w: Tensor;
  readonly u: Tensor;
}

/**
 * A vector and a matrix as state: `h' = tanh(W [x, h])`, `M' = M / 2 + h' x^T`, `y = h' + M' x`.
 */
function step(x: Tensor, [h, m]: Pair, { w, u }: Weights): readonly [Tensor, readonly [Tensor, Tensor]] {
  const next = linear(concat([x, h], -1), w).tanh();
  const matrix = m.mul(0.5).add(next.unsqueeze(-1).mul(x.unsqueeze(-2)));
  return [linear(next, u).add(matrix.sum(-1)), [next, matrix]];
}

interface Setting {
  readonly steps: number;
  readonly batch: number;
  readonly lengths: readonly number[] | undefined;
  readonly resets: readonly (readonly number[])[];
  readonly reverse: boolean;
}

/** The same row by row, where a reset takes the row of another state: no scan, no mask. */
function byHand(x: Tensor, first: Pair, target: Pair, weights: Weights, setting: Setting): Tensor[] {
  const { steps, batch, lengths, resets, reverse } = setting;
  const rowOf = (state: Pair, row: number): Pair => [state[0].narrow(0, row, 1), state[1].narrow(0, row, 1)];
  const rows = Array.from({ length: batch }, (_, row) => {
    const length = lengths?.[row] ?? steps;
    let state = rowOf(first, row);
    const outputs: Tensor[] = Array.from({ length: steps }, () => zeros([1, 2], { dtype: 'float64' }));
    for (let n = 0; n < length; n++) {
      const t = reverse ? length - 1 - n : n;
      if (resets[t][row] !== 0) state = rowOf(target, row);
      [outputs[t], state] = step(x.select(0, t).narrow(0, row, 1), state, weights);
    }
    return [stack(outputs), ...state];
  });
  return [0, 1, 2].map((i) =>
    concat(
      rows.map((row) => row[i]),
      i === 0 ? 1 : 0,
    ),
  );
}

const settings = fc
  .record({ steps: fc.integer({ min: 1, max: 5 }), batch: fc.integer({ min: 1, max: 3 }) })
  .chain(({ steps, batch }) => {
    const row = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(of, { minLength: batch, maxLength: batch });
    return fc.record({
      steps: fc.constant(steps),
      batch: fc.constant(batch),
      lengths: fc.option(row(fc.nat(steps)), { nil: undefined }),
      resets: fc.array(row(fc.nat(1)), { minLength: steps, maxLength: steps }),
      reverse: fc.boolean(),
    });
  });

interface Materials {
  readonly x: Tensor;
  readonly first: Pair;
  readonly target: Pair;
  readonly weights: Weights;
}

function materials({ steps, batch }: Pick<Setting, 'steps' | 'batch'>, seed = 1): Materials {
  const draw = draws(seed);
  return {
    x: draw([steps, batch, 3]),
    first: [draw([batch, 2]), draw([batch, 2, 3])],
    target: [draw([batch, 2]), draw([batch, 2, 3])],
    weights: { w: draw([2, 5]), u: draw([2, 2]) },
  };
}

const close = (a: Tensor, b: Tensor): void => {
  expect(a.shape).toEqual(b.shape);
  const other = b.dataSync();
  a.dataSync().forEach((value, i) => expect(value).toBeCloseTo(other[i], 12));
};

describe.each(['required', 'never'] as const)('compile %s', (mode) => {
  beforeEach(() => void setCompileMode(mode));

  test('a row begins with the other state: as a loop by hand, values and all gradients', () => {
    fc.assert(
      fc.property(settings, fc.nat(1000), (setting, seed) => {
        const { x, first, target, weights } = materials(setting, seed);
        const leaves = [x, ...first, ...target, weights.w, weights.u];
        const { lengths, resets, reverse } = setting;
        const [ys, last] = scan(step, x, first, { parameters: weights, lengths, resets, reverse, resetTo: target });
        const results = [ys, ...last];
        const factors = results.map(({ shape }, i) => draws(i + 7)(shape).detach());
        const expected = byHand(x, first, target, weights, setting);
        const found = [results, expected].map((list) => {
          list.map((result, i) => result.mul(factors[i]).sum()).reduce((a, b) => a.add(b)).backward(); // prettier-ignore
          return leaves.map((leaf) => {
            const grad = leaf.grad ?? zeros(leaf.shape, { dtype: 'float64' });
            leaf.grad = undefined;
            return grad;
          });
        });
        results.forEach((result, i) => close(result, expected[i]));
        found[0].forEach((gradient, i) => close(gradient, found[1][i]));
      }),
      { numRuns: 60, seed: 1 },
    );
  });

  test('first and second derivatives are those of differences', () => {
    const { x, first, target, weights } = materials({ steps: 3, batch: 2 });
    const resets = [[0, 1], [1, 0], [0, 0]]; // prettier-ignore
    const run = (h: Tensor, m: Tensor, a: Tensor, b: Tensor, w: Tensor): Tensor[] => {
      const options = { parameters: { w, u: weights.u }, resets, resetTo: [a, b] };
      const [ys, last] = scan(step, x, [h, m] as const, options);
      return [ys, ...last];
    };
    expect(gradcheck(run, [...first, ...target, weights.w])).toBe(true);
    expect(gradgradcheck(run, [...first, ...target, weights.w])).toBe(true);
  });

  test('a NaN in the state that is left behind goes nowhere', () => {
    const { x, first, target, weights } = materials({ steps: 2, batch: 1 });
    const bad = [first[0].detach().mul(NaN), first[1].detach().mul(NaN)] as const;
    const [ys] = scan(step, x, bad, { parameters: weights, resets: [[1], [0]], resetTo: target });
    ys.sum().backward();
    for (const tensor of [ys, x.grad, target[0].grad, weights.w.grad])
      expect([...(tensor as Tensor).dataSync()].every(Number.isFinite)).toBe(true);
  });
});

test('is traced once for all calls, also where one tensor stands for two', () => {
  const { x, weights } = materials({ steps: 4, batch: 2 });
  const pair = (h: Tensor, c: Tensor): readonly [Tensor, Tensor] => [h, c];
  const add = (y: Tensor, [h, c]: Pair, { u }: Weights): readonly [Tensor, readonly [Tensor, Tensor]] => [
    h,
    [linear(h, u).add(y.narrow(-1, 0, 2)), c.add(h)],
  ];
  const run = (zero: Tensor, other = zero): void => {
    const resets = [[0, 1], [1, 0], [0, 0], [0, 1]]; // prettier-ignore
    scan(add, x, pair(zero, zero), { parameters: { ...weights }, resets, resetTo: [zero, other], compile: 'required' });
  };
  const zero = (): Tensor => zeros([2, 2], { dtype: 'float64' });
  run(zero());
  const { misses, hits } = compileCacheInfo().traces;
  for (let i = 0; i < 5; i++) run(zero());
  expect(compileCacheInfo().traces).toMatchObject({ misses, hits: hits + 5 });
  run(zero(), zero());
  expect(compileCacheInfo().traces.misses).toBe(misses + 1);
});

test('explain tells of it', () => {
  const { x, first, target, weights } = materials({ steps: 2, batch: 1 });
  const options = { parameters: weights, resets: [[0], [1]], resetTo: target };
  expect(explain(step, x, first, options)).toMatchObject({ mode: 'compiled' });
  expect(explain(step, x, first, options).text).toContain('select');
});

test('is refused without resets, and in another form or shape', () => {
  const { x, first, target, weights } = materials({ steps: 2, batch: 1 });
  const run = (options: object): unknown => scan(step, x, first, { parameters: weights, ...options });
  const resets = [[0], [1]];
  expect(() => run({ resetTo: target })).toThrow('scan: resetTo is given without resets, expected both or neither');
  expect(() => run({ resets, resetTo: target[0] })).toThrow(
    'scan: resetTo has the form *, expected [*, *] (* is a tensor), as state',
  );
  expect(() => run({ resets, resetTo: [target[0], target[0]] })).toThrow(
    'scan: resetTo is float64 [1, 2], expected float64 [1, 2, 3], as state',
  );
  expect(() => run({ resets, resetTo: 3 })).toThrow('scan: resetTo is 3, expected a Tensor');
});
