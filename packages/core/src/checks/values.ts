import { ArgumentError } from '../errors.js';
import { refuse } from './refusal.js';

/**
 * Where a number may lie. Infinite ones are refused unless `to` is Infinity or `from` is -Infinity.
 */
export interface Interval {
  /** The least one. */
  readonly from?: number;
  /** The largest one. */
  readonly to?: number;
  /** It must be larger than this. */
  readonly above?: number;
  /** It must be less than this. */
  readonly below?: number;
}

/**
 * Refuses what is not a number within limits; NaN never is.
 *
 * @example
 * ```ts
 * checkNumber('Dropout', 'p', p, { from: 0, to: 1 });
 * ```
 * @param operation - what was called, for the message
 * @param argument - the argument's name
 * @param value - what came
 * @param interval - the limits; any finite number when left out
 * @throws ArgumentError
 */
export function checkNumber(
  operation: string,
  argument: string,
  value: unknown,
  interval: Interval = {},
): asserts value is number {
  const { from = -Number.MAX_VALUE, to = Number.MAX_VALUE, above = -Infinity, below = Infinity } = interval;
  if (typeof value === 'number' && value >= from && value <= to && (value > above || above === -Infinity)) {
    if (value < below || below === Infinity) return;
  }
  refuse(ArgumentError, operation, argument, { value, expected: named(interval) });
}

function named({ from, to, above, below }: Interval): string {
  if (from === -Infinity) return `a number${to === Infinity ? '' : `, at most ${to}`}`;
  const low = from !== undefined ? ` from ${from}` : above !== undefined ? ` above ${above}` : '';
  if (below !== undefined) return `a number${low}${low === '' ? '' : ' and'} below ${below}`;
  if (to === Infinity) return `a number${low}${from === undefined ? '' : ' up'}`;
  if (to === undefined) return `a finite number${low}${from === undefined ? '' : ' up'}`;
  return `a number${low}${above === undefined ? '' : ', at most'}${from === undefined ? '' : ' to'} ${to}`;
}

/**
 * Refuses what is not a whole number within limits: a size, a count, a position.
 *
 * @example
 * ```ts
 * checkCount('Linear', 'inFeatures', inFeatures, 1);
 * ```
 * @param operation - what was called, for the message
 * @param argument - the argument's name
 * @param value - what came
 * @param least - the least, 0 unless given
 * @param most - the largest; any unless given
 * @throws ArgumentError
 */
export function checkCount(
  operation: string,
  argument: string,
  value: unknown,
  least = 0,
  most: number = Number.MAX_SAFE_INTEGER,
): asserts value is number {
  if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most) return;
  const limits = most === Number.MAX_SAFE_INTEGER ? `from ${least} up` : `from ${least} to ${most}`;
  refuse(ArgumentError, operation, argument, { value, expected: `a whole number ${limits}` });
}

/**
 * Refuses what is neither true nor false.
 *
 * @example
 * ```ts
 * checkFlag('MyLayer', 'bias', 'no');
 * // ArgumentError: ...
 * ```
 */
export function checkFlag(operation: string, argument: string, value: unknown): asserts value is boolean {
  if (typeof value !== 'boolean') refuse(ArgumentError, operation, argument, { value, expected: 'true or false' });
}

/**
 * Refuses what is none of a few words.
 *
 * @example
 * ```ts
 * checkChoice('MyLoss', 'reduction', 'avg', ['mean', 'sum', 'none']);
 * // ArgumentError: ...
 * ```
 */
export function checkChoice(operation: string, argument: string, value: unknown, choices: readonly string[]): void {
  if (choices.includes(value as string)) return;
  const expected = choices.map((choice) => `'${choice}'`).join(' or ');
  refuse(ArgumentError, operation, argument, { value, expected });
}

/**
 * Refuses what is no text.
 *
 * @example
 * ```ts
 * checkText('open', 'name', 7);
 * // ArgumentError: ...
 * ```
 */
export function checkText(operation: string, argument: string, value: unknown): asserts value is string {
  if (typeof value !== 'string') refuse(ArgumentError, operation, argument, { value, expected: 'a text' });
}

/**
 * Refuses what cannot be called; `form` says what it is called with, such as
 * `(model, batch) => Tensor`.
 *
 * @example
 * ```ts
 * checkFunction('train', 'loss', 'mse', '(model, batch) => Tensor');
 * // ArgumentError: ...
 * ```
 */
export function checkFunction(operation: string, argument: string, value: unknown, form?: string): void {
  if (typeof value === 'function') return;
  refuse(ArgumentError, operation, argument, { value, expected: `a function${form === undefined ? '' : ` ${form}`}` });
}

/**
 * Refuses what is not an array with at least so many entries; `of` says what of, such as "names",
 * or "name" for at least one.
 *
 * @example
 * ```ts
 * checkList('plot', 'columns', [], 'name', 1);
 * // ArgumentError: ...
 * ```
 */
export function checkList(
  operation: string,
  argument: string,
  value: unknown,
  of = 'values',
  least = 0,
): asserts value is readonly unknown[] {
  if (Array.isArray(value) && value.length >= least) return;
  refuse(ArgumentError, operation, argument, {
    value,
    expected: least > 0 ? `an array of at least ${least === 1 ? 'one' : least} ${of}` : `an array of ${of}`,
  });
}
