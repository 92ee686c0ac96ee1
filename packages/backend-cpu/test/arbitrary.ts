/** What the kernels are tried on. */
import type { DType } from '@rnn/core';
import fc from 'fast-check';

export const anyDType: fc.Arbitrary<DType> = fc.constantFrom('float32', 'float64', 'int32');
export const anyFloat: fc.Arbitrary<DType> = fc.constantFrom('float32', 'float64');

/**
 * One number of a type, within a range: small whole ones (ties, zeros and ones come up) and any
 * others.
 */
export function anyNumber(dtype: DType, min: number, max: number): fc.Arbitrary<number> {
  const whole = fc.integer({ min: Math.ceil(Math.max(min, -3)), max: Math.floor(Math.min(max, 3)) });
  if (dtype === 'int32')
    return fc.oneof(whole, fc.integer({ min: Math.max(min, -(2 ** 31)), max: Math.min(max, 2 ** 31 - 1) }));
  const real = fc.double({ min, max, noNaN: true });
  return fc.oneof(whole, dtype === 'float32' ? real.map(Math.fround) : real).map((value) => value + 0); // no -0
}

export function anyNumbers(dtype: DType, count: number, min: number, max: number): fc.Arbitrary<number[]> {
  return fc.array(anyNumber(dtype, min, max), { minLength: count, maxLength: count });
}

/**
 * Sizes of one to four dimensions; the last one may pass the length from which block copies are
 * used.
 */
export const anySizes: fc.Arbitrary<number[]> = fc
  .tuple(
    fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 3 }),
    fc.oneof(fc.integer({ min: 1, max: 6 }), fc.constantFrom(31, 32, 33, 40)),
  )
  .map(([outer, last]) => [...outer, last]);

/** A walk, and how many elements its storage needs to have. */
export interface Walk {
  readonly offset: number;
  readonly strides: readonly number[];
  readonly size: number;
}

/**
 * Walks over given sizes: dense in any order of dimensions, with gaps, reversed, broadcast, and not
 * from the beginning.
 */
export function anyWalk(sizes: readonly number[]): fc.Arbitrary<Walk> {
  const dims = sizes.map((_, dim) => dim);
  const each = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.tuple<T[]>(...dims.map(() => value));
  return fc
    .record({
      inOrder: fc.boolean(),
      shuffled: fc.shuffledSubarray(dims, { minLength: dims.length, maxLength: dims.length }),
      kinds: each(fc.constantFrom('forwards', 'forwards', 'forwards', 'backwards', 'broadcast', 'gap')),
      before: fc.integer({ min: 0, max: 3 }),
      after: fc.integer({ min: 0, max: 2 }),
    })
    .map(({ inOrder, shuffled, kinds, before, after }) => {
      const strides = sizes.map(() => 0);
      let step = 1;
      let offset = before;
      for (const dim of inOrder ? [...dims].reverse() : shuffled) {
        const kind = kinds[dim];
        if (kind === 'broadcast') continue;
        if (kind === 'gap') step *= 2;
        strides[dim] = kind === 'backwards' ? -step : step;
        if (kind === 'backwards') offset += step * (sizes[dim] - 1);
        step *= sizes[dim];
      }
      return { offset, strides, size: before + step + after };
    });
}
