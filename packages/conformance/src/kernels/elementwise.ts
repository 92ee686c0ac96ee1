import * as fc from 'fast-check';
import { sizeOf, type BinaryOp, type DType, type UnaryOp } from '@rnn/core';
import type { ConformanceCase } from '../case.js';
import { binaryFunctions, unaryFunctions } from '../plain/elementwise.js';
import { arithmeticTolerance, rounded } from '../plain/rounding.js';
import { defineProperty } from '../property.js';
import { checkStorage, dtypes, without } from './storage-checks.js';
import { numbersOf, type Range } from './values.js';
import { lengths, walked, walksOf, type Walk, type Walks } from './walk.js';
import { atWorkbench, type Workbench } from './workbench.js';

const GROUP = 'kernel elementwise';

/** A function, where it is tried, and whether its results are exact in every type. */
interface Domain {
  readonly ranges: readonly Range[];
  readonly exact?: boolean;
  /** Whether whole numbers have it too. */
  readonly whole?: boolean;
}

const around = (limit: number): Range => ({ min: -limit, max: limit });

const unaryDomains: Readonly<Record<UnaryOp, Domain>> = {
  neg: { ranges: [around(1000)], exact: true, whole: true },
  exp: { ranges: [around(20)] },
  log: { ranges: [{ min: 0, max: 1000 }] },
  sqrt: { ranges: [{ min: 0, max: 1000 }] },
  square: { ranges: [around(1000)], whole: true },
  reciprocal: { ranges: [around(100)] },
  abs: { ranges: [around(1000)], exact: true, whole: true },
  sign: { ranges: [around(1000)], exact: true, whole: true },
  tanh: { ranges: [around(20)] },
  sigmoid: { ranges: [around(100)] },
  relu: { ranges: [around(1000)], exact: true, whole: true },
  softplus: { ranges: [around(100)] },
  round: { ranges: [around(4)], exact: true },
};

const exactPair: Domain = { ranges: [around(1000), around(1000)], exact: true, whole: true };
const wholePair: Domain = { ranges: [around(1000), around(1000)], whole: true };

const binaryDomains: Readonly<Record<BinaryOp, Domain>> = {
  add: wholePair,
  sub: wholePair,
  mul: wholePair,
  div: { ranges: [around(1000), around(1000)] },
  pow: { ranges: [{ min: -4, max: 8 }, around(4)] },
  maximum: exactPair,
  minimum: exactPair,
  eq: exactPair,
  ne: exactPair,
  lt: exactPair,
  le: exactPair,
  gt: exactPair,
  ge: exactPair,
};

const keys = <K extends string>(record: Readonly<Record<K, unknown>>): K[] => Object.keys(record) as K[];

/** Every elementwise kernel on every type, over random numbers and walks. */
export function elementwiseCases(): ConformanceCase[] {
  return [
    ...keys(unaryDomains).flatMap((op) =>
      dtypes(unaryDomains[op].whole ?? false).map((dtype) => unaryCase(op, dtype, unaryDomains[op])),
    ),
    ...keys(binaryDomains).flatMap((op) =>
      dtypes(binaryDomains[op].whole ?? false).map((dtype) => binaryCase(op, dtype, binaryDomains[op])),
    ),
    ...dtypes(true).map(selectCase),
  ];
}

function toleranceOf(dtype: DType, { exact = false }: Domain): number {
  return exact ? 0 : arithmeticTolerance[dtype];
}

function unaryCase(op: UnaryOp, dtype: DType, domain: Domain): ConformanceCase {
  const fn = unaryFunctions[op];
  return defineProperty(
    GROUP,
    `unary ${op} ${dtype}`,
    lengths.chain((size) => numbersOf(dtype, domain.ranges[0], size)),
    (values, checks, { backend }) =>
      atWorkbench(backend, async (bench) => {
        const result = bench.own(backend.unary(op, bench.upload(dtype, values)));
        const expected = values.map((x) => rounded(fn(x), dtype));
        await checkStorage(checks, bench, result, { dtype, expected, tolerance: toleranceOf(dtype, domain) });
      }),
    { exempt: without(dtype) },
  );
}

/** An operand that is walked, or a plain number. */
type Values = { readonly values: readonly number[]; readonly walk: Walk } | number;

interface Pair {
  readonly sizes: readonly number[];
  readonly a: Values;
  readonly b: Values;
}

function pairs(dtype: DType, [left, right]: readonly Range[]): fc.Arbitrary<Pair> {
  const side = (range: Range, walk: Walk): fc.Arbitrary<Values> =>
    numbersOf(dtype, range, walk.storageSize).map((values) => ({ values, walk }));
  const number = (range: Range): fc.Arbitrary<number> => numbersOf(dtype, range, 1).map(([value]) => value);
  const both = ({ sizes, walks: [a, b] }: Walks): fc.Arbitrary<Pair> =>
    fc.record({ sizes: fc.constant(sizes), a: side(left, a), b: side(right, b) });
  return fc.oneof(
    { weight: 4, arbitrary: walksOf(2).chain(both) },
    {
      weight: 1,
      arbitrary: walksOf(1).chain(({ sizes, walks: [a] }) =>
        fc.record({ sizes: fc.constant(sizes), a: side(left, a), b: number(right) }),
      ),
    },
    {
      weight: 1,
      arbitrary: walksOf(1).chain(({ sizes, walks: [b] }) =>
        fc.record({ sizes: fc.constant(sizes), a: number(left), b: side(right, b) }),
      ),
    },
  );
}

function operand(bench: Workbench, dtype: DType, side: Values): ReturnType<Workbench['strided']> | number {
  return typeof side === 'number' ? side : bench.strided(dtype, side.values, side.walk);
}

function met(side: Values, sizes: readonly number[]): readonly number[] {
  if (typeof side === 'number') return Array.from({ length: sizeOf(sizes) }, () => side);
  return walked(side.values, side.walk, sizes);
}

function binaryCase(op: BinaryOp, dtype: DType, domain: Domain): ConformanceCase {
  const fn = binaryFunctions[op];
  return defineProperty(
    GROUP,
    `binary ${op} ${dtype}`,
    pairs(dtype, domain.ranges),
    ({ sizes, a, b }, checks, { backend }) =>
      atWorkbench(backend, async (bench) => {
        const result = bench.own(backend.binary(op, operand(bench, dtype, a), operand(bench, dtype, b), sizes));
        const right = met(b, sizes);
        const expected = met(a, sizes).map((x, i) => rounded(fn(x, right[i]), dtype));
        await checkStorage(checks, bench, result, { dtype, expected, tolerance: toleranceOf(dtype, domain) });
      }),
    { exempt: without(dtype) },
  );
}

function selectCase(dtype: DType): ConformanceCase {
  const range = around(1000);
  const examples = fc
    .record({ walks: walksOf(3), numbers: fc.tuple(fc.boolean(), fc.boolean()) })
    .chain(({ walks: { sizes, walks }, numbers }) =>
      fc.record({
        sizes: fc.constant(sizes),
        walks: fc.constant(walks),
        numbers: fc.constant(numbers),
        conditionType: fc.constantFrom<DType>('int32', 'float32'),
        condition: fc.array(fc.constantFrom(0, 0, 1, -2), {
          minLength: walks[0].storageSize,
          maxLength: walks[0].storageSize,
        }),
        a: numbersOf(dtype, range, walks[1].storageSize),
        b: numbersOf(dtype, range, walks[2].storageSize),
      }),
    );
  return defineProperty(
    GROUP,
    `select ${dtype}`,
    examples,
    ({ sizes, walks, numbers, conditionType, condition, a, b }, checks, { backend }) =>
      atWorkbench(backend, async (bench) => {
        const sides = [a, b].map((values, i): Values => (numbers[i] ? values[0] : { values, walk: walks[i + 1] }));
        const [left, right] = sides.map((side) => operand(bench, dtype, side));
        const test = bench.strided(conditionType, condition, walks[0]);
        const result = bench.own(backend.select(test, left, right, sizes, dtype));
        const [whenTrue, whenFalse] = sides.map((side) => met(side, sizes));
        const expected = walked(condition, walks[0], sizes).map((c, i) => (c === 0 ? whenFalse[i] : whenTrue[i]));
        await checkStorage(checks, bench, result, { dtype, expected, tolerance: 0 });
      }),
    { exempt: without(dtype) },
  );
}
