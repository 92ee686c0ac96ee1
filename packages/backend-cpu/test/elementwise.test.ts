import type { Backend, BinaryOp, DType, Operand, Strided, TypedArray, UnaryOp } from '@rnn/core';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { cpu } from '../src/index.js';
import { anyDType, anyFloat, anyNumbers, anySizes, anyWalk } from './arbitrary.js';
import specialValues from './cases/special-values.json' with { type: 'json' };
import { arrayOf, binaryOf, expectClose, places, unaryOf } from './plain.js';

let backend: Backend;
beforeEach(async () => {
  backend = await cpu();
});

function dense(values: TypedArray): Strided {
  return { storage: backend.upload(values), offset: 0, strides: [1] };
}

const wholeUnary: UnaryOp[] = ['neg', 'square', 'abs', 'sign', 'relu'];
const realUnary = Object.keys(unaryOf) as UnaryOp[];
const realBinary = Object.keys(binaryOf) as BinaryOp[];
const wholeBinary = realBinary.filter((op) => op !== 'div' && op !== 'pow');

/** int32 arithmetic of whole numbers, without the limits of float64. */
const wrapped: Partial<Record<BinaryOp, (a: bigint, b: bigint) => bigint>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
};

function expectedBinary(op: BinaryOp, dtype: DType, a: number, b: number): number {
  const whole = dtype === 'int32' ? wrapped[op] : undefined;
  return whole ? Number(BigInt.asIntN(32, whole(BigInt(a), BigInt(b)))) : binaryOf[op](a, b);
}

describe('unary', () => {
  test.each(realUnary)('%s of reals', (op) => {
    const positive = op === 'log' || op === 'sqrt';
    const anyCase = anyFloat.chain((dtype) =>
      fc.tuple(
        fc.constant(dtype),
        // logarithms near 1 and products of steep functions magnify what the plain definition
        // itself rounds away
        fc.integer({ min: 1, max: 70 }).chain((size) => anyNumbers(dtype, size, positive ? 2 : -20, 20)),
      ),
    );
    fc.assert(
      fc.property(anyCase, ([dtype, values]) => {
        const x = arrayOf(dtype, values);
        const terms = values.map(
          (value) => Math.abs(unaryOf[op](value)) + (op === 'sigmoid' || op === 'softplus' ? 1 : 0),
        );
        expectClose(backend.readSync(backend.unary(op, backend.upload(x))), values.map(unaryOf[op]), dtype, terms);
      }),
    );
  });

  test.each(wholeUnary)('%s of whole numbers, which wraps around', (op) => {
    fc.assert(
      fc.property(anyNumbers('int32', 20, -(2 ** 31), 2 ** 31 - 1), (values) => {
        const expected = values.map((x) =>
          op === 'square' ? Number(BigInt.asIntN(32, BigInt(x) ** 2n)) : unaryOf[op](x) | 0,
        );
        expectClose(backend.readSync(backend.unary(op, backend.upload(arrayOf('int32', values)))), expected, 'int32');
      }),
    );
  });
});

describe('binary', () => {
  /**
   * Operands as walks over the same sizes; `number` says which of them is a plain number, if any.
   */
  const anyCase = fc.tuple(anyDType, anySizes).chain(([dtype, sizes]) => {
    const anyOperand = anyWalk(sizes).chain((walk) =>
      fc.record({
        walk: fc.constant(walk),
        values: anyNumbers(
          dtype,
          walk.size,
          dtype === 'int32' ? -(2 ** 31) : -50,
          dtype === 'int32' ? 2 ** 31 - 1 : 50,
        ),
      }),
    );
    return fc.record({
      dtype: fc.constant(dtype),
      sizes: fc.constant(sizes),
      op: fc.constantFrom(...(dtype === 'int32' ? wholeBinary : realBinary)),
      a: anyOperand,
      b: anyOperand,
      number: fc.constantFrom('none', 'none', 'a', 'b'),
    });
  });

  test('any operation, type and walk', () => {
    fc.assert(
      fc.property(anyCase, ({ dtype, sizes, op, a, b, number }) => {
        const operand = ({ walk, values }: typeof a, name: string): { given: Operand; elements: number[] } => {
          const elements = places(sizes, walk).map((at) => values[at]);
          if (number === name) return { given: values[0], elements: elements.map(() => values[0]) };
          const storage = backend.upload(arrayOf(dtype, values));
          return { given: { storage, offset: walk.offset, strides: walk.strides }, elements };
        };
        const left = operand(a, 'a');
        const right = operand(b, 'b');
        const expected = left.elements.map((x, i) => expectedBinary(op, dtype, x, right.elements[i]));
        expectClose(backend.readSync(backend.binary(op, left.given, right.given, sizes)), expected, dtype);
      }),
      { numRuns: 500 },
    );
  });

  test('a number is rounded to the type before it takes part, as in PyTorch', () => {
    const x = dense(new Float32Array([0.1]));
    expect(backend.readSync(backend.binary('eq', x, 0.1, [1]))).toEqual(new Float32Array([1]));
    expect(backend.readSync(backend.binary('sub', 0.1, x, [1]))).toEqual(new Float32Array([0]));
  });
});

describe('select', () => {
  const anyCase = fc.tuple(anyDType, anyDType, anySizes).chain(([dtype, conditionType, sizes]) => {
    const anyOperand = (type: DType) =>
      anyWalk(sizes).chain((walk) =>
        fc.record({ walk: fc.constant(walk), values: anyNumbers(type, walk.size, -3, 3) }),
      );
    return fc.record({
      dtype: fc.constant(dtype),
      conditionType: fc.constant(conditionType),
      sizes: fc.constant(sizes),
      condition: anyOperand(conditionType),
      a: anyOperand(dtype),
      b: fc.oneof(anyOperand(dtype), fc.integer({ min: -3, max: 3 })),
    });
  });

  test('any types and walks', () => {
    fc.assert(
      fc.property(anyCase, ({ dtype, conditionType, sizes, condition, a, b }) => {
        const upload = ({ walk, values }: typeof a, type: DType): Strided => ({
          storage: backend.upload(arrayOf(type, values)),
          ...walk,
        });
        const elements = (x: typeof b): number[] =>
          typeof x === 'number' ? places(sizes, a.walk).map(() => x) : places(sizes, x.walk).map((at) => x.values[at]);
        const [whenTrue, whenFalse] = [elements(a), elements(b)];
        const expected = elements(condition).map((c, i) => (c === 0 ? whenFalse[i] : whenTrue[i]));
        const other = typeof b === 'number' ? b : upload(b, dtype);
        const result = backend.select(upload(condition, conditionType), upload(a, dtype), other, sizes, dtype);
        expectClose(backend.readSync(result), expected, dtype);
      }),
      { numRuns: 200 },
    );
  });

  test('NaN is true, and what is not picked has no part in the result', () => {
    const condition = dense(new Float32Array([NaN, 0, -0]));
    const nothing = dense(new Float32Array([1, NaN, Infinity]));
    expect(backend.readSync(backend.select(condition, nothing, 5, [3], 'float32'))).toEqual(
      new Float32Array([1, 5, 5]),
    );
  });
});

describe('special values are those of PyTorch', () => {
  interface SpecialCase {
    op: string;
    dtype: DType;
    operands: (number | string)[][];
    result: (number | string)[];
  }

  /**
   * PyTorch itself leaves the sign of these zeros to chance: it differs between its scalar and its
   * vector loops.
   */
  const signOfZeroIsOpen = new Set(['relu', 'maximum', 'minimum']);

  test.each(specialValues as SpecialCase[])('$op of $dtype', ({ op, dtype, operands, result }) => {
    const given = operands.map((words) => arrayOf(dtype, words.map(Number)));
    const storage =
      op in unaryOf
        ? backend.unary(op as UnaryOp, backend.upload(given[0]))
        : backend.binary(op as BinaryOp, dense(given[0]), dense(given[1]), [given[0].length]);
    const got = backend.readSync(storage);
    const expected = result.map(Number);
    const format = (values: ArrayLike<number>): string[] =>
      Array.from(values, (value, i) => {
        const of = given.map((operand) => operand[i]).join(', ');
        if (signOfZeroIsOpen.has(op) && value === 0) return `${op}(${of}) = 0`;
        const shown = Object.is(value, -0) ? '-0' : value.toPrecision(dtype === 'float32' ? 6 : 13);
        return `${op}(${of}) = ${shown}`;
      });
    expect(format(got)).toEqual(format(expected));
  });
});
