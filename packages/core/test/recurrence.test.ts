import { cpu } from '@rnn/backend-cpu';
import { beforeAll, describe, expect, test } from 'vitest';
import * as rnn from '../src/index.js';
import {
  concat,
  explain,
  linear,
  manualSeed,
  mul,
  noGrad,
  ones,
  randint,
  randn,
  scan,
  scope,
  setBackend,
  sigmoid,
  softmax,
  sub,
  sum,
  tanh,
  type Tensor,
  where,
  zeros,
} from '../src/index.js';
import type { Backend, ScanOptions, Step } from '../src/index.js';
import { runEagerly } from '../src/scan/eager.js';
import { checkScan } from '../src/scan/arguments.js';
import { TreeForm, type Tree } from '../src/tree.js';

type States = readonly Tensor[];
interface Case {
  readonly name: string;
  readonly widths: readonly number[];
  readonly inputs: readonly number[];
  readonly parameters: readonly (readonly number[])[];
  readonly step: (p: readonly Tensor[]) => Step<readonly Tensor[], States, readonly Tensor[]>;
  readonly products?: { before: number; loop: number; after: number };
}

const H = 5;
const I = 3;
const layerNorm = (x: Tensor): Tensor => {
  const centred = x.sub(x.mean(-1, true));
  return centred.div(centred.square().mean(-1, true).add(1e-5).sqrt());
};

const cases: Case[] = [
  {
    name: 'rnn',
    widths: [H],
    inputs: [I],
    parameters: [[H, I], [H, H], [H], [H]],
    step:
      ([wx, wh, bx, bh]) =>
      ([x], [h]) => {
        const next = tanh(linear(x, wx, bx).add(linear(h, wh, bh)));
        return [[next], [next]];
      },
    products: { before: 1, loop: 1, after: 0 },
  },
  {
    name: 'lstm',
    widths: [H, H],
    inputs: [I],
    parameters: [[4 * H, I], [4 * H, H], [4 * H], [4 * H]],
    step:
      ([wx, wh, bx, bh]) =>
      ([x], [h, c]) => {
        const [i, f, g, o] = linear(x, wx, bx)
          .add(linear(h, wh, bh))
          .chunk(4, -1);
        const cell = sigmoid(f)
          .mul(c)
          .add(sigmoid(i).mul(tanh(g)));
        const next = sigmoid(o).mul(tanh(cell));
        return [[next], [next, cell]];
      },
    products: { before: 1, loop: 1, after: 0 },
  },
  {
    name: 'gru, reset after the product',
    widths: [H],
    inputs: [I],
    parameters: [[3 * H, I], [3 * H, H], [3 * H], [3 * H]],
    step:
      ([wx, wh, bx, bh]) =>
      ([x], [h]) => {
        const [xr, xz, xn] = linear(x, wx, bx).chunk(3, -1);
        const [hr, hz, hn] = linear(h, wh, bh).chunk(3, -1);
        const r = sigmoid(xr.add(hr));
        const z = sigmoid(xz.add(hz));
        const n = tanh(xn.add(r.mul(hn)));
        const next = sub(1, z).mul(n).add(z.mul(h));
        return [[next], [next]];
      },
    products: { before: 1, loop: 1, after: 0 },
  },
  {
    name: 'gru, reset before the product',
    widths: [H],
    inputs: [I],
    parameters: [[3 * H, I], [2 * H, H], [H, H], [3 * H]],
    step:
      ([wx, wrz, wn, b]) =>
      ([x], [h]) => {
        const [xr, xz, xn] = linear(x, wx, b).chunk(3, -1);
        const [hr, hz] = linear(h, wrz).chunk(2, -1);
        const r = sigmoid(xr.add(hr));
        const z = sigmoid(xz.add(hz));
        const next = sub(1, z)
          .mul(tanh(xn.add(linear(r.mul(h), wn))))
          .add(z.mul(h));
        return [[next], [next]];
      },
    products: { before: 1, loop: 2, after: 0 },
  },
  {
    name: 'layer-normalised lstm with peepholes',
    widths: [H, H],
    inputs: [I],
    parameters: [[4 * H, I], [4 * H, H], [4 * H], [H], [H], [4 * H]],
    step:
      ([wx, wh, b, pi, po, gain]) =>
      ([x], [h, c]) => {
        const [i, f, g, o] = layerNorm(linear(x, wx))
          .mul(gain)
          .add(layerNorm(linear(h, wh)))
          .add(b)
          .chunk(4, -1);
        const cell = sigmoid(f)
          .mul(c)
          .add(sigmoid(i.add(pi.mul(c))).mul(tanh(g)));
        const next = sigmoid(o.add(po.mul(cell))).mul(tanh(layerNorm(cell)));
        return [[next], [next, cell]];
      },
    products: { before: 1, loop: 1, after: 0 },
  },
  {
    name: 'three states of different widths, a head, a product of a concatenation',
    widths: [H, 2, 3],
    inputs: [I],
    parameters: [
      [H, I + H],
      [2, H],
      [3, 5],
      [4, H],
    ],
    step:
      ([w, v, u, head]) =>
      ([x], [h, a, s]) => {
        const next = tanh(linear(concat([x, h], -1), w));
        const b = a.mul(0.5).add(linear(next, v));
        const t = softmax(linear(concat([b, s], -1), u), -1);
        return [
          [linear(next, head), t],
          [next, b, t],
        ];
      },
    products: { before: 1, loop: 3, after: 1 },
  },
  {
    name: 'select, abs, maximum, clamp and a second input',
    widths: [H],
    inputs: [I, H],
    parameters: [
      [H, I],
      [H, H],
    ],
    step:
      ([wx, wh]) =>
      ([x, m], [h]) => {
        const z = linear(x, wx).add(linear(h, wh));
        const next = where(z.gt(0), z.abs().clamp(0, 0.8), z.mul(0.3).maximum(m)).mul(m);
        return [[next.square()], [next]];
      },
  },
  {
    name: 'weights changed on the way, a scalar, features flipped',
    widths: [H],
    inputs: [I],
    parameters: [[I, H], [H, H], [1]],
    step:
      ([wx, wh, s]) =>
      ([x], [h]) => {
        const next = tanh(
          x
            .matmul(wx)
            .add(h.matmul(wh.t().softmax(0)))
            .mul(s),
        ).flip(-1);
        return [[next.sum(-1, true), next], [next]];
      },
  },
];

const T = 6;
const B = 4;
const options: Record<string, ScanOptions> = {
  plain: {},
  reverse: { reverse: true },
  lengths: { lengths: [6, 0, 3, 1] },
  'lengths in reverse': { lengths: [2, 0, 6, 5], reverse: true },
  resets: {
    resets: [
      [0, 1, 0, 0],
      [0, 0, 0, 0],
      [1, 0, 0, 0],
      [0, 1, 0, 0],
      [1, 0, 0, 1],
      [0, 0, 0, 0],
    ],
  },
  'resets and lengths in reverse': {
    lengths: [6, 4, 3, 0],
    reverse: true,
    resets: [
      [0, 0, 1, 0],
      [0, 1, 0, 0],
      [1, 0, 0, 0],
      [0, 1, 0, 0],
      [1, 0, 0, 1],
      [0, 0, 0, 0],
    ],
  },
};

/** The same scan by single operations. */
function eagerly<X extends Tree, S extends Tree, Y extends Tree>(
  step: (x: X, state: S, parameters: object) => readonly [Y, S],
  xs: X,
  state: S,
  options: ScanOptions = {},
): [Y, S] {
  const formOf = (tree: Tree): TreeForm => TreeForm.of(tree) as TreeForm;
  const leavesOf = (tree: Tree): readonly Tensor[] => formOf(tree).leavesOf(tree) as readonly Tensor[];
  const [inputs, states] = [leavesOf(xs), leavesOf(state)];
  const { outputs, last, form } = runEagerly({
    step: (x, s) => {
      const [y, next] = step(formOf(xs).filled(x) as X, formOf(state).filled(s) as S, {});
      return { outputs: leavesOf(y), next: leavesOf(next), form: formOf(y) };
    },
    inputs,
    states,
    extent: checkScan(inputs, states, options),
    reverse: options.reverse === true,
  });
  return [form.filled(outputs) as Y, formOf(state).filled(last) as S];
}

/** Results and all gradients of one run, as numbers. */
type Run = (
  step: (x: readonly Tensor[], state: States, parameters: object) => readonly [readonly Tensor[], States],
  xs: States,
  state: States,
  options: ScanOptions,
) => [States, States];

function outcome(run: Run, { step, widths, inputs, parameters }: Case, scanOptions: ScanOptions): number[][] {
  manualSeed(1);
  const leaf = (shape: readonly number[]): Tensor => randn(shape, { dtype: 'float64', requiresGrad: true });
  const p = parameters.map(leaf);
  const xs = inputs.map((width) => leaf([T, B, width]));
  const s = widths.map((width) => leaf([B, width]));
  const [ys, last] = run(step(p), xs, s, scanOptions);
  const loss = [...ys, ...last]
    .map((y) => sum(mul(y, randn(y.shape, { dtype: 'float64' }))))
    .reduce((a, b) => a.add(b));
  loss.backward();
  return [...ys, ...last, ...[...p, ...xs, ...s].map((t) => t.grad ?? zeros(t.shape))].map((t) =>
    Array.from(t.dataSync()),
  );
}

/** One backend that compiles programs, and the same without: there core runs them by primitives. */
let backends: Record<'compiled' | 'by primitives', Backend>;

beforeAll(async () => {
  const backend = await cpu();
  backends = {
    compiled: backend,
    'by primitives': Object.create(backend, { compile: { value: undefined } }) as Backend,
  };
  setBackend(backend);
});

describe.each(cases)('$name', (kase) => {
  test('is compiled', () => {
    const p = kase.parameters.map((shape) => randn(shape));
    const why = explain(
      kase.step(p),
      kase.inputs.map((w) => ones([T, B, w])),
      kase.widths.map((w) => ones([B, w])),
    );
    expect(why.reason).toBeUndefined();
    if (kase.products !== undefined) expect(why.products).toEqual(kase.products);
  });

  test.each(Object.entries(options))('%s: programs give what single operations give', (_, scanOptions) => {
    const eager = outcome(eagerly, kase, scanOptions);
    for (const [name, backend] of Object.entries(backends)) {
      setBackend(backend);
      const found = scope(() => outcome(scan<States, States, States>, kase, scanOptions));
      found.forEach((values, i) =>
        values.forEach((value, j) => expect(value, `${name}, result ${i}, element ${j}`).toBeCloseTo(eager[i][j], 10)),
      );
    }
    setBackend(backends.compiled);
  });

  test('leaves no storage behind', () => {
    const before = backends.compiled.memory().storages;
    for (const backend of Object.values(backends)) {
      setBackend(backend);
      for (const scanOptions of Object.values(options))
        scope(() => outcome(scan<States, States, States>, kase, scanOptions));
    }
    setBackend(backends.compiled);
    expect(backends.compiled.memory().storages).toBe(before);
  });
});

test('a step on single vectors, with the weight on the left', () => {
  const run = (compiled: boolean): number[][] => {
    manualSeed(2);
    const leaf = (shape: readonly number[]): Tensor => randn(shape, { dtype: 'float64', requiresGrad: true });
    const [wh, wx, b, x, h0] = [leaf([2, 2]), leaf([2, 3]), leaf([2]), leaf([5, 3]), leaf([2])];
    const step: Step<Tensor, Tensor, Tensor> = (x, h) => {
      const next = tanh(wh.matmul(h).add(wx.matmul(x)).add(b));
      return [next, next];
    };
    if (compiled) expect(explain(step, x, h0).text).toContain('for each step');
    const [ys, last] = compiled ? scan(step, x, h0) : eagerly(step, x, h0);
    ys.square().sum().add(last.sum()).backward();
    return [ys, last, ...[wh, wx, b, x, h0].map((t) => t.grad as Tensor)].map((t) => Array.from(t.dataSync()));
  };
  const eager = run(false);
  run(true).forEach((values, i) => values.forEach((value, j) => expect(value).toBeCloseTo(eager[i][j], 12)));
});

test('second derivatives go through single operations', () => {
  rnn.gradgradcheck(
    (x, h, w) => {
      const [ys] = scan(
        (xt: Tensor, ht: Tensor) => {
          const next = tanh(xt.add(ht.matmul(w)));
          return [next, next] as const;
        },
        x,
        h,
      );
      return ys;
    },
    [randn([3, 2, 2], { dtype: 'float64' }), randn([2, 2], { dtype: 'float64' }), randn([2, 2], { dtype: 'float64' })],
  );
});

type PlainStep = Step<Tensor, Tensor, Tensor>;

function expectSameAsEager(step: PlainStep, options: ScanOptions = {}): void {
  const x = randn([T, B, H]);
  const h = randn([B, H]);
  manualSeed(3);
  const [ys, last] = scan(step, x, h, { compile: 'auto', ...options });
  manualSeed(3);
  const [ys2, last2] = eagerly(step, x, h, options);
  expect(ys.toArray()).toEqual(ys2.toArray());
  expect(last.toArray()).toEqual(last2.toArray());
}

test('the reason is said once, in the shapes that the caller knows', () => {
  const mistaken: PlainStep = (x, h) => [x, linear(h, zeros([H, H + 1]))];
  expect(explain(mistaken, randn([T, B, H]), randn([B, H]), { resets: zeros([T, B]) }).reason).toMatch(/\[4, \d\]/);
  const reading: PlainStep = (x, h) => [x, h.add(x.sum().item())];
  expect(explain(reading, randn([T, B, H]), randn([B, H])).reason).toMatch(/^[^;]*reads numbers[^;]*$/);
});

test.each<[string, PlainStep, RegExp]>([
  ['reads numbers', (x, h) => [x, h.add(x.sum().item())], /reads numbers/],
  ['draws whole numbers', (x, h) => [x, h.add(randint(0, 9, h.shape).to('float32'))], /draws random numbers/],
  ['converts', (x, h) => [x, h.add(x.to('float64').to('float32'))], /converts float32 to float64/],
])('a step that %s runs eagerly, and says so', (_, step, reason) => {
  expect(explain(step, randn([T, B, H]), randn([B, H])).reason).toMatch(reason);
  expectSameAsEager(step);
});

test.each<[string, PlainStep, RegExp]>([
  ['uses the batch as a number', (x, h) => [x, h.mul(1 / x.shape[0])], /another size of the batch/],
  ['mixes rows', (x, h) => [x, h.add(x.mean(0))], /batch/],
])('a step that %s is compiled only for whole batches', (_, step, reason) => {
  const lengths = [6, 3, 1, 0];
  const [x, h] = [randn([T, B, H]), randn([B, H])];
  expect(explain(step, x, h).mode).toBe('compiled');
  expect(explain(step, x, h, { lengths }).reason).toMatch(reason);
  expectSameAsEager(step);
  expectSameAsEager(step, { lengths });
});

test('a step that ran without recording first is recorded later', () => {
  const w = randn([H, H], { requiresGrad: true });
  const step: PlainStep = (x, h) => {
    const next = tanh(x.add(h.matmul(w)).mul(0.987));
    return [next, next];
  };
  const [x, h] = [randn([T, B, H]), randn([B, H])];
  noGrad(() => scan(step, x, h));
  scan(step, x, h)[1].sum().backward();
  expect(w.grad?.shape).toEqual([H, H]);
});

test('steps that differ in the shape of their output alone keep their shapes', () => {
  const [x, h] = [randn([T, B, H]), randn([B, H])];
  const flat: PlainStep = (x, h) => [x.add(h).mul(0.731), h];
  const folded: PlainStep = (x, h) => [x.add(h).mul(0.731).reshape([x.shape[0], 1, H]), h];
  expect(explain(folded, x, h, { lengths: [T, T, T, T] }).mode).toBe('compiled');
  expect(scan(flat, x, h)[0].shape).toEqual([T, B, H]);
  expect(scan(folded, x, h)[0].shape).toEqual([T, B, 1, H]);
});

test('tensors that share their memory get a gradient each', () => {
  const source = randn([H]);
  const [a, b] = [source.detach(), source.detach()];
  a.requiresGrad = true;
  b.requiresGrad = true;
  const step: PlainStep = (x, h) => {
    const next = tanh(x.mul(a).add(h.mul(b)));
    return [next, next];
  };
  const [x, h] = [randn([T, B, H]), randn([B, H])];
  const modes: ((step: PlainStep, x: Tensor, h: Tensor) => [Tensor, Tensor])[] = [
    scan<Tensor, Tensor, Tensor>,
    eagerly<Tensor, Tensor, Tensor>,
  ];
  const gradients = modes.map((run) => {
    run(step, x, h)[1].sum().backward();
    const found = [a, b].map((t) => t.grad?.toArray());
    for (const t of [a, b]) t.grad = undefined;
    return found;
  });
  expect(gradients[0][1]).toBeDefined();
  gradients[0].forEach((values, i) =>
    (values as number[]).forEach((value, j) => expect(value).toBeCloseTo((gradients[1][i] as number[])[j], 5)),
  );
});

test.each<[string, PlainStep]>([
  [
    'block-diagonal weights',
    (x, h) => {
      const heads = h.reshape([h.shape[0], 3, 1, 1]).matmul(ones([3, 1, 1]));
      return [x, heads.reshape([h.shape[0], 3])];
    },
  ],
  ['two that change', (x, h) => [x, h.add(x.unsqueeze(1).matmul(h.unsqueeze(2)).squeeze(1))]],
])('a product that has an instruction: %s', (_, step) => {
  const [x, h] = [randn([T, B, 3]), randn([B, 3])];
  const { reason, text } = explain(step, x, h, { lengths: [T, T, T, T] });
  expect(reason).toBeUndefined();
  expect(text).toMatch(/= product /);
});

test('one reason is given, and it is the true one: a step that mixes rows', () => {
  const step: PlainStep = (x, h) => [x, h.add(x.matmul(h.t().matmul(x)))];
  const { reason } = explain(step, randn([T, B, H]), randn([B, H]), { lengths: [T, T, T, T] });
  expect(reason).toMatch(/^the step m[^;]*$/);
  expect(reason).not.toMatch(/another size/);
});
