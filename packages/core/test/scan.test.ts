import { cpu } from '@rnn/backend-cpu';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  checkLengths,
  concat,
  explain,
  fromData,
  Generator,
  gradcheck,
  linear,
  noGrad,
  scan,
  setBackend,
  setCompileMode,
  tensor,
  zeros,
  type Backend,
  type ScanOptions,
  type Shape,
  type Step,
  type Tensor,
} from '../src/index.js';

let backend: Backend;
beforeEach(async () => {
  backend = await cpu();
  setBackend(backend);
});

/** Float64 tensors with the same values in every run. */
function draws(seed: number): (shape: Shape) => Tensor {
  const generator = new Generator(seed);
  return (shape) => {
    const values = new Float64Array(shape.reduce((size, s) => size * s, 1));
    generator.uniform(values, -1, 1);
    return fromData(values, shape);
  };
}

type Matrix = readonly (readonly number[])[];

const times = (w: Matrix, x: readonly number[]): number[] =>
  w.map((row) => row.reduce((sum, value, i) => sum + value * x[i], 0));

/**
 * Two inputs (3 and 2 wide), two states (2 and 4 wide), three outputs (2, 4 and 1 wide):
 *
 *     h' = tanh(A [x, h]);  c' = 0.5 c + tanh(B [z, h']);  y = h', h' c'_1, sum(c')
 */
const widths = { x: 3, z: 2, h: 2, c: 4 };
const weightShapes: readonly Shape[] = [
  [widths.h, widths.x + widths.h],
  [widths.c, widths.z + widths.h],
];

type Pair = readonly [Tensor, Tensor];
type Triple = readonly [Tensor, Tensor, Tensor];

function stepOf([a, b]: readonly Tensor[], readsNumbers: boolean): Step<Pair, Pair, Triple> {
  return ([x, z], [h, c]) => {
    if (readsNumbers) x.dataSync(); // what reads numbers cannot be compiled
    const hNext = linear(concat([x, h], -1), a).tanh();
    const cNext = c.mul(0.5).add(linear(concat([z, hNext], -1), b).tanh());
    return [
      [hNext, hNext.mul(cNext.slice(-1, 0, 1)), cNext.sum(-1, true)],
      [hNext, cNext],
    ];
  };
}

/** The same in plain numbers, for one row. */
function plainStep(
  [a, b]: readonly Matrix[],
  x: readonly number[],
  z: readonly number[],
  h: readonly number[],
  c: readonly number[],
): {
  readonly h: number[];
  readonly c: number[];
  readonly y: number[][];
} {
  const hNext = times(a, [...x, ...h]).map(Math.tanh);
  const cNext = times(b, [...z, ...hNext]).map((value, i) => c[i] * 0.5 + Math.tanh(value));
  return {
    h: hNext,
    c: cNext,
    y: [hNext, hNext.map((value) => value * cNext[0]), [cNext.reduce((sum, value) => sum + value, 0)]],
  };
}

interface Setting {
  readonly steps: number;
  readonly lengths?: readonly number[];
  readonly resets?: Matrix;
  readonly reverse?: boolean;
  readonly batch: number;
}

/** The loop row by row, in plain numbers: what `scan` must give. */
function byHand(
  weights: readonly Tensor[],
  xs: Pair,
  states: Pair,
  { steps, lengths, resets, reverse = false, batch }: Setting,
): number[][] {
  const [x, z] = xs.map((t) => t.toArray() as number[][][]);
  const [h0, c0] = states.map((t) => t.toArray() as number[][]);
  const matrices = weights.map((w) => w.toArray() as number[][]);
  const outputs = [widths.h, widths.h, 1].map((width) =>
    Array.from({ length: steps }, () => Array.from({ length: batch }, () => Array.from({ length: width }, () => 0))),
  );
  const last: [number[][], number[][]] = [[], []];
  for (let row = 0; row < batch; row++) {
    const length = lengths?.[row] ?? steps;
    let [h, c] = [h0[row], c0[row]];
    for (let n = 0; n < length; n++) {
      const t = reverse ? length - 1 - n : n;
      if (resets !== undefined && resets[t][row] !== 0) [h, c] = [h0[row], c0[row]];
      const next = plainStep(matrices, x[t][row], z[t][row], h, c);
      [h, c] = [next.h, next.c];
      next.y.forEach((y, i) => (outputs[i][t][row] = y));
    }
    last[0].push(h);
    last[1].push(c);
  }
  return [...outputs.map((values) => values.flat(2)), ...last.map((values) => values.flat())];
}

const settings: Record<string, Setting> = {
  'all steps': { steps: 4, batch: 3 },
  'one step': { steps: 1, batch: 2 },
  'one row': { steps: 3, batch: 1 },
  reverse: { steps: 4, batch: 3, reverse: true },
  lengths: { steps: 4, batch: 4, lengths: [4, 0, 1, 3] },
  'all lengths below the number of steps': { steps: 5, batch: 2, lengths: [2, 3] },
  'all lengths equal': { steps: 3, batch: 2, lengths: [3, 3] },
  'all lengths 0': { steps: 3, batch: 2, lengths: [0, 0] },
  'all lengths 0 in reverse': { steps: 3, batch: 2, lengths: [0, 0], reverse: true },
  'lengths in reverse': { steps: 4, batch: 4, lengths: [4, 0, 1, 3], reverse: true },
  resets: {
    steps: 4,
    batch: 2,
    resets: [
      [0, 1],
      [1, 0],
      [0, 0],
      [0, 1],
    ],
  },
  'resets in reverse': {
    steps: 4,
    batch: 2,
    resets: [
      [0, 1],
      [1, 0],
      [0, 0],
      [0, 1],
    ],
    reverse: true,
  },
  'resets and lengths': {
    steps: 4,
    batch: 3,
    lengths: [4, 2, 0],
    resets: [
      [0, 1, 1],
      [1, 1, 0],
      [0, 1, 0],
      [0, 1, 1],
    ],
  },
  'resets and lengths in reverse': {
    steps: 4,
    batch: 3,
    lengths: [4, 2, 0],
    resets: [
      [0, 1, 1],
      [1, 1, 0],
      [0, 1, 0],
      [0, 1, 1],
    ],
    reverse: true,
  },
};

interface Materials {
  readonly weights: Tensor[];
  readonly xs: Pair;
  readonly states: Pair;
}

function materials({ steps, batch }: Setting, seed = 1): Materials {
  const draw = draws(seed);
  return {
    weights: weightShapes.map(draw),
    xs: [draw([steps, batch, widths.x]), draw([steps, batch, widths.z])],
    states: [draw([batch, widths.h]), draw([batch, widths.c])],
  };
}

const optionsOf = ({ lengths, resets, reverse }: Setting): ScanOptions => ({ lengths, resets, reverse });

describe.each([
  { mode: 'compiled', readsNumbers: false },
  { mode: 'by single operations', readsNumbers: true },
])('$mode', ({ readsNumbers }) => {
  beforeEach(() => void setCompileMode(readsNumbers ? 'auto' : 'required'));
  const expectAsByHand = (setting: Setting, seed?: number): void => {
    const { weights, xs, states } = materials(setting, seed);
    const [ys, last] = scan(stepOf(weights, readsNumbers), xs, states, optionsOf(setting));
    const expected = byHand(weights, xs, states, setting);
    [...ys, ...last].forEach((result, i) => {
      expect(result.size).toBe(expected[i].length);
      result.dataSync().forEach((value, e) => expect(value).toBeCloseTo(expected[i][e], 12));
    });
  };

  test('runs in the mode that it is to test', () => {
    const { weights, xs, states } = materials(settings.lengths);
    const { mode, reason } = explain(stepOf(weights, readsNumbers), xs, states);
    expect(mode, reason).toBe(readsNumbers ? 'eager' : 'compiled');
  });

  test.each(Object.entries(settings))('%s: gives what a loop by hand gives', (_, setting) => {
    expectAsByHand(setting);
  });

  test('random settings: gives what a loop by hand gives', () => {
    const arbitrary = fc
      .record({ steps: fc.integer({ min: 1, max: 6 }), batch: fc.integer({ min: 1, max: 4 }) })
      .chain(({ steps, batch }) =>
        fc.record({
          steps: fc.constant(steps),
          batch: fc.constant(batch),
          lengths: fc.option(fc.array(fc.nat(steps), { minLength: batch, maxLength: batch }), { nil: undefined }),
          resets: fc.option(
            fc.array(fc.array(fc.nat(1), { minLength: batch, maxLength: batch }), {
              minLength: steps,
              maxLength: steps,
            }),
            { nil: undefined },
          ),
          reverse: fc.boolean(),
        }),
      );
    fc.assert(
      fc.property(arbitrary, fc.nat(1000), (setting, seed) => expectAsByHand(setting, seed)),
      { numRuns: 60, seed: 1 },
    );
  });

  test.each(Object.entries(settings))('%s: has the derivatives of central differences', (_, setting) => {
    const { weights, xs, states } = materials(setting);
    const run = (a: Tensor, b: Tensor, x: Tensor, z: Tensor, h: Tensor, c: Tensor): Tensor[] => {
      const [ys, last] = scan(stepOf([a, b], readsNumbers), [x, z] as const, [h, c] as const, optionsOf(setting));
      return [...ys, ...last];
    };
    expect(gradcheck(run, [...weights, ...xs, ...states])).toBe(true);
  });

  test.each([false, true])(
    'what stands in the padding changes no bit of results and gradients (reverse: %s)',
    (reverse) => {
      const setting: Setting = { steps: 5, batch: 4, lengths: [5, 0, 1, 3], reverse };
      const outcomes = [0, 1e300, Infinity, NaN].map((filling) => {
        const { weights, xs, states } = materials(setting);
        const filled = xs.map((x) => {
          const values = x.dataSync();
          const width = x.shape[2];
          values.forEach((_, i) => {
            const [t, row] = [Math.floor(i / width / setting.batch), Math.floor(i / width) % setting.batch];
            if (t >= (setting.lengths?.[row] ?? 0)) values[i] = filling;
          });
          return fromData(values, x.shape);
        });
        const leaves = [...weights, ...filled, ...states];
        for (const leaf of leaves) leaf.requiresGrad = true;
        const [ys, last] = scan(
          stepOf(weights, readsNumbers),
          [filled[0], filled[1]] as const,
          states,
          optionsOf(setting),
        );
        const results = [...ys, ...last];
        results
          .map((y) => y.square().sum())
          .reduce((a, b) => a.add(b))
          .backward();
        return [...results, ...leaves.map((leaf) => leaf.grad as Tensor)].map((x) =>
          [...x.dataSync()].map((value) => (Object.is(value, -0) ? '-0' : value)),
        );
      });
      for (const outcome of outcomes.slice(1)) expect(outcome).toEqual(outcomes[0]);
      expect(outcomes[0].flat().every((value) => Number.isFinite(Number(value)))).toBe(true);
    },
  );

  test.each<[string, Setting]>([
    ['lengths', { steps: 4, batch: 3, lengths: [4, 0, 1] }],
    ['lengths in reverse', { steps: 4, batch: 3, lengths: [4, 0, 1], reverse: true }],
    ['all lengths 0', { steps: 2, batch: 2, lengths: [0, 0] }],
    [
      'resets',
      {
        steps: 3,
        batch: 2,
        lengths: [3, 1],
        resets: [
          [0, 0],
          [1, 0],
          [0, 0],
        ],
      },
    ],
  ])('%s: functions with a pole at zero make no NaN of the padding', (_, setting) => {
    const { steps, batch, lengths = [] } = setting;
    const draw = draws(3);
    const positive = (shape: Shape): Tensor => draw(shape).abs().add(0.5).detach();
    const [w, v, h] = [draw([2, 2]), draw([2, 2]), positive([batch, 2])];
    const valid = positive([steps, batch, 2]);
    const apply = (w: Tensor, v: Tensor, x: Tensor, h: Tensor): [Tensor, Tensor] => {
      const step = (xt: Tensor, ht: Tensor) => {
        if (readsNumbers) xt.dataSync();
        const input = linear(
          xt
            .log()
            .add(xt.reciprocal())
            .add(xt.div(xt.square().sum(-1, true).sqrt())),
          v,
        );
        const next = linear(ht.reciprocal(), w).add(input).tanh().abs().add(0.5);
        return [next.pow(-0.5).log(), next] as const;
      };
      return scan(step, x, h, optionsOf(setting));
    };
    const run = (filling: number): number[][] => {
      const values = valid.dataSync();
      values.forEach((_, i) => {
        if (Math.floor(i / 2 / batch) >= lengths[Math.floor(i / 2) % batch]) values[i] = filling;
      });
      const leaves = [w, v, fromData(values, [steps, batch, 2]), h].map((t) => t.detach()) as [
        Tensor,
        Tensor,
        Tensor,
        Tensor,
      ];
      for (const leaf of leaves) leaf.requiresGrad = true;
      const [ys, last] = apply(...leaves);
      ys.square().sum().add(last.sum()).backward();
      return [ys, last, ...leaves.map((leaf) => leaf.grad as Tensor)].map((t) => Array.from(t.dataSync()));
    };
    const expected = run(0);
    expect(expected.flat().every(Number.isFinite)).toBe(true);
    for (const filling of [1, NaN]) expect(run(filling)).toEqual(expected);
    expect(gradcheck(apply, [w, v, valid, h])).toBe(true);
  });

  test('gradients of padded steps are zero, and so are the outputs there', () => {
    const setting: Setting = { steps: 3, batch: 2, lengths: [1, 3] };
    const { weights, xs, states } = materials(setting);
    for (const x of xs) x.requiresGrad = true;
    const [ys] = scan(stepOf(weights, readsNumbers), xs, states, optionsOf(setting));
    ys.map((y) => y.sum())
      .reduce((a, b) => a.add(b))
      .backward();
    for (const x of [...ys, ...xs.map((x) => x.grad as Tensor)]) {
      expect([...x.narrow(0, 1, 2).select(1, 0).dataSync()].every((value) => value === 0)).toBe(true);
    }
  });

  test('lengths come as a list, a typed array or a tensor; resets as lists or a tensor', () => {
    const setting = settings['resets and lengths'];
    const { weights, xs, states } = materials(setting);
    const numbers = (options: ScanOptions): unknown =>
      scan(stepOf(weights, readsNumbers), xs, states, options)
        .flat()
        .map((y) => y.toArray());
    const expected = numbers(optionsOf(setting));
    const lengths = setting.lengths as number[];
    expect(numbers({ ...optionsOf(setting), lengths: Int32Array.from(lengths) })).toEqual(expected);
    expect(numbers({ ...optionsOf(setting), lengths: tensor(lengths, { dtype: 'int32' }) })).toEqual(expected);
    expect(
      numbers({ ...optionsOf(setting), lengths: tensor(lengths), resets: tensor(setting.resets as number[][]) }),
    ).toEqual(expected);
  });

  test('a sequence without a batch', () => {
    const { weights, xs, states } = materials({ steps: 4, batch: 1 });
    const single = scan(
      stepOf(weights, readsNumbers),
      [xs[0].squeeze(1), xs[1].squeeze(1)] as const,
      [states[0].squeeze(0), states[1].squeeze(0)] as const,
    );
    const batched = scan(stepOf(weights, readsNumbers), xs, states);
    expect(single.flat().map((y) => y.shape)).toEqual([[4, 2], [4, 2], [4, 1], [2], [4]]);
    single
      .flat()
      .forEach((y, i) =>
        y.dataSync().forEach((value, e) => expect(value).toBeCloseTo(batched.flat()[i].dataSync()[e], 14)),
      );
  });

  test('a sequence of single numbers', () => {
    const step: Step<Tensor, Tensor, Tensor> = (x, h) => {
      if (readsNumbers) x.dataSync();
      const next = h.mul(0.5).add(x);
      return [next, next];
    };
    const [ys, last] = scan(step, tensor([1, 2, 3]), tensor(0));
    expect([ys.toArray(), last.toArray()]).toEqual([[1, 2.5, 4.25], 4.25]);
  });

  test('leaves nothing behind but its results, and nothing at all after an error', () => {
    const { weights, xs, states } = materials(settings.lengths);
    const step = stepOf(weights, readsNumbers);
    const before = backend.memory().storages;
    const [ys, last] = scan(step, xs, states, optionsOf(settings.lengths));
    expect(backend.memory().storages).toBe(before + 5);
    for (const y of [...ys, ...last]) y.dispose();
    expect(backend.memory().storages).toBe(before);
    let calls = 0;
    const broken: typeof step = (x, s) => {
      if (++calls > 2) throw new RangeError('in the step');
      if (readsNumbers) x[0].dataSync();
      return step(x, s, {});
    };
    weights[0].requiresGrad = true;
    if (readsNumbers) expect(() => scan(broken, xs, states)).toThrow(new RangeError('in the step'));
    else
      scan(broken, xs, states)
        .flat()
        .forEach((y) => y.dispose());
    expect(backend.memory().storages).toBe(before);
  });

  test('leaves its arguments alone', () => {
    const { weights, xs, states } = materials(settings.lengths);
    const results = scan(stepOf(weights, readsNumbers), xs, states, { lengths: [0, 0, 0, 0] });
    for (const y of results.flat()) y.dispose();
    expect([...weights, ...xs, ...states].every((x) => !x.isDisposed)).toBe(true);
  });

  test('is recorded only where a gradient is wanted', () => {
    const { weights, xs, states } = materials(settings.lengths);
    const isRecorded = (): boolean =>
      scan(stepOf(weights, readsNumbers), xs, states)
        .flat()
        .some((y) => y.requiresGrad);
    expect(isRecorded()).toBe(false);
    weights[1].requiresGrad = true;
    expect(isRecorded()).toBe(true);
    expect(noGrad(isRecorded)).toBe(false);
    expect(scan(stepOf(weights, readsNumbers), xs, states, { lengths: [0, 0, 0, 0] })[0][1].requiresGrad).toBe(true);
  });
});

test('a number as a tensor has its type in a compiled step too', () => {
  const dtype = 'float64';
  const step: Step<Tensor, Tensor, Tensor> = (x, h) => {
    const next = x.mul(tensor(0.1, { dtype })).add(h);
    return [next, next];
  };
  const [x, h] = [tensor([[[1]], [[2]]], { dtype }), zeros([1, 1], { dtype })];
  expect(explain(step, x, h).mode).toBe('compiled');
  expect(scan(step, x, h)[0].toArray()).toEqual([[[0.1]], [[2 * 0.1 + 0.1]]]);
});

describe('a step that does more than computing is run by single operations', () => {
  beforeEach(() => void setCompileMode('auto'));
  let calls = 0;
  test.each<[reason: string, deed: (y: Tensor) => unknown]>([
    ['registers a hook, which is to be called at every step', (y) => y.registerHook(() => void calls++)],
    ['keeps the gradient of an inner value (retainGrad)', (y) => y.retainGrad()],
    ['calls backward, which changes gradients', (y) => y.sum().backward(undefined, { retainGraph: true })],
  ])('the step %s', (reason, deed) => {
    const w = zeros([4], { requiresGrad: true });
    const step: Step<Tensor, Tensor, Tensor> = (x, h) => {
      const y = x.add(h).add(w);
      deed(y);
      return [y, y];
    };
    const [x, h] = [zeros([3, 2, 4]), zeros([2, 4])];
    expect(explain(step, x, h).reason).toContain(`the step ${reason}`);
    const [ys] = scan(step, x, h);
    calls = 0;
    ys.sum().backward();
    expect(calls).toBe(reason.startsWith('registers') ? 3 : 0);
  });
});

test('the first run for which a gradient is wanted, and only that of the state, is recorded', () => {
  const step: Step<Tensor, Tensor, Tensor> = (x, h) => {
    const next = x.add(h).mul(0.3);
    return [next, next];
  };
  const [x, h] = [zeros([3, 2, 4]), zeros([2, 4])];
  expect(scan(step, x, h)[0].requiresGrad).toBe(false);
  h.requiresGrad = true;
  scan(step, x, h)[1].sum().backward();
  expect(h.grad?.sum().item()).toBeCloseTo(8 * 0.3 ** 3, 6);
});

describe('refusals', () => {
  const step: Step<Tensor, Tensor, Tensor> = (x, h) => [x, h];
  const [x, h] = [(): Tensor => zeros([3, 2, 4]), (): Tensor => zeros([2, 4])];
  const cases: [message: string, argument: string, code: string, call: () => unknown][] = [
    [
      'scan: lengths has length 1, expected 2, one for each row of the batch',
      'lengths',
      'ERR_SHAPE',
      () => scan(step, x(), h(), { lengths: [3] }),
    ],
    [
      'scan: lengths[1] is 4, expected a whole number from 0 to 3',
      'lengths[1]',
      'ERR_ARGUMENT',
      () => scan(step, x(), h(), { lengths: [3, 4] }),
    ],
    [
      'scan: lengths[0] is -1, expected a whole number from 0 to 3',
      'lengths[0]',
      'ERR_ARGUMENT',
      () => scan(step, x(), h(), { lengths: [-1, 2] }),
    ],
    [
      'scan: lengths[0] is 1.5, expected a whole number from 0 to 3',
      'lengths[0]',
      'ERR_ARGUMENT',
      () => scan(step, x(), h(), { lengths: [1.5, 2] }),
    ],
    [
      'scan: lengths[1] is NaN, expected a whole number from 0 to 3',
      'lengths[1]',
      'ERR_ARGUMENT',
      () => scan(step, x(), h(), { lengths: [1, NaN] }),
    ],
    [
      'scan: xs has shape [0, 2, 4], expected at least one step, row and feature',
      'xs',
      'ERR_SHAPE',
      () => scan(step, zeros([0, 2, 4]), h()),
    ],
    [
      'scan: xs has shape [3, 0, 4], expected at least one step, row and feature',
      'xs',
      'ERR_SHAPE',
      () => scan(step, zeros([3, 0, 4]), zeros([0, 4]), { lengths: [] }),
    ],
    [
      'scan: state has shape [0, 4], expected at least one step, row and feature',
      'state',
      'ERR_SHAPE',
      () => scan(step, x(), zeros([0, 4])),
    ],
    [
      'scan: xs is an empty array, expected [T, B, ...] or a list of such',
      'xs',
      'ERR_SHAPE',
      () => scan((_: readonly Tensor[], s: Tensor) => [s, s], [], h()),
    ],
    [
      'scan: xs has shape [], expected [T, B, ...] or a list of such',
      'xs',
      'ERR_SHAPE',
      () => scan(step, tensor(1), h()),
    ],
    [
      'scan: xs has shapes [3, 2, 4] and [2, 2, 4], expected the same number of steps in front',
      'xs',
      'ERR_SHAPE',
      () => scan((_: Pair, s: Tensor) => [s, s], [x(), zeros([2, 2, 4])] as const, h()),
    ],
    [
      'scan: xs has shape [3], expected [T, B, ...] with one batch size, as lengths and resets speak of rows',
      'xs',
      'ERR_SHAPE',
      () => scan(step, tensor([1, 2, 3]), tensor(0), { lengths: [1] }),
    ],
    [
      'scan: state has shape [3, 4], expected [B, ...] with one batch size, here 2, as lengths and resets speak of rows',
      'state',
      'ERR_SHAPE',
      () => scan(step, x(), zeros([3, 4]), { lengths: [1, 2] }),
    ],
    [
      'scan: resets has shape [2, 3], expected [3, 2]',
      'resets',
      'ERR_SHAPE',
      () => scan(step, x(), h(), { resets: zeros([2, 3]) }),
    ],
    [
      'scan: resets[1] has shape [1], expected [2]',
      'resets[1]',
      'ERR_SHAPE',
      () => scan(step, x(), h(), { resets: [[0, 0], [0], [0, 0]] }),
    ],
    [
      'scan: xs[0] is 1, expected a Tensor; make one with tensor(...)',
      'xs[0]',
      'ERR_ARGUMENT',
      () => scan((_: readonly Tensor[], s: Tensor) => [s, s], [1 as unknown as Tensor], h()),
    ],
    [
      "scan: xs is 'x', expected a Tensor; make one with tensor(...)",
      'xs',
      'ERR_ARGUMENT',
      () => scan(step, 'x' as unknown as Tensor, h()),
    ],
    [
      'scan: the state of step has shape [2], expected [2, 4], as before the step',
      'step',
      'ERR_SHAPE',
      () => scan((x: Tensor, h: Tensor) => [x, h.sum(1)], x(), h()),
    ],
    [
      'scan: an output (or a value to record) of step has shape [4], expected [2, ...], as lengths speak of rows',
      'step',
      'ERR_SHAPE',
      () => scan((x: Tensor, h: Tensor) => [x.select(0, 0), h], x(), h(), { lengths: [3, 1], compile: 'auto' }),
    ],
    [
      "scan: step is 'tanh', expected a function of input, state and parameters",
      'step',
      'ERR_ARGUMENT',
      () => scan('tanh' as unknown as typeof step, x(), h()),
    ],
    [
      'scan: parameters is 3, expected an object',
      'parameters',
      'ERR_ARGUMENT',
      () => scan(step, x(), h(), { parameters: 3 as unknown as object }),
    ],
    ...[
      [(): unknown => undefined, 'undefined'] as const,
      [(x: Tensor): unknown => x, 'a tensor'] as const,
      [(x: Tensor): unknown => [x], '[a tensor]'] as const,
      [(x: Tensor, h: Tensor): unknown => [x, [h, 1]], '[a tensor, [a tensor, 1]]'] as const,
    ].map(([wrong, told]): (typeof cases)[number] => [
      `scan: the result of step is ${told}, expected [output, state], each a tensor, or lists and objects of tensors${told === 'undefined' ? '; return them' : ''}`,
      'step',
      'ERR_ARGUMENT',
      () => scan(wrong as typeof step, x(), h()),
    ]),
  ];

  test.each(cases)('%s', (message, argument, code, call) => {
    expect(call).toThrow(expect.objectContaining({ code, argument, message }));
  });

  test('tensors of two backends', async () => {
    const elsewhere = zeros([2, 4], { backend: await cpu() });
    const before = backend.memory();
    expect(() =>
      scan(
        (x: Tensor, h: Tensor) => {
          const y = x.add(h);
          return [y, y];
        },
        x(),
        elsewhere,
      ),
    ).toThrow(expect.objectContaining({ code: 'ERR_MIXED_BACKENDS' }));
    expect(backend.memory().storages).toBe(before.storages + 1); // the sequence made for the call
  });

  test('a disposed sequence', () => {
    const gone = x();
    gone.dispose();
    expect(() => scan(step, gone, h())).toThrow(expect.objectContaining({ code: 'ERR_DISPOSED' }));
  });

  test('checkLengths serves others under their own name', () => {
    expect(checkLengths('LSTM', [1, 2], 2, 2)).toEqual([1, 2]);
    expect(() => checkLengths('LSTM', [3], 1, 2)).toThrow('LSTM: lengths[0] is 3, expected a whole number from 0 to 2');
  });
});
