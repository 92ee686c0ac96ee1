import { ArgumentError, type Backend, type DType } from '@rnn/core';

/** Where a module's parameters are made. */
export interface PlaceOptions {
  /** `float32` unless said otherwise. */
  readonly dtype?: DType;
  /** The one of `setBackend` unless said otherwise. */
  readonly backend?: Backend;
}

/** The names of `PlaceOptions`, for `checkOptions`. */
export const placeOptions = ['dtype', 'backend'] as const;

/**
 * Refuses options with a name that nobody reads, so that a misspelt one does not go unnoticed.
 *
 * @param owner - whose options these are
 * @param options - what the caller gave
 * @param known - every name that is read
 */
export function checkOptions(owner: string, options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new ArgumentError(
      `${owner}: options is ${shown(options)}, expected an object such as { ${known[0] ?? ''}: ... }`,
      { argument: 'options', received: shown(options) },
    );
  }
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    const camel = name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
    const hint = known.includes(camel) ? `; write ${camel}` : '';
    throw new ArgumentError(`${owner}: unknown option '${name}'${hint} (known: ${known.join(', ')})`, {
      argument: name,
      expected: known.join(', '),
      received: name,
    });
  }
}

/** Refuses a size that is not a whole number from 1 up: NaN, fractions, texts. */
export function checkSize(owner: string, argument: string, value: number, least = 1): void {
  if (Number.isInteger(value) && value >= least) return;
  refuse(owner, argument, value, `a whole number from ${least} up`);
}

/** Refuses what is not a finite number within limits. */
export function checkRange(owner: string, argument: string, value: number, low: number, high: number): void {
  if (typeof value === 'number' && value >= low && value <= high) return;
  refuse(owner, argument, value, high === Infinity ? `a number from ${low} up` : `a number from ${low} to ${high}`);
}

/** Refuses what is not true or false. */
export function checkFlag(owner: string, argument: string, value: boolean): void {
  if (typeof value !== 'boolean') refuse(owner, argument, value, 'true or false');
}

/** Refuses what is not one of a few words. */
export function checkChoice<T extends string>(owner: string, argument: string, value: T, choices: readonly T[]): void {
  if (!choices.includes(value)) {
    refuse(owner, argument, value, choices.map((choice) => `'${choice}'`).join(' or '));
  }
}

function refuse(owner: string, argument: string, value: unknown, expected: string): never {
  const received = shown(value);
  throw new ArgumentError(`${owner}: ${argument} is ${received}, expected ${expected}`, {
    argument,
    expected,
    received,
  });
}

/** A value as a message names it. */
function shown(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`;
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}
