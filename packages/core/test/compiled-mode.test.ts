/**
 * Where compiled functions and loops could differ from the same work by single operations without a
 * word: each case against a plain loop.
 */
import { cpu } from '@rnn/backend-cpu';
import { wasm } from '@rnn/backend-wasm';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  compileFn,
  customOperation,
  grad,
  noGrad,
  ones,
  scan,
  setBackend,
  sign,
  stack,
  tanh,
  tensor,
  zeros,
  type Tensor,
} from '../src/index.js';

const backends = { cpu, wasm };

type Step = (x: Tensor, h: Tensor) => readonly [Tensor, Tensor];

/** `scan` by hand: rows of one length. */
function loop(step: Step, xs: Tensor, state: Tensor): [Tensor, Tensor] {
  const ys: Tensor[] = [];
  let h = state;
  for (let t = 0; t < xs.shape[0]; t++) {
    const [y, next] = step(xs.select(0, t), h);
    ys.push(y);
    h = next;
  }
  return [stack(ys), h];
}

/** The gradient of the sum of a function at a point; `undefined` where none reaches it. */
function gradientAt(f: (x: Tensor) => Tensor, at: number[]): number[] | undefined {
  const x = tensor(at, { requiresGrad: true });
  f(x).sum().backward();
  return x.grad?.toArray() as number[] | undefined;
}

describe.each(Object.entries(backends))('on %s', (_, make) => {
  beforeEach(async () => {
    setBackend(await make());
  });

  describe('functions that compute the same and have other derivatives', () => {
    const compile = 'required';
    const elementwise = { elementwise: true, compile } as const;

    test('a product with a detached factor, then a square', () => {
      const f = compileFn((x: Tensor) => x.detach().mul(x), elementwise);
      const g = compileFn((x: Tensor) => x.mul(x), elementwise);
      for (let n = 0; n < 2; n++) {
        expect(gradientAt(f, [3])).toEqual([3]);
        expect(gradientAt(g, [3])).toEqual([6]);
      }
    });

    test('a part under noGrad', () => {
      const f = compileFn(([a, b]: readonly Tensor[]) => a.sub(noGrad(() => b.mul(1))).square(), elementwise);
      const g = compileFn(([a, b]: readonly Tensor[]) => a.sub(b.mul(1)).square(), elementwise);
      const gradients = (h: typeof f): (number[] | undefined)[] => {
        const [p, q] = [tensor([3], { requiresGrad: true }), tensor([1], { requiresGrad: true })];
        h([p, q]).sum().backward();
        return [p, q].map((x) => x.grad?.toArray() as number[] | undefined);
      };
      expect(gradients(f)).toEqual([[4], undefined]);
      expect(gradients(g)).toEqual([[4], [-4]]);
      expect(gradients(f)).toEqual([[4], undefined]);
    });

    test('a straight-through operation after the plain one, and two that differ in a number', () => {
      const through = (slope: number) => (x: Tensor) =>
        customOperation({
          name: 'tanh',
          inputs: [x],
          forward: () => ({ result: tanh(x) }),
          derivatives: [(g) => g.mul(slope)],
        });
      const plain = compileFn((x: Tensor) => tanh(x), elementwise);
      expect(gradientAt(plain, [3])?.[0]).toBeCloseTo(0.009866, 5);
      expect(gradientAt(compileFn(through(1), elementwise), [3])).toEqual([1]);
      expect(gradientAt(compileFn(through(2), elementwise), [3])).toEqual([2]);
      const step =
        (f: (x: Tensor) => Tensor): Step =>
        (x, h) => [f(h), f(h).add(x)];
      const through2 = (f: (x: Tensor) => Tensor): number[] | undefined =>
        gradientAt((h) => scan(step(f), ones([2, 1, 1]), h.reshape([1, 1]), { compile })[1], [0.5]);
      expect(through2(through(1))).toEqual([1]);
      expect(through2(through(3))).toEqual([9]);
      expect(through2(tanh)?.[0]).toBeCloseTo(
        gradientAt((h) => loop(step(tanh), ones([2, 1, 1]), h.reshape([1, 1]))[1], [0.5])?.[0] as number,
        6,
      );
    });

    test('steps with and without a detached state', () => {
      const plain: Step = (x, h) => [h.mul(2).add(x), h.mul(2).add(x)];
      const detached: Step = (x, h) => [h.detach().mul(2).add(x), h.detach().mul(2).add(x)];
      const at = (step: Step) =>
        gradientAt((x) => scan(step, x.reshape([3, 1, 1]), zeros([1, 1]), { compile })[1], [1, 1, 1]);
      expect(at(detached)).toEqual([0, 0, 1]);
      expect(at(plain)).toEqual([4, 2, 1]);
      expect(at(detached)).toEqual([0, 0, 1]);
    });
  });

  describe('a step that looks at the size of the batch', () => {
    test.each([1, 2, 3])('to choose what to do, %i rows', (rows) => {
      const step: Step = (x, h) => {
        const next = x.shape[0] > 100 ? h.mul(1000) : h.add(x);
        return [next, next];
      };
      const [, last] = scan(step, ones([2, rows, 1]), ones([rows, 1]));
      expect(last.toArray()).toEqual(Array.from({ length: rows }, () => [3]));
    });

    test('to choose what to do for one row', () => {
      const step: Step = (x, h) => {
        const next = x.shape[0] === 1 ? h.mul(1000) : h.add(x);
        return [next, next];
      };
      const at = (rows: number) =>
        scan(step, ones([2, rows, 1]), ones([rows, 1]))[1]
          .reshape([-1])
          .toArray();
      expect([at(2), at(1), at(2)]).toEqual([[3, 3], [1e6], [3, 3]]);
    });

    test('with parameters, which are traced once', () => {
      const step = (x: Tensor, h: Tensor, { w }: { w: Tensor }): readonly [Tensor, Tensor] => {
        const next = x.shape[0] === 2 ? h.mul(w) : h.add(w);
        return [next, next];
      };
      const w = tensor([10]);
      const at = (rows: number): unknown =>
        scan(step, ones([2, rows, 1]), ones([rows, 1]), { parameters: { w } })[1]
          .select(0, 0)
          .toArray();
      expect([at(3), at(2), at(1), at(3), at(2), at(1)]).toEqual([[21], [100], [21], [21], [100], [21]]);
    });

    test('by its number of elements, in a compiled function', () => {
      const f = compileFn((x: Tensor) => (x.size > 100 ? x.mul(1000) : x.add(1)), {
        elementwise: true,
        compile: 'auto',
      });
      expect(f(ones([3])).toArray()).toEqual([2, 2, 2]);
      expect(
        f(ones([101]))
          .select(0, 0)
          .item(),
      ).toBe(1000);
      expect(f(ones([3])).toArray()).toEqual([2, 2, 2]);
    });

    test('as a number', () => {
      const step: Step = (x, h) => [h.div(x.shape[0]), h.add(x)];
      expect(scan(step, ones([1, 2, 1]), ones([2, 1]))[0].toArray()).toEqual([[[0.5], [0.5]]]);
    });

    test('in a derivative of its own', () => {
      const mean = (x: Tensor): Tensor =>
        customOperation({
          name: 'meanGradient',
          inputs: [x],
          forward: () => ({ result: x.mul(1) }),
          derivatives: [(g) => (g.shape[0] > 100 ? g.mul(1000) : g.div(g.shape[0]))],
        });
      const step: Step = (x, h) => [mean(h), h.add(x)];
      const h = ones([2, 1], { requiresGrad: true });
      scan(step, ones([1, 2, 1]), h)[0]
        .sum()
        .backward();
      expect(h.grad?.toArray()).toEqual([[0.5], [0.5]]);
    });
  });

  describe.each([false, true])('padding, reverse: %s', (reverse) => {
    const W = [
      [0.5, 0.1],
      [0.2, 0.4],
    ];
    const data = [
      [
        [1, 0],
        [0, 1],
      ],
      [
        [1, 1],
        [9, 9],
      ],
    ];
    /** Gradients of v, W, x and h0 for an output that depends on the state before the step. */
    const gradients = (
      output: (v: Tensor, h: Tensor, n: Tensor) => Tensor,
      lengths: number[],
      compile: 'required' | 'never',
    ): unknown => {
      const v = tensor([1, 2], { requiresGrad: true });
      const w = tensor(W, { requiresGrad: true });
      const x = tensor(data, { requiresGrad: true });
      const h0 = tensor(
        [
          [0.5, 0.2],
          [0.1, 0.3],
        ],
        { requiresGrad: true },
      );
      const step: Step = (xt, h) => {
        const n = tanh(h.matmul(w).add(xt));
        return [output(v, h, n), n];
      };
      const [ys, last] = scan(step, x, h0, { lengths, reverse, compile });
      ys.sum().add(last.sum()).backward();
      // Where no row has a step, nothing depends on W.
      return [v, w, x, h0].map((t) => t.grad?.toArray() ?? zeros(t.shape).toArray());
    };
    /** The same, row by row, each as long as it is. */
    const byRow = (output: (v: Tensor, h: Tensor, n: Tensor) => Tensor, lengths: number[]): unknown => {
      const v = tensor([1, 2], { requiresGrad: true });
      const w = tensor(W, { requiresGrad: true });
      const x = tensor(data, { requiresGrad: true });
      const h0 = tensor(
        [
          [0.5, 0.2],
          [0.1, 0.3],
        ],
        { requiresGrad: true },
      );
      let loss = zeros([]).add(x.sum().add(h0.sum()).add(w.sum()).add(v.sum()).mul(0));
      lengths.forEach((length, row) => {
        let h = h0.slice(0, row, row + 1);
        for (let n = 0; n < length; n++) {
          const t = reverse ? length - 1 - n : n;
          const next = tanh(h.matmul(w).add(x.select(0, t).slice(0, row, row + 1)));
          loss = loss.add(output(v, h, next).sum());
          h = next;
        }
        loss = loss.add(h.sum());
      });
      loss.backward();
      return [v, w, x, h0].map((t) => t.grad?.toArray());
    };
    const outputs: Record<string, (v: Tensor, h: Tensor, n: Tensor) => Tensor> = {
      'a tie': (v, h) => h.mul(v).amax(-1, true),
      'a pole': (v, h, n) => v.div(n.sub(h)),
      'a logarithm of what the padding makes zero': (v, h, n) => n.sub(h).abs().log().mul(v),
      'a power': (v, h, n) => n.sub(h).square().pow(-0.5).mul(v),
    };
    for (const [name, output] of Object.entries(outputs))
      for (const lengths of [
        [2, 1],
        [1, 2],
        [0, 2],
        [1, 0],
        [0, 0],
      ])
        test(`${name}, lengths ${lengths.join()}`, () => {
          const flat = (value: unknown): number[] => (value as number[]).flat(4);
          const expected = flat(byRow(output, lengths));
          for (const mode of ['required', 'never'] as const) {
            const found = flat(gradients(output, lengths, mode));
            found.forEach((value, i) => {
              expect(Math.abs(value - expected[i]) / Math.max(1, Math.abs(expected[i]))).toBeLessThan(2e-5);
            });
            expect(found).toHaveLength(expected.length);
          }
        });
  });

  test.each(['required', 'never'] as const)(
    'padding has no part in a derivative that is infinite at the last step before it, compile %s',
    (compile) => {
      const x = tensor(
        [
          [[1], [0]],
          [[4], [4]],
        ],
        { requiresGrad: true },
      );
      const [ys] = scan((x, h) => [x.sqrt(), h], x, zeros([2, 1]), { lengths: [2, 1], compile });
      ys.sum().backward();
      expect(x.grad?.toArray()).toEqual([
        [[0.5], [Infinity]],
        [[0.25], [0]],
      ]);
    },
  );

  describe('createGraph derives what ran, not what the step does today', () => {
    test('a variable around a step', () => {
      let k = 1;
      const w = tensor([[2]], { requiresGrad: true });
      const step: Step = (x, h) => {
        const n = h.matmul(w).add(x).mul(k);
        return [n, n];
      };
      const [, last] = scan(step, ones([2, 1, 1]), zeros([1, 1]), { compile: 'required' });
      k = 10;
      expect(grad(last.sum(), [w], { createGraph: true })[0].toArray()).toEqual(
        grad(
          scan(
            (x, h) => {
              const n = h.matmul(w).add(x);
              return [n, n] as const;
            },
            ones([2, 1, 1]),
            zeros([1, 1]),
          )[1].sum(),
          [w],
        )[0].toArray(),
      );
    });

    test('a field of the parameters, also where the trace is remembered', () => {
      const step = (x: Tensor, h: Tensor, p: { w: Tensor; k: number }): readonly [Tensor, Tensor] => {
        const n = h.mul(p.w).add(x).mul(p.k);
        return [n, n];
      };
      for (let n = 0; n < 2; n++) {
        const parameters = { w: tensor([2], { requiresGrad: true }), k: 1 };
        const [, last] = scan(step, ones([3, 1, 1]), zeros([1, 1]), { parameters, compile: 'required' });
        parameters.k = 10;
        // last = w^2 + w + 1
        const [first] = grad(last.sum(), [parameters.w], { createGraph: true });
        expect(first.toArray()).toEqual([5]);
        expect(grad(first.sum(), [parameters.w])[0].toArray()).toEqual([2]);
      }
    });

    test('a variable around a compiled function', () => {
      let k = 1;
      const f = compileFn((x: Tensor) => x.pow(3).mul(k), { elementwise: true, compile: 'required' });
      const x = tensor([2], { requiresGrad: true });
      const y = f(x);
      k = 10;
      const [first] = grad(y.sum(), [x], { createGraph: true });
      expect(first.toArray()).toEqual([12]);
      expect(grad(first.sum(), [x])[0].toArray()).toEqual([12]);
    });

    test('detached parts stay detached in second derivatives', () => {
      const f = compileFn((x: Tensor) => x.detach().mul(x).mul(x), { elementwise: true, compile: 'required' });
      const x = tensor([3], { requiresGrad: true });
      const [first] = grad(f(x).sum(), [x], { createGraph: true });
      expect(first.toArray()).toEqual([18]); // d(c x x) = 2 c x, c = 3
      expect(grad(first.sum(), [x])[0].toArray()).toEqual([6]);
    });
  });

  describe('what has a gradient', () => {
    const steps: Record<string, (w: Tensor, v: Tensor) => Step> = {
      'a sign': (w) => (x, h) => [sign(w.mul(h)), h.add(x)],
      'a power of 0': (w) => (x, h) => [w.mul(h).pow(0), h.add(x)],
      'a parameter that does not matter': (w, v) => (x, h) => [w.mul(h).add(v.mul(0)), h.add(x)],
      'an output without the parameter': (w, v) => (x, h) => [h.mul(v), h.mul(w).add(x)],
      'a detached output': (w) => (x, h) => [h.mul(w).detach(), h.add(x)],
      'a parameter in the last step only': (w, v) => (x, h) => [h.mul(v), x.mul(w)],
    };
    test.each(Object.entries(steps))('%s', (_, make) => {
      for (const count of [1, 2, 5])
        for (const which of ['ys', 'last'] as const) {
          const found = [scan, loop].map((run) => {
            const [w, v] = [tensor([2], { requiresGrad: true }), tensor([3], { requiresGrad: true })];
            const x = ones([count, 1, 1], { requiresGrad: true });
            const h = ones([1, 1], { requiresGrad: true });
            const step = make(w, v);
            const [ys, last] = run === scan ? scan(step, x, h, { compile: 'required' }) : loop(step, x, h);
            const loss = (which === 'ys' ? ys : last).sum();
            if (!loss.requiresGrad) return 'no gradient';
            loss.backward();
            return [w, v, x, h].map((t) => t.grad?.toArray() ?? 'none');
          });
          expect(found[0]).toEqual(found[1]);
        }
    });
  });
});
