/** What a generator refuses. */
import { refuse, describeValue } from './checks/refusal.js';
import { asTypedArray, dtypeByTag, dtypeOf, type DType } from './dtype.js';
import { ArgumentError } from './errors.js';

export function isIntegerIn(value: number, least: number, greatest: number): boolean {
  return Number.isInteger(value) && value >= least && value <= greatest;
}

/**
 * Checks the array that draws go into: one of another type would round them, or take them for
 * another type's.
 */
export function checkOut(method: string, out: unknown, dtypes: readonly DType[]): void {
  if (ArrayBuffer.isView(out) && dtypes.includes(dtypeByTag(out) as DType)) return;
  const array = asTypedArray(`Generator.${method}`, 'out', out);
  const expected = `a typed array of ${dtypes.join(' or ')}`;
  const received = array === undefined ? describeValue(out) : dtypeOf(array);
  refuse(ArgumentError, `Generator.${method}`, 'out', { received, expected });
}

export function checkSeed(operation: string, seed: unknown): void {
  if (Number.isSafeInteger(seed)) return;
  refuse(ArgumentError, operation, 'seed', { value: seed, expected: 'a whole number from -(2^53 - 1) to 2^53 - 1' });
}

/** Checks the bounds of `uniform` after their rounding; messages show them as they came. */
export function checkBounds(from: number, to: number, largest: number, low: number, high: number): void {
  const finite = `a finite number of at most ${largest} in size, as the array's type holds`;
  if (!Number.isFinite(from)) refuseValue('uniform', 'low', low, finite);
  if (!Number.isFinite(to)) refuseValue('uniform', 'high', high, finite);
  if (from > to) refuseValue('uniform', 'high', high, `at least low (${low})`);
  if (to - from > largest) refuseValue('uniform', 'high', high, `at most ${largest} above low (${low})`);
}

export function refuseValue(method: string, argument: string, value: unknown, expected: string): never {
  refuse(ArgumentError, `Generator.${method}`, argument, { value, expected });
}
