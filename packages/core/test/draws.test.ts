import { cpu } from '@rnn/backend-cpu';
import { wasm } from '@rnn/backend-wasm';
import fc from 'fast-check';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  bernoulli,
  compileFn,
  defaultGenerator,
  explain,
  fromData,
  Generator,
  grad,
  gradcheck,
  gradgradcheck,
  linear,
  manualSeed,
  noGrad,
  ones,
  rand,
  randn,
  scan,
  scope,
  setBackend,
  setCompileMode,
  stack,
  tanh,
  where,
  zeros,
  type Backend,
  type ScanOptions,
  type Tensor,
} from '../src/index.js';

let backend: Backend;
beforeAll(async () => {
  backend = await cpu();
});
beforeEach(() => setBackend(backend));

const f64 = { dtype: 'float64' } as const;
const width = 3;

/** A step that draws five times from two generators, once for the whole sequence. */
function stepOf(
  w: Tensor,
  other: Generator,
  readsNumbers: boolean,
): (x: Tensor, h: Tensor) => readonly [y: Tensor, state: Tensor] {
  return (x, h) => {
    if (readsNumbers) x.dataSync();
    const { dtype } = x;
    const dropped = h.mul(bernoulli(h, 0.7, { perSequence: true })).div(0.7);
    const noise = randn(x.shape, { dtype, generator: other }).mul(0.1);
    const candidate = tanh(linear(dropped, w).add(x).add(noise));
    const next = where(bernoulli(h, 0.3, { generator: other }), h, candidate);
    return [next.add(rand([x.shape[0], 1], { dtype })), next.mul(bernoulli(next, 0.9))];
  };
}

interface Setting {
  readonly steps: number;
  readonly batch: number;
  readonly lengths?: readonly number[];
  readonly reverse: boolean;
}

/** Results of a run, and where the generators stand afterwards. */
function outcome({ steps, batch, lengths, reverse }: Setting, readsNumbers: boolean): number[][] {
  return scope(() => {
    const values = new Generator(1);
    const make = (shape: number[]): Tensor => randn(shape, { generator: values, requiresGrad: true });
    const [w, x, h] = [make([width, width]), make([steps, batch, width]), make([batch, width])];
    manualSeed(2);
    const other = new Generator(3);
    const [ys, last] = scan(stepOf(w, other, readsNumbers), x, h, { lengths, reverse });
    ys.square().sum().add(last.sum()).backward();
    const gradients = [w, x, h].map((t) => t.grad ?? zeros(t.shape));
    return [
      ...[ys, last, ...gradients].map((t) => Array.from(t.dataSync())),
      [defaultGenerator().nextUniform(), other.nextUniform()],
    ];
  });
}

const settings = fc
  .record({ steps: fc.integer({ min: 1, max: 5 }), batch: fc.integer({ min: 1, max: 4 }) })
  .chain(({ steps, batch }) =>
    fc.record({
      steps: fc.constant(steps),
      batch: fc.constant(batch),
      lengths: fc.option(fc.array(fc.nat(steps), { minLength: batch, maxLength: batch }), { nil: undefined }),
      reverse: fc.boolean(),
    }),
  );

test('a seed gives the same numbers in both modes, on every backend, and leaves the generators at the same place', async () => {
  const device = await wasm();
  const plain = Object.create(backend, { compile: { value: undefined } }) as Backend;
  fc.assert(
    fc.property(settings, (setting) => {
      setCompileMode('auto');
      const expected = outcome(setting, true);
      setCompileMode('required');
      for (const place of [backend, plain, device]) {
        setBackend(place);
        outcome(setting, false).forEach((values, i) =>
          values.forEach((value, j) => expect(value).toBeCloseTo(expected[i][j], 4)),
        );
      }
      setBackend(backend);
      // Where the generators stand is not a matter of rounding.
      expect(outcome(setting, false)[5]).toEqual(expected[5]);
    }),
    { numRuns: 25, seed: 1 },
  );
});

test('both modes are the ones that are meant', () => {
  const [w, x, h] = [randn([3, 3]), randn([4, 2, 3]), randn([2, 3])];
  const other = new Generator(1);
  expect(explain(stepOf(w, other, false), x, h, { lengths: [4, 1] }).mode).toBe('compiled');
  expect(explain(stepOf(w, other, true), x, h).mode).toBe('eager');
});

test('asking for the mode draws nothing', () => {
  manualSeed(5);
  const before = defaultGenerator().state();
  const step = (x: Tensor, h: Tensor) => [x, h.mul(bernoulli(h, 0.5))] as const;
  explain(step, randn([3, 2, 2], { generator: new Generator(1) }), ones([2, 2]));
  expect(defaultGenerator().state()).toEqual(before);
});

test('the draws are those of a loop by hand', () => {
  const step = (x: Tensor, h: Tensor) => [bernoulli(x, 0.5), h.add(rand(h.shape))] as const;
  const [x, h] = [zeros([4, 2, 3]), zeros([2, 3])];
  for (const reverse of [false, true]) {
    manualSeed(7);
    const [ys, last] = scan(step, x, h, { reverse });
    manualSeed(7);
    let state = h;
    const outputs = x.unbind(0).map((part) => {
      const [y, next] = step(part, state);
      state = next;
      return y;
    });
    expect(ys.toArray()).toEqual(stack(reverse ? outputs.reverse() : outputs).toArray());
    expect(last.toArray()).toEqual(state.toArray());
  }
});

describe.each([
  { mode: 'compiled', readsNumbers: false },
  { mode: 'by single operations', readsNumbers: true },
])('$mode', ({ readsNumbers }) => {
  beforeEach(() => void setCompileMode(readsNumbers ? 'auto' : 'required'));
  test('neither what stands in the padding nor how much there is of it changes the draws', () => {
    const run = (steps: number, filling: number): unknown => {
      const generator = new Generator(1);
      const [w, h] = [randn([3, 3], { generator }), randn([2, 3], { generator })];
      const x = randn([3, 2, 3], { generator });
      const values = new Float32Array(steps * 6).fill(filling);
      values.set(x.dataSync());
      values.fill(filling, 9, 12); // the second row of the second step, which it does not have
      const input = fromData(values, [steps, 2, 3]);
      manualSeed(2);
      const [ys, last] = scan(stepOf(w, new Generator(3), readsNumbers), input, h, { lengths: [3, 1] });
      return [ys.narrow(0, 0, 3).toArray(), last.toArray(), defaultGenerator().nextUniform()];
    };
    const expected = run(3, 0);
    expect(run(3, NaN)).toEqual(expected);
    expect(run(6, 5)).toEqual(expected);
  });

  test('a function with a pole at zero is finite in the padding too', () => {
    const step = (x: Tensor, h: Tensor): readonly [Tensor, Tensor] => {
      if (readsNumbers) x.dataSync();
      const next = tanh(x.div(rand(x.shape)).add(h));
      return [next, next];
    };
    const x = randn([6, 2, 3], { requiresGrad: true });
    scan(step, x, zeros([2, 3]), { lengths: [3, 1] })[0]
      .sum()
      .backward();
    expect([...(x.grad as Tensor).dataSync()].every(Number.isFinite)).toBe(true);
  });

  test('a mask for the sequence is drawn once in each scan', () => {
    const step = (x: Tensor, h: Tensor) => {
      if (readsNumbers) x.dataSync();
      return [bernoulli(x, 0.5, { perSequence: true }), h.add(bernoulli(h, 0.5, { perSequence: true }))] as const;
    };
    manualSeed(1);
    const masks = [1, 2].map(() => {
      const [ys] = scan(step, zeros([4, 3, 8]), zeros([3, 8]), { reverse: true, lengths: [4, 4, 2] });
      const [first, ...others] = ys.narrow(0, 0, 2).unbind(0);
      for (const other of others) expect(other.toArray()).toEqual(first.toArray());
      return first.toArray();
    });
    expect(masks[0]).not.toEqual(masks[1]);
  });

  test.each<[string, ScanOptions]>([
    ['plain', {}],
    ['lengths in reverse', { lengths: [3, 0, 1], reverse: true }],
  ])('%s: the derivative is that of the same draws, the second one too', (_, options) => {
    const run = (w: Tensor, x: Tensor, h: Tensor): Tensor[] => {
      manualSeed(4);
      const [ys, last] = scan(stepOf(w, new Generator(5), readsNumbers), x, h, options);
      return [ys, last];
    };
    const arguments_ = [randn([3, 3], f64), randn([3, 3, 3], f64), randn([3, 3], f64)];
    expect(gradcheck(run, arguments_)).toBe(true);
    expect(gradgradcheck(run, arguments_)).toBe(true);
  });

  test('leaves nothing behind but its results', () => {
    const [w, x, h] = [randn([3, 3], { requiresGrad: true }), randn([4, 2, 3]), randn([2, 3])];
    const step = stepOf(w, new Generator(1), readsNumbers);
    const before = backend.memory().storages;
    const results = noGrad(() => scan(step, x, h));
    expect(backend.memory().storages).toBe(before + 2);
    for (const t of results) t.dispose();
    scope(() => scan(step, x, h)[0].sum().backward());
    w.grad?.dispose();
    w.grad = undefined;
    expect(backend.memory().storages).toBe(before);
  });
});

test('draws without the batch in front: each step has its own all the same', () => {
  const step = (x: Tensor, h: Tensor) => [x, h.add(rand([3]))] as const;
  const [x, h] = [zeros([4, 2, 3]), zeros([2, 3])];
  expect(explain(step, x, h, { lengths: [4, 4] }).reason).toMatch(
    /draws random numbers of shape \[3\], without the batch in front/,
  );
  manualSeed(1);
  const whole = scan(step, x, h)[1];
  manualSeed(1);
  const masked = scan(step, x, h, { lengths: [4, 4], compile: 'auto' })[1];
  expect(whole.toArray()).toEqual(masked.toArray());
});

test('a step that changes its masks for the sequence on the way is refused', () => {
  let calls = 0;
  const step = (x: Tensor, h: Tensor) => {
    x.dataSync();
    return [x, h.add(bernoulli(calls++ === 1 ? h.narrow(-1, 0, 1) : h, 0.5, { perSequence: true }))] as const;
  };
  calls = 0;
  expect(() => scan(step, zeros([4, 2, 3]), zeros([2, 3]), { lengths: [4, 4], compile: 'auto' })).toThrow(
    /call 1 with perSequence in a step draws shape \[2, 1\], expected \[2, 3\] as in the first step/,
  );
});

describe('bernoulli', () => {
  test('gives ones with probability p, in the type of its argument', () => {
    manualSeed(3);
    for (const dtype of ['float32', 'float64'] as const) {
      const mask = bernoulli(zeros([200, 200], { dtype }), 0.3);
      expect([mask.dtype, mask.shape, mask.requiresGrad]).toEqual([dtype, [200, 200], false]);
      expect(new Set(mask.dataSync())).toEqual(new Set([0, 1]));
      // Four standard deviations of the mean of 40,000 draws.
      expect(Math.abs(mask.mean().item() - 0.3)).toBeLessThan(4 * Math.sqrt((0.3 * 0.7) / 40_000));
    }
    expect(
      bernoulli(zeros([50]), 0)
        .sum()
        .item(),
    ).toBe(0);
    expect(
      bernoulli(zeros([50]), 1)
        .sum()
        .item(),
    ).toBe(50);
  });

  test('a seed gives one mask, whatever the type', () => {
    const [a, b] = (['float32', 'float64'] as const).map((dtype) =>
      Array.from(bernoulli(zeros([64], { dtype }), 0.5, { generator: new Generator(1) }).dataSync()),
    );
    expect(a).toEqual(b);
  });

  test.each([-0.1, 1.1, NaN, '0.5'])('p = %s is refused', (p) => {
    expect(() => bernoulli(zeros([2]), p as number)).toThrow(
      `bernoulli: p is ${typeof p === 'string' ? `'${p}'` : p}, expected a number from 0 to 1`,
    );
  });

  test('perSequence is true or false', () => {
    expect(() => bernoulli(zeros([2]), 0.5, { perSequence: 'yes' as unknown as boolean })).toThrow(
      "bernoulli: perSequence is 'yes', expected true or false",
    );
  });

  test('int32 is refused', () => {
    expect(() => bernoulli(zeros([2], { dtype: 'int32' }), 0.5)).toThrow(
      "bernoulli: x is int32, expected float32 or float64; convert with .to('float32')",
    );
  });
});

test('a compiled function draws what it would by single operations, and again for a second derivative', () => {
  const noisy = (x: Tensor): Tensor => tanh(x.mul(bernoulli(x, 0.5)).add(randn(x.shape, { dtype: 'float64' })));
  const compiled = compileFn(noisy, { compile: 'required' });
  const x = randn([4, 3], { dtype: 'float64', requiresGrad: true });
  const results = [noisy, compiled, compiled].map((fn) => {
    manualSeed(3);
    const y = fn(x);
    const [first] = grad(y.square().sum(), [x], { createGraph: true });
    const [second] = grad(first.square().sum(), [x]);
    return [y, first, second, rand([2])].map((tensor) => Array.from(tensor.dataSync()));
  });
  for (const result of results.slice(1))
    result.forEach((values, i) => values.forEach((value, j) => expect(value).toBeCloseTo(results[0][i][j], 12)));
});
