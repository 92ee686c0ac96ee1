import { cpu } from '@rnn/backend-cpu';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  explain,
  gradcheck,
  linear,
  manualSeed,
  noGrad,
  randn,
  scan,
  scope,
  setBackend,
  setCompileMode,
  sigmoid,
  stack,
  tanh,
  tap,
  zeros,
  type Backend,
  type Records,
  type ScanOptions,
  type Tensor,
} from '../src/index.js';

let backend: Backend;
beforeEach(async () => {
  backend = await cpu();
  setBackend(backend);
  manualSeed(1);
});

const f64 = { dtype: 'float64' } as const;

/**
 * A gate that depends on the input alone, one that depends on the state, a sum, and a value freed
 * inside the step.
 */
function stepOf(w: Tensor, readsNumbers: boolean): (x: Tensor, h: Tensor) => readonly [y: Tensor, state: Tensor] {
  return (x, h) => {
    if (readsNumbers) x.dataSync(); // what reads numbers cannot be compiled
    const input = tap('input', sigmoid(x));
    const gate = scope(() => tap('gate', sigmoid(linear(h, w))).mul(1));
    const next = tap('next', tanh(input.add(gate.mul(h))));
    tap('sum', next.sum(-1, true));
    return [next.mul(2), next];
  };
}

const names = ['next', 'input', 'sum', 'gate'];
const width = 3;

describe.each([
  { mode: 'compiled', readsNumbers: false },
  { mode: 'by single operations', readsNumbers: true },
])('$mode', ({ readsNumbers }) => {
  beforeEach(() => void setCompileMode(readsNumbers ? 'auto' : 'required'));
  test('runs in the mode that it is to test', () => {
    const [w, x, h] = [randn([3, 3]), randn([4, 2, 3]), randn([2, 3])];
    expect(explain(stepOf(w, readsNumbers), x, h, { record: names }).mode).toBe(readsNumbers ? 'eager' : 'compiled');
  });

  test('records what the steps compute, zeros past the end of a row', () => {
    const arbitrary = fc
      .record({ steps: fc.integer({ min: 1, max: 5 }), batch: fc.integer({ min: 1, max: 3 }) })
      .chain(({ steps, batch }) =>
        fc.record({
          steps: fc.constant(steps),
          batch: fc.constant(batch),
          reverse: fc.boolean(),
          lengths: fc.array(fc.nat(steps), { minLength: batch, maxLength: batch }),
          record: fc.shuffledSubarray(names),
        }),
      );
    fc.assert(
      fc.property(arbitrary, ({ steps, batch, reverse, lengths, record }) => {
        const [w, x, h0] = [randn([width, width], f64), randn([steps, batch, width], f64), randn([batch, width], f64)];
        const [ys, last, records] = scan(stepOf(w, readsNumbers), x, h0, { reverse, lengths, record });
        expect(Object.keys(records)).toEqual(record);
        const expected: Record<string, number[][][]> = {};
        for (const name of record) {
          const size = name === 'sum' ? 1 : width;
          expected[name] = Array.from({ length: steps }, () =>
            Array.from({ length: batch }, () => Array.from({ length: size }, () => 0)),
          );
        }
        // One row and one step at a time, each a scan of its own.
        for (let row = 0; row < batch; row++) {
          let h = h0.narrow(0, row, 1);
          for (let n = 0; n < lengths[row]; n++) {
            const t = reverse ? lengths[row] - 1 - n : n;
            const input = sigmoid(x.select(0, t).narrow(0, row, 1));
            const gate = sigmoid(linear(h, w));
            h = tanh(input.add(gate.mul(h)));
            const values: Records = { input, gate, next: h, sum: h.sum(-1, true) };
            for (const name of record) expected[name][t][row] = Array.from(values[name].dataSync());
          }
        }
        for (const name of record) {
          expect(records[name].shape).toEqual([steps, batch, name === 'sum' ? 1 : width]);
          const found = records[name].dataSync();
          expected[name].flat(2).forEach((value, i) => expect(found[i]).toBeCloseTo(value, 12));
        }
        const [plain, plainLast] = scan(stepOf(w, readsNumbers), x, h0, { reverse, lengths });
        expect(ys.toArray()).toEqual(plain.toArray());
        expect(last.toArray()).toEqual(plainLast.toArray());
      }),
      { numRuns: 30, seed: 1 },
    );
  });

  test.each<[string, ScanOptions]>([
    ['plain', {}],
    ['lengths in reverse', { lengths: [3, 0, 1], reverse: true }],
    [
      'resets',
      {
        resets: [
          [0, 0, 1],
          [1, 0, 0],
          [0, 1, 0],
        ],
      },
    ],
  ])('%s: gradients flow through records', (_, options) => {
    const run = (w: Tensor, x: Tensor, h: Tensor): Tensor[] => {
      const [ys, last, records] = scan(stepOf(w, readsNumbers), x, h, { ...options, record: names });
      return [ys, last, ...Object.values(records)];
    };
    expect(gradcheck(run, [randn([3, 3], f64), randn([3, 3, 3], f64), randn([3, 3], f64)])).toBe(true);
  });

  test('leaves nothing behind but its results, also after an error', () => {
    const [w, x, h] = [randn([3, 3], { requiresGrad: true }), randn([4, 2, 3]), randn([2, 3])];
    const before = backend.memory().storages;
    const [ys, last, records] = noGrad(() => scan(stepOf(w, readsNumbers), x, h, { record: names }));
    expect(backend.memory().storages).toBe(before + 6);
    for (const t of [ys, last, ...Object.values(records)]) t.dispose();
    expect(() => scan(stepOf(w, readsNumbers), x, h, { record: ['gate', 'gat'] })).toThrow(/gat/);
    expect(backend.memory().storages).toBe(before);
  });

  test('what is no tensor is refused', () => {
    const step = (x: Tensor, h: Tensor) => {
      if (readsNumbers) x.dataSync();
      tap('gate', 3 as unknown as Tensor);
      return [x, h] as const;
    };
    const [x, h] = [randn([4, 2, 3]), randn([2, 3])];
    expect(() => scan(step, x, h, { record: ['gate'] })).toThrow("tap: 'gate' is 3, expected a Tensor");
  });

  test('a name that nobody taps: the error lists those there are', () => {
    const [w, x, h] = [randn([3, 3]), randn([4, 2, 3]), randn([2, 3])];
    expect(() => scan(stepOf(w, readsNumbers), x, h, { record: ['gat'] })).toThrow(
      expect.objectContaining({
        code: 'ERR_ARGUMENT',
        argument: 'record',
        message: "scan: record has the name 'gat', expected one of input, gate, next, sum",
      }),
    );
    const untapped = (x: Tensor, h: Tensor) => [x, readsNumbers ? h.add(x.sum().item()) : h] as const;
    expect(() => scan(untapped, x, h, { record: ['gate'] })).toThrow(
      "scan: record has the name 'gate', expected a name that the step gives a value by tap('name', value)",
    );
  });

  test('a name that comes again gets a number', () => {
    const step = (x: Tensor, h: Tensor) => {
      if (readsNumbers) x.dataSync();
      const next = tap('v', tap('v', tap('v', x).mul(2)).add(h));
      return [next, next] as const;
    };
    const [x, h] = [randn([4, 2, 3]), zeros([2, 3])];
    const [ys, , records] = scan(step, x, h, { record: ['v', 'v_1', 'v_2'] });
    expect(records.v.toArray()).toEqual(x.toArray());
    expect(records.v_1.toArray()).toEqual(x.mul(2).toArray());
    expect(records.v_2.toArray()).toEqual(ys.toArray());
  });

  test('without a batch', () => {
    const [w, x, h] = [randn([3, 3]), randn([4, 3]), randn([3])];
    const [, , { sum }] = scan(stepOf(w, readsNumbers), x, h, { record: ['sum'] });
    const [, , records] = scan(stepOf(w, readsNumbers), x.unsqueeze(1), h.unsqueeze(0), { record: ['sum'] });
    expect(sum.shape).toEqual([4, 1]);
    sum.dataSync().forEach((value, i) => expect(value).toBeCloseTo(records.sum.dataSync()[i], 6));
  });
});

test('outside of a scan a tap gives back the tensor itself', () => {
  const x = randn([2]);
  expect(tap('x', x)).toBe(x);
});

test('taps that nobody asks for leave the programs as they are', () => {
  const [x, h] = [randn([4, 2, 3]), randn([2, 3])];
  const text = (named: (x: Tensor) => Tensor): string =>
    explain((x: Tensor, h: Tensor) => [named(tanh(x.add(h))), named(tanh(x.add(h)))], x, h).text;
  expect(text((value) => tap('next', value))).toBe(text((value) => value));
});

test('an empty list gives an empty object', () => {
  const step = (x: Tensor, h: Tensor) => [x, h.add(tap('x', x))] as const;
  expect(scan(step, randn([4, 2, 3]), zeros([2, 3]), { record: [] })[2]).toEqual({});
});

test('what an inner scan taps is not the outer step’s', () => {
  setCompileMode('auto');
  const inner = (x: Tensor, h: Tensor) => [x, tap('inner', h.add(x))] as const;
  const outer = (x: Tensor, h: Tensor) => {
    x.dataSync();
    const [, next] = scan(inner, x.unsqueeze(0), h);
    return [next, tap('outer', next)] as const;
  };
  const [x, h] = [randn([4, 2, 3]), zeros([2, 3])];
  expect(() => scan(outer, x, h, { record: ['inner'] })).toThrow(
    "scan: record has the name 'inner', expected one of outer",
  );
  expect(scan(outer, x, h, { record: ['outer'] })[2].outer.toArray()).toEqual(scan(outer, x, h)[0].toArray());
});

test('a step that taps a value only sometimes is refused', () => {
  const step = (x: Tensor, h: Tensor) => {
    if (x.sum().item() > 0) tap('positive', x);
    return [x, h.add(x)] as const;
  };
  const x = stack([zeros([2, 3]).add(1), zeros([2, 3]).sub(1)]);
  expect(() => scan(step, x, zeros([2, 3]), { record: ['positive'], compile: 'auto' })).toThrow(
    /record has the name 'positive'/,
  );
});

test.each<[string, unknown, string]>([
  ['twice', ['a', 'a'], "scan: record is 'a', 'a', expected a list of different names"],
  ['no list', 'gate', "scan: record is 'gate', expected a list of different names"],
])('a list of names: %s', (_, record, message) => {
  const step = (x: Tensor, h: Tensor) => [tap('a', x), h] as const;
  expect(() => scan(step, zeros([2, 1, 1]), zeros([1, 1]), { record: record as string[] })).toThrow(message);
});
