import { ArgumentError } from '../errors.js';
import { refuse } from './refusal.js';

/**
 * Refuses what is no object of options, and options that nobody reads, so that a misspelt one does
 * not go unnoticed.
 *
 * @example
 * ```ts
 * checkOptions('Linear', { biass: true }, ['bias', 'dtype']);
 * // ArgumentError: Linear: option 'biass' is unknown, expected one of bias, dtype; write bias
 * ```
 * @param operation - whose options these are
 * @param options - what the caller gave
 * @param known - every name that is read
 * @param argument - the argument's name, `options` unless given
 * @throws ArgumentError
 */
export function checkOptions(
  operation: string,
  options: unknown,
  known: readonly string[],
  argument = 'options',
): asserts options is object {
  if (!isRecord(options)) {
    const expected = known.length === 0 ? 'an object' : `an object such as { ${known[0]}: ... }`;
    refuse(ArgumentError, operation, argument, {
      value: options,
      expected,
      ...(options === null && { hint: 'leave it out where there are none' }),
    });
  }
  for (const name in options) if (!known.includes(name)) refuseOption(operation, name, known);
}

/**
 * Whether this may hold options: an object, but none of a kind that holds something else (a list, a
 * map, a promise).
 */
function isRecord(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  return (
    Object.getPrototypeOf(value) === Object.prototype || Object.prototype.toString.call(value) === '[object Object]'
  );
}

function refuseOption(operation: string, name: string, known: readonly string[]): never {
  const near = known.find((other) => areClose(plain(name), plain(other)));
  refuse(ArgumentError, operation, `option '${name}'`, {
    argument: name,
    received: 'unknown',
    expected: known.length === 0 ? 'none' : `one of ${known.join(', ')}`,
    ...(near !== undefined && { hint: `write ${near}` }),
  });
}

/** A name without what other spellings do differently: `batch_size` is `batchSize`. */
function plain(name: string): string {
  return name.replaceAll('_', '').toLowerCase();
}

/**
 * Whether one letter more, less, other or exchanged with its neighbour makes one word of the other.
 */
function areClose(a: string, b: string): boolean {
  if (a === b) return true;
  let start = 0;
  while (start < a.length && a[start] === b[start]) start++;
  const [restA, restB] = [a.slice(start), b.slice(start)];
  return (
    restA.slice(1) === restB ||
    restA === restB.slice(1) ||
    restA.slice(1) === restB.slice(1) ||
    (restA[0] === restB[1] && restA[1] === restB[0] && restA.slice(2) === restB.slice(2))
  );
}

/**
 * Options over their defaults, after `checkOptions`. An option that is `undefined` has its default.
 *
 * @example
 * ```ts
 * const { p } = withDefaults('MyDropout', { p: 0.5 }, { p: undefined });
 * p; // 0.5
 * ```
 * @param operation - whose options these are
 * @param defaults - every option, with the value that it has when nothing is said
 * @param options - what the caller gave
 * @returns a new object with every option
 * @throws ArgumentError
 */
export function withDefaults<O extends object>(operation: string, defaults: O, options: Partial<O>): O {
  checkOptions(operation, options, Object.keys(defaults));
  const result = { ...defaults };
  for (const key of Object.keys(options) as (keyof O)[]) {
    const value = options[key];
    if (value !== undefined) result[key] = value;
  }
  return result;
}
