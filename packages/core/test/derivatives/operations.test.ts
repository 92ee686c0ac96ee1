import { cpu } from '@rnn/backend-cpu';
import { describe, expect, test } from 'vitest';
import {
  cumprod,
  cumsum,
  cos,
  erf,
  sin,
  explain,
  gelu,
  gradgradcheck,
  linear,
  maskedFill,
  norm,
  pad,
  prod,
  randn,
  scan,
  setBackend,
  silu,
  sort,
  std,
  tensor,
  topk,
  tril,
  triu,
  unfold,
  variance,
  zeros,
  type Tensor,
} from '../../src/index.js';
import { describeDerivatives } from '../float64.js';

const matrix = [3, 4];

describeDerivatives('spread, norms and products', [
  { name: 'variance', of: (x) => variance(x).square(), at: [matrix] },
  { name: 'variance of a dimension', of: (x) => variance(x, 0, { correction: 0 }).square(), at: [matrix] },
  { name: 'std, kept', of: (x) => std(x, 1, true).square(), at: [matrix] },
  ...[0.5, 1, 1.5, 2, 3, Infinity, -Infinity].map((p) => ({
    name: `norm ${p}`,
    of: (x: Tensor) => norm(x, p, 1).square(),
    at: [matrix],
  })),
  { name: 'prod', of: (x) => prod(x, 1).square(), at: [[2, 5]] },
  { name: 'prod of all, with a zero', of: (x) => prod(x.mul(tensor([0, 1, 1], { dtype: 'float64' }))), at: [[3]] },
  { name: 'cumsum', of: (x) => cumsum(x, 0).square(), at: [[5, 2]] },
  { name: 'cumsum of a single number', of: (x) => cumsum(x, 0).square(), at: [[]] },
  { name: 'cumprod', of: (x) => cumprod(x, -1).square(), at: [[2, 5]] },
]);

describeDerivatives('gates', [
  { name: 'silu', of: silu, at: [matrix] },
  { name: 'gelu', of: (x) => gelu(x), at: [matrix] },
  { name: 'gelu by tanh', of: (x) => gelu(x, { approximate: 'tanh' }), at: [matrix] },
  { name: 'erf', of: erf, at: [matrix] },
  { name: 'sin', of: sin, at: [matrix] },
  { name: 'cos', of: cos, at: [matrix] },
]);

describeDerivatives('parts and order', [
  {
    name: 'maskedFill',
    of: (x, value) => maskedFill(x, tensor([1, 0, 0, 1], { dtype: 'float64' }), value).square(),
    at: [matrix, []],
  },
  { name: 'tril', of: (x) => tril(x, 1).square(), at: [matrix] },
  { name: 'triu', of: (x) => triu(x).square(), at: [[2, 3, 4]] },
  { name: 'pad with a value', of: (x) => pad(x, [1, -1, 0, 2], 'constant', 3).square(), at: [matrix] },
  { name: 'pad, reflected', of: (x) => pad(x, [1, 2, 2, 0], 'reflect').square(), at: [matrix] },
  { name: 'pad, replicated', of: (x) => pad(x, [1, 2, 0, 3], 'replicate').square(), at: [matrix] },
  { name: 'pad, circular', of: (x) => pad(x, [1, 2], 'circular').square(), at: [matrix] },
  { name: 'unfold', of: (x) => unfold(x, 1, 3, 1).square(), at: [[2, 5]] },
  { name: 'sort', of: (x) => sort(x, 0).values.square(), at: [matrix] },
  { name: 'topk', of: (x) => topk(x, 2).values.square(), at: [matrix] },
]);

describe('a step of these is compiled', () => {
  const step =
    (w: Tensor) =>
    (x: Tensor, h: Tensor): readonly [Tensor, Tensor] => {
      const mixed = silu(linear(x, w))
        .add(gelu(h, { approximate: 'tanh' }))
        .add(gelu(x))
        .add(
          sin(h.add(x.round()))
            .mul(cos(x).mul(erf(h)))
            .add(h.floor()),
        );
      const scaled = mixed.div(variance(mixed, -1, true).add(1));
      const next = cumsum(scaled, -1)
        .mul(0.3)
        .add(prod(pad(scaled, [1, 0], 'replicate'), -1, true))
        .tanh();
      return [next, maskedFill(next, next.gt(0.9), 0.5).add(std(next, -1, true).mul(0.1))];
    };

  test('and gives what the loop gives, with its derivatives', async () => {
    setBackend(await cpu());
    const options = { dtype: 'float64' } as const;
    const [x, w] = [randn([3, 2, 4], options), randn([4, 4], options)];
    expect(explain(step(w), x, zeros([2, 4], options)).mode).toBe('compiled');
    const run = (compile: 'required' | 'never') => {
      for (const leaf of [x, w]) {
        leaf.requiresGrad = true;
        leaf.grad = undefined;
      }
      const [ys] = scan(step(w), x, zeros([2, 4], options), { compile });
      ys.square().sum().backward();
      return [ys, x.grad as Tensor, w.grad as Tensor];
    };
    const looped = run('never');
    run('required').forEach((ours, i) => expect(ours.allclose(looped[i], { rtol: 1e-10, atol: 1e-12 })).toBe(true));
    gradgradcheck(
      (xs, v) => scan(step(v), xs, zeros([2, 4], options), { compile: 'required' })[0],
      [x, w].map((leaf) => leaf.detach()),
    );
  });
});
