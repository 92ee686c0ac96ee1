import { cpu } from '@rnn/backend-cpu';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  bernoulli,
  gradcheck,
  linear,
  manualSeed,
  randn,
  scan,
  setBackend,
  sigmoid,
  tanh,
  type Backend,
  type ScanOptions,
  type Step,
  type Tensor,
} from '../src/index.js';

let backend: Backend;
beforeEach(async () => {
  backend = await cpu();
  setBackend(backend);
  manualSeed(1);
});

const [T, B, H] = [7, 3, 4];

/**
 * Numbers of a batch, over all steps, that a scan leaves behind for its derivative, besides its
 * outputs and last states.
 */
function kept<S extends Tensor | readonly Tensor[]>(step: Step<Tensor, S, Tensor>, state: S): number {
  const x = randn([T, B, H]);
  const before = backend.memory().bytes;
  const [ys, last] = scan(step, x, state);
  const results = [ys, ...(Array.isArray(last) ? (last as readonly Tensor[]) : [last as Tensor])];
  const own = results.reduce((sum, t) => sum + t.size, 0) * 4;
  const bytes = backend.memory().bytes - before - own;
  for (const t of results) t.dispose();
  return bytes / 4 / (T * B);
}

const leaf = (...shape: number[]): Tensor => randn(shape, { requiresGrad: true });

describe('what is kept for the backward pass', () => {
  test('of a plain cell nothing besides its output', () => {
    const [w, v] = [leaf(H, H), leaf(H, H)];
    const step = (x: Tensor, h: Tensor) => {
      const next = tanh(linear(x, w).add(linear(h, v)));
      return [next, next] as const;
    };
    expect(kept(step, randn([B, H]))).toBe(0);
  });

  test('of an LSTM its four gates, the cell state and what the output multiplies', () => {
    const [w, v] = [leaf(4 * H, H), leaf(4 * H, H)];
    const step = (x: Tensor, [h, c]: readonly Tensor[]) => {
      const [i, f, g, o] = linear(x, w).add(linear(h, v)).chunk(4, -1);
      const cNext = sigmoid(f)
        .mul(c)
        .add(sigmoid(i).mul(tanh(g)));
      const hNext = sigmoid(o).mul(tanh(cNext));
      return [hNext, [hNext, cNext]] as const;
    };
    expect(kept<readonly Tensor[]>(step, [randn([B, H]), randn([B, H])])).toBe(6 * H);
  });

  test('of a dropped state its mask', () => {
    const v = leaf(H, H);
    const step = (x: Tensor, h: Tensor) => {
      const next = tanh(x.add(linear(h.mul(bernoulli(h, 0.5)), v)));
      return [next, next] as const;
    };
    expect(kept(step, randn([B, H]))).toBe(H);
  });
});

describe('a state that is made of the one after it', () => {
  const settings: Record<string, ScanOptions> = {
    plain: {},
    reverse: { reverse: true },
    lengths: { lengths: [3, 0, 1] },
    'lengths in reverse': { lengths: [2, 0, 3], reverse: true },
    resets: {
      resets: [
        [0, 1, 0],
        [1, 0, 0],
        [0, 1, 0],
      ],
    },
    'resets and lengths in reverse': {
      lengths: [3, 1, 2],
      reverse: true,
      resets: [
        [0, 1, 0],
        [1, 0, 0],
        [0, 0, 1],
      ],
    },
  };

  test.each(Object.entries(settings))('%s: has the derivatives of central differences', (_, options) => {
    const f64 = { dtype: 'float64' } as const;
    // States that swap places: each is after a step what the other was made to be.
    const run = (w: Tensor, x: Tensor, a: Tensor, b: Tensor): Tensor[] => {
      const [ys, last] = scan(
        (xt: Tensor, [p, q]: readonly Tensor[]) => {
          const next = tanh(linear(p, w).add(xt));
          return [next.mul(q), [q, next]] as const;
        },
        x,
        [a, b] as readonly Tensor[],
        options,
      );
      return [ys, ...last];
    };
    expect(gradcheck(run, [randn([2, 2], f64), randn([3, 3, 2], f64), randn([3, 2], f64), randn([3, 2], f64)])).toBe(
      true,
    );
  });

  test('of a single step', () => {
    const f64 = { dtype: 'float64' } as const;
    const run = (w: Tensor, x: Tensor, h: Tensor): Tensor[] =>
      scan(
        (xt: Tensor, ht: Tensor) => {
          const next = tanh(linear(ht, w).add(xt));
          return [next, next] as const;
        },
        x,
        h,
      );
    expect(gradcheck(run, [randn([2, 2], f64), randn([1, 3, 2], f64), randn([3, 2], f64)])).toBe(true);
  });
});
