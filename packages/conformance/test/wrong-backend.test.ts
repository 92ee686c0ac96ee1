/**
 * The suite can fail: backends with one deliberate fault, and exactly the cases that touch it turn
 * red.
 */
import { cpu } from '@rnn/backend-cpu';
import type { Backend, BackendInfo, Storage, TypedArray } from '@rnn/core';
import {
  formatReport,
  primitiveCases,
  referenceCases,
  runConformance,
  swapCases,
  type ConformanceCase,
  type Report,
} from '@rnn/conformance';
import { caseDirectory } from '@rnn/conformance/node';
import { describe, expect, test } from 'vitest';

type Methods = Partial<Omit<Backend, 'info'>> & { readonly info?: BackendInfo };

/**
 * The CPU backend with some methods in place of its own; without `compile`, so that every call is
 * one that the test sees.
 */
async function altered(change: (real: Backend) => Methods): Promise<Backend> {
  const real = await cpu();
  const methods = change(real);
  return new Proxy(real, {
    get(target, key) {
      if (key === 'compile') return undefined;
      const value: unknown = Reflect.get(Object.hasOwn(methods, key) ? methods : target, key);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

/** Another storage with some of its numbers changed. */
function changed(backend: Backend, storage: Storage, change: (x: number, i: number) => number): Storage {
  const values = backend.readSync(storage);
  backend.release(storage);
  return backend.upload(values.map(change));
}

const all = (): ConformanceCase[] => [...primitiveCases(), ...referenceCases(caseDirectory())];
const runs = 20;

function failedOf({ results }: Report): string[] {
  return results.filter(({ status }) => status === 'failed').map(({ group, name }) => `${group} ${name}`);
}

async function failuresWith(change: (real: Backend) => Methods, cases = all()): Promise<string[]> {
  return failedOf(await runConformance({ factory: () => altered(change), cases, runs }));
}

/** The cases during which a condition on the backend's calls held. */
async function casesThat(watch: (touched: () => void) => (real: Backend) => Methods): Promise<Set<string>> {
  const touching = new Set<string>();
  let touched = false;
  const change = watch(() => (touched = true));
  await runConformance({
    factory: () => altered(change),
    cases: all(),
    runs,
    onProgress: ({ result: { group, name } }) => {
      if (touched) touching.add(`${group} ${name}`);
      touched = false;
    },
  });
  return touching;
}

// These count storages, compare a backend with itself, or look for errors: they run kernels and do
// not ask what came out.
const comparesNothing =
  /^(memory|error) |^kernel storage .* makes one storage|^programs .*: (compiled as eager|padding changes no bit|as a loop by hand.*)$/;

test(
  'a tanh that is off by 1e-3 fails every case that computes with tanh, and no other',
  { timeout: 180_000 },
  async () => {
    const off = (real: Backend): Methods => ({
      unary: (op, x) => {
        const result = real.unary(op, x);
        return op === 'tanh' ? changed(real, result, (y) => y + 1e-3) : result;
      },
    });
    const users = await casesThat((touched) => (real) => ({
      unary: (op, x) => {
        if (op === 'tanh') touched();
        return real.unary(op, x);
      },
    }));
    const expected = [...users].filter((name) => !comparesNothing.test(name));
    expect(expected.length).toBeGreaterThan(60);
    expect(await failuresWith(off)).toEqual(expected);
  },
);

describe('one fault is found, and its kind is told', () => {
  const faults: readonly (readonly [name: string, change: (real: Backend) => Methods, where: RegExp])[] = [
    [
      'strides that lose their sign',
      (real) => ({
        copy: (x, sizes, dtype) => real.copy({ ...x, offset: 0, strides: x.strides.map(Math.abs) }, sizes, dtype),
      }),
      /^kernel movement copy float32$/,
    ],
    [
      'a copy that ignores its offset',
      (real) => ({
        copy: (x, sizes, dtype) =>
          real.copy(x.strides.every((stride) => stride >= 0) ? { ...x, offset: 0 } : x, sizes, dtype),
      }),
      /^operation slice/,
    ],
    [
      'a batch stride that is ignored',
      (real) => ({
        matmul: (a, b, sizes) => real.matmul(a, { ...b, batchStrides: b.batchStrides.map(() => 0) }, sizes),
      }),
      /^kernel contraction matmul/,
    ],
    [
      'a transpose that is ignored',
      (real) => ({ matmul: (a, b, sizes) => real.matmul(a, { ...b, transposed: false }, sizes) }),
      /^kernel contraction matmul A B\^T/,
    ],
    [
      'a tail that is not computed',
      (real) => ({
        unary: (op, x) => changed(real, real.unary(op, x), (y, i) => (i >= x.size - (x.size % 4) ? 0 : y)),
      }),
      /^kernel elementwise unary exp float32$/,
    ],
    [
      'a maximum that drops a NaN',
      (real) => ({
        binary: (op, a, b, sizes) => {
          const r = real.binary(op, a, b, sizes);
          return op === 'maximum' ? changed(real, r, (y) => (Number.isNaN(y) ? 0 : y)) : r;
        },
      }),
      /^kernel special values binary maximum/,
    ],
    [
      'a scatter that overwrites where indices repeat',
      (real) => ({
        scatterAdd: (source, index, { outer, size, inner, count }) => {
          const [values, places] = [real.readSync(source), real.readSync(index.storage)];
          const [so, sc, si] = index.strides;
          const result = new Float32Array(outer * size * inner);
          for (let i = 0; i < outer * count * inner; i++) {
            const [o, c, n] = [Math.floor(i / (count * inner)), Math.floor(i / inner) % count, i % inner];
            result[(o * size + places[index.offset + o * so + c * sc + n * si]) * inner + n] = values[i];
          }
          return real.upload(result);
        },
      }),
      /^kernel indexing scatterAdd float32$/,
    ],
    [
      'an argmax that takes the last of equals',
      (real) => ({
        reduce: (op, x, outer, size, inner) =>
          op === 'argmax' && inner === 1
            ? changed(
                real,
                real.reduce(op, x, outer, size, 1),
                (at, line) =>
                  real.readSync(x).lastIndexOf(real.readSync(x)[line * size + at], (line + 1) * size - 1) - line * size,
              )
            : real.reduce(op, x, outer, size, inner),
      }),
      /^kernel contraction reduce argmax/,
    ],
    [
      'a read that hands out the same array again',
      (real) => {
        const arrays = new Map<Storage, TypedArray>();
        return {
          read: async (storage) => {
            const array = arrays.get(storage) ?? real.readSync(storage);
            arrays.set(storage, array);
            return array;
          },
        };
      },
      /^kernel storage every read gives/,
    ],
    ['a release that frees nothing', () => ({ release: () => undefined }), /^kernel storage memory counts/],
    [
      'a kernel that leaves a storage behind',
      (real) => ({
        matmul: (a, b, sizes) => {
          real.fill(0, 1, 'float32');
          return real.matmul(a, b, sizes);
        },
      }),
      /^memory a training step/,
    ],
    [
      'a sum in float32',
      (real) => ({
        reduce: (op, x, outer, size, inner) =>
          op === 'sum' && outer * inner === 1 && x.dtype === 'float32'
            ? real.upload(Float32Array.of(Array.from(real.readSync(x)).reduce((sum, v) => Math.fround(sum + v), 0)))
            : real.reduce(op, x, outer, size, inner),
      }),
      /^kernel contraction reduce a million float32/,
    ],
    [
      'an info without int32',
      (real) => ({ info: { ...real.info, dtypes: ['float32'] } }),
      /^backend declares what it is$/,
    ],
    [
      'a bound that forgives everything',
      (real) => ({ info: { ...real.info, bound: { tolerance: 1, reason: 'no reason' } } }),
      /^backend declares what it is$/,
    ],
  ];

  test.each(faults)('%s', async (_, change, where) => {
    const cases = primitiveCases().filter(({ group, name }) => where.test(`${group} ${name}`));
    expect(await failuresWith(change, cases)).not.toEqual([]);
  });
});

describe('a fault in what compile makes is found', () => {
  type Compile = NonNullable<Backend['compile']>;
  const faults: readonly (readonly [name: string, change: (real: Backend, compile: Compile) => Compile])[] = [
    [
      'per-row constants that are zero',
      (real, compile) => (program) => {
        const compiled = compile(program);
        const zeros = ({ size, dtype }: Storage): Storage => real.fill(0, size, dtype);
        return compiled && { run: (args) => compiled.run({ ...args, perRow: args.perRow.map(zeros) }) };
      },
    ],
    [
      'choices that are ignored',
      (_, compile) => (program) =>
        compile({
          ...program,
          body: program.body.map((each) => (each.kind === 'select' ? { ...each, b: each.a } : each)),
        }),
    ],
  ];

  test.each(faults)('%s', async (_, change) => {
    const factory = async (): Promise<Backend> => {
      const real = await cpu();
      const compile: Compile = (program) => real.compile?.(program);
      return Object.assign(Object.create(real) as Backend, { compile: change(real, compile) });
    };
    const cases = primitiveCases().filter(({ group }) => group === 'programs');
    const failed = failedOf(await runConformance({ factory, cases, filter: 'programs', runs: 40 }));
    expect(failed).toContain('programs random programs compiled');
    expect(failed).toContain('programs GRUCell: compiled as eager');
    expect(failed).not.toContain('programs random programs by primitives');
  });
});

describe('a training that swaps backends', () => {
  const cases = (...others: Parameters<typeof swapCases>): ConformanceCase[] =>
    swapCases(...others).filter(({ name }) => name.startsWith('GRU'));

  test('passes where the other computes the same', async () => {
    expect(await runConformance({ factory: cpu, cases: cases(cpu) })).toMatchObject({ passed: 2, failed: 0 });
  });

  test('passes where one of several answers only later', async () => {
    const later = (): Promise<Backend> =>
      altered((real) => ({
        info: { ...real.info, name: 'later', synchronous: false },
        readSync: () => {
          throw new Error('later cannot be read from without waiting');
        },
      }));
    expect(await runConformance({ factory: later, cases: cases(cpu) })).toMatchObject({ passed: 2, failed: 0 });
    expect(await runConformance({ factory: cpu, cases: cases(cpu, later) })).toMatchObject({ passed: 2, failed: 0 });
    const models = primitiveCases().filter(({ name }) => name.startsWith('a model moves'));
    expect(await runConformance({ factory: later, cases: models })).toMatchObject({ passed: 1, failed: 0 });
  });

  test('fails where the other is off', async () => {
    const off = (): Promise<Backend> =>
      altered((real) => ({
        unary: (op, x) => changed(real, real.unary(op, x), (y) => (op === 'tanh' ? y + 0.1 : y)),
      }));
    const { results } = await runConformance({ factory: cpu, cases: cases(off) });
    expect(results.map(({ difference }) => difference?.what)).toEqual(['loss', 'loss']);
  });
});

test('a declared bound replaces smaller tolerances, and loosens no whole number', async () => {
  const info = (real: Backend): BackendInfo => ({
    ...real.info,
    bound: { tolerance: 2e-3, reason: 'coarse on purpose' },
  });
  const coarse = (real: Backend): Methods => ({
    info: info(real),
    unary: (op, x) => {
      const result = real.unary(op, x);
      return op === 'tanh' ? changed(real, result, (y) => y + 1e-3) : result;
    },
  });
  const cases = primitiveCases().filter(({ group }) => group === 'kernel elementwise');
  expect(await failuresWith(coarse, cases)).toEqual([]);
  const offByOne = (real: Backend): Methods => ({
    info: info(real),
    binary: (op, a, b, sizes) => {
      const result = real.binary(op, a, b, sizes);
      return result.dtype === 'int32' && op === 'mul' ? changed(real, result, (y) => (y > 1000 ? y + 1 : y)) : result;
    },
  });
  expect(await failuresWith(offByOne, cases)).toEqual(['kernel elementwise binary mul int32']);
});

test('a dispose that does nothing fails its case, and no other', async () => {
  const cases = primitiveCases().filter(({ group }) => /^(backend|memory|kernel storage)$/.test(group));
  expect(await failuresWith(() => ({ dispose: () => {} }), cases)).toEqual(['backend dispose frees everything']);
});

test('bail ends the run after the first failure', async () => {
  const report = await runConformance({
    factory: () => altered((real) => ({ release: () => void real })),
    cases: all(),
    runs,
    bail: true,
  });
  expect(report).toMatchObject({ failed: 1 });
  expect(report.results[report.results.length - 1].status).toBe('failed');
  expect(report.results.length).toBeLessThan(20);
});

test('one missing release is told in a page, with what to mend first', async () => {
  const report = await runConformance({
    factory: () => altered((real) => ({ release: () => void real })),
    cases: primitiveCases().filter(({ group }) => /^(operation|kernel (storage|elementwise))/.test(group)),
    runs: 2,
  });
  expect(report.failed).toBeGreaterThan(200);
  const lines = formatReport(report).split('\n');
  expect(lines.length).toBeLessThan(90);
  const at = lines.indexOf('Mend this first:');
  expect(lines.slice(at + 1, at + 3).join()).toMatch(
    /^FAILED kernel storage: memory counts storages and bytes, {2}after the first release memory\(\) is 3 storages/,
  );
});

test('a factory that throws is one failed case', async () => {
  const report = await runConformance({ factory: () => Promise.reject(new Error('no such device')), cases: all() });
  expect(report).toMatchObject({ info: undefined, passed: 0, failed: 1 });
  expect(report.results[0].reason).toContain('no such device');
});
