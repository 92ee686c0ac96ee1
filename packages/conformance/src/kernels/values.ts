/** Numbers to compute with. */
import * as fc from 'fast-check';
import type { DType } from '@rnn/core';
import { rounded } from '../plain/rounding.js';

/** The smallest normal number of float32: devices may treat smaller ones as 0. */
const SMALLEST_NORMAL = 2 ** -126;

/** Where a function is tried. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

/**
 * One number of a type: small whole numbers (so that ties, zeros and ones come up), numbers spread
 * evenly over a range, and a few of every magnitude within it.
 */
function numberOf(dtype: DType, { min, max }: Range): fc.Arbitrary<number> {
  const whole = fc.integer({ min: Math.ceil(Math.max(min, -8)), max: Math.floor(Math.min(max, 8)) });
  if (dtype === 'int32') return fc.oneof(whole, fc.integer({ min: Math.ceil(min), max: Math.floor(max) }));
  const even = fc.nat({ max: 1_000_000 }).map((draw) => rounded(min + ((max - min) * draw) / 1_000_000, dtype));
  const magnitude = fc
    .double({ min, max, noNaN: true, noDefaultInfinity: true })
    .map((value) => (Math.abs(value) < SMALLEST_NORMAL ? Math.max(min, 0) : rounded(value, dtype)));
  return fc.oneof({ weight: 2, arbitrary: whole }, { weight: 5, arbitrary: even }, { weight: 1, arbitrary: magnitude });
}

/** A given count of such numbers. */
export function numbersOf(dtype: DType, range: Range, count: number): fc.Arbitrary<number[]> {
  return fc.array(numberOf(dtype, range), { minLength: count, maxLength: count });
}
