/** What a generator refuses. */
import { asTypedArray, dtypeOf, type DType } from './dtype.js';
import { ArgumentError } from './errors.js';

export function isIntegerIn(value: number, least: number, greatest: number): boolean {
  return Number.isInteger(value) && value >= least && value <= greatest;
}

/** Checks the array that draws go into: one of another type would round them, or take them for another type's. */
export function checkOut(method: string, out: unknown, dtypes: readonly DType[]): void {
  const array = asTypedArray(`Generator.${method}`, 'out', out);
  const received = array === undefined ? typeof out : dtypeOf(array);
  if (array !== undefined && dtypes.includes(dtypeOf(array))) return;
  const expected = `a typed array of ${dtypes.join(' or ')}`;
  throw new ArgumentError(`Generator.${method}: out is ${received}, expected ${expected}`, {
    argument: 'out',
    expected,
    received,
  });
}

export function checkSeed(seed: number, call: string): void {
  if (Number.isSafeInteger(seed)) return;
  const expected = 'an integer from -(2^53 - 1) to 2^53 - 1';
  const received = String(seed);
  throw new ArgumentError(`${call}: seed must be ${expected}, received ${received}`, {
    argument: 'seed',
    expected,
    received,
  });
}

export function checkInteger(value: number, method: string, argument: string, least: number, greatest: number): void {
  if (!isIntegerIn(value, least, greatest)) {
    throw outOfRange(method, argument, `an integer from ${least} to ${greatest}`, value);
  }
}

export function checkFinite(value: number, method: string, argument: string): void {
  if (!Number.isFinite(value)) throw outOfRange(method, argument, 'a finite number', value);
}

/** Checks the bounds of `uniform` after their rounding; messages show them as they came. */
export function checkBounds(from: number, to: number, largest: number, low: number, high: number): void {
  const finite = `a finite number of at most ${largest} in size, as the array's type holds`;
  if (!Number.isFinite(from)) throw outOfRange('uniform', 'low', finite, low);
  if (!Number.isFinite(to)) throw outOfRange('uniform', 'high', finite, high);
  if (from > to) throw outOfRange('uniform', 'high', `at least low (${low})`, high);
  if (to - from > largest) throw outOfRange('uniform', 'high', `at most ${largest} above low (${low})`, high);
}

export function outOfRange(method: string, argument: string, expected: string, value: number): ArgumentError {
  const received = String(value);
  return new ArgumentError(`Generator.${method}: ${argument} must be ${expected}, received ${received}`, {
    argument,
    expected,
    received,
  });
}
