/**
 * Derivatives of derivatives through compiled runs, held against central differences of the first
 * ones.
 */
import { cpu } from '@rnn/backend-cpu';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  bernoulli,
  compileFn,
  enableGrad,
  explain,
  grad,
  gradcheck,
  gradgradcheck,
  linear,
  manualSeed,
  randn,
  scan,
  scope,
  setBackend,
  tanh,
  tap,
  tensor,
  zeros,
  type Tensor,
} from '../src/index.js';

type Pair = readonly [Tensor, Tensor];

beforeEach(async () => {
  setBackend(await cpu());
  manualSeed(1);
});

const f64 = { dtype: 'float64' } as const;

type Loss = (...inputs: Tensor[]) => Tensor;

/**
 * Checks the loss's gradients, those of them, and that they are the same whether they are recorded
 * or not.
 */
function checkTwice(loss: Loss, inputs: readonly Tensor[]): void {
  gradcheck(loss, inputs);
  gradgradcheck(loss, inputs);
  const leaves = inputs.map((input) => input.clone().detach());
  for (const leaf of leaves) leaf.requiresGrad = true;
  const recorded = grad(loss(...leaves), leaves, { createGraph: true });
  grad(loss(...leaves), leaves).forEach((expected, i) => {
    expect(recorded[i].sub(expected).abs().max().item()).toBeLessThan(1e-12);
  });
}

const step =
  (w: Tensor, v: Tensor) =>
  (x: Tensor, h: Tensor): readonly [Tensor, Tensor] => {
    const next = tanh(linear(x, w).add(linear(h, v)));
    return [next, next];
  };

const [T, B, H] = [3, 2, 2];
const sequence = (): Tensor => randn([T, B, H], f64);
const matrix = (): Tensor => randn([H, H], f64);
const rest = (): Tensor => zeros([B, H], f64);
const squares = (x: Tensor): Tensor => x.square().sum();

describe('through a scan', () => {
  test.each(['required', 'never'] as const)(
    'a piece of a split that the step leaves out has no part in it (compile: %s)',
    (compile) => {
      const loss: Loss = (xs, w) => {
        const unused = (x: Tensor, h: Tensor): readonly [Tensor, Tensor] => {
          const [a, , b] = linear(x, w).chunk(3, -1);
          const next = tanh(a.mul(h).add(b));
          return [next, next];
        };
        return squares(scan(unused, xs, zeros([B, H], f64).add(0.5), { compile })[0]);
      };
      checkTwice(loss, [sequence(), randn([3 * H, H], f64)]);
    },
  );

  test('it is compiled', () => {
    expect(explain(step(matrix(), matrix()), sequence(), rest()).mode).toBe('compiled');
  });

  test('one tensor as two states', () => {
    const pair = (x: Tensor, [a, b]: Pair): readonly [Tensor, Pair] => {
      const next = tanh(x.add(a).mul(b));
      return [next, [next, b.mul(a)]];
    };
    checkTwice((x, h) => squares(scan(pair, x, [h, h])[0]), [sequence(), randn([B, H], f64)]);
  });

  test('a state made of the input', () => {
    checkTwice((x, w) => squares(scan(step(w, w), x, x.sum(0).tanh())[0]), [sequence(), matrix()]);
  });

  test('an input made of a captured tensor', () => {
    checkTwice((x, w) => squares(scan(step(w, w), linear(x, w), rest())[0]), [sequence(), matrix()]);
  });

  test('a captured tensor made of another', () => {
    checkTwice((x, w) => squares(scan(step(w.tanh(), w), x, rest())[0]), [sequence(), matrix()]);
  });

  test('one tensor in two parameters', () => {
    const given = (x: Tensor, h: Tensor, { w, v }: { w: Tensor; v: Tensor }): readonly [Tensor, Tensor] =>
      step(w, v)(x, h);
    const loss: Loss = (x, w, v) => squares(scan(given, x, rest(), { parameters: { w, v } })[0]);
    checkTwice(loss, [sequence(), matrix(), matrix()]); // remembered, and then with one tensor in both places
    checkTwice((x, w) => loss(x, w, w), [sequence(), matrix()]);
  });

  test('a captured tensor that was freed', () => {
    checkTwice((x, w) => scope(() => squares(scan(step(w.tanh(), w), x, rest())[0])), [sequence(), matrix()]);
  });

  test('a captured tensor that got other values', () => {
    const [w, v] = [matrix(), matrix()];
    const x = sequence();
    const gradient = (changes: boolean): number[] => {
      const weight = w.clone().detach();
      weight.requiresGrad = true;
      const loss = squares(scan(step(weight, v), x, rest())[0]);
      if (changes) weight.copy_(matrix());
      return [...grad(loss, [weight], { createGraph: true })[0].dataSync()];
    };
    expect(gradient(true)).toEqual(gradient(false));
  });

  test('recorded values, draws, lengths, resets, in reverse', () => {
    const resets = tensor([
      [1, 0],
      [0, 0],
      [1, 0],
    ]); // of two rows
    const options = { record: ['sum'], lengths: [3, 1], reverse: true, resets };
    checkTwice(
      (x, w) => {
        manualSeed(5);
        const drawing = (xt: Tensor, h: Tensor): readonly [Tensor, Tensor] => {
          const dropped = linear(h, w)
            .mul(bernoulli(h, 0.5))
            .mul(bernoulli(h, 0.7, { perSequence: true }));
          const next = tanh(tap('sum', dropped).add(xt));
          return [next, next];
        };
        const [ys, last, { sum }] = scan(drawing, x, rest(), options);
        return squares(ys).add(sum.sum()).add(last.pow(3).sum());
      },
      [sequence(), matrix()],
    );
  });
});

describe('through a compiled function', () => {
  const layer = compileFn((x: Tensor, { w, v }: { w: Tensor; v: Tensor }) => tanh(linear(x, w)).mul(linear(x, v)));

  test('arguments made of each other', () => {
    checkTwice((x, w) => squares(layer(linear(x, w), { w, v: w.tanh() })), [sequence(), matrix()]);
    checkTwice((x, w) => squares(layer(x, { w, v: w })), [sequence(), matrix()]);
  });

  test('parameters that were freed', () => {
    checkTwice((x, w) => scope(() => squares(layer(x, { w, v: w.tanh() }))), [sequence(), matrix()]);
  });

  test('in the step of a scan, three times', () => {
    const loss: Loss = (x, w) => {
      const inner = (xt: Tensor, h: Tensor): readonly [Tensor, Tensor] => {
        const next = layer(xt.add(h), { w, v: w });
        return [next, next];
      };
      return squares(scan(inner, x, rest())[0]);
    };
    checkTwice(loss, [sequence().mul(0.5), matrix()]);
    const second: Loss = (x, w) => {
      for (const leaf of [x, w]) leaf.requiresGrad = true;
      return enableGrad(() => squares(grad(loss(x, w), [w], { createGraph: true })[0]));
    };
    checkTwice(second, [sequence().mul(0.5), matrix()]);
  });
});
