import { ArgumentError } from '@rnn/core';

/** Refuses a number that a condition does not hold for; NaN and what is no number at all never pass. */
function check(owner: string, name: string, value: unknown, fits: (value: number) => boolean, expected: string): void {
  if (typeof value === 'number' && fits(value)) return;
  const received = typeof value === 'number' || value === null ? String(value) : typeof value;
  throw new ArgumentError(`${owner}: ${name} is ${received}, expected ${expected}`, {
    argument: name,
    expected,
    received,
  });
}

/** Refuses what is not a finite number from `least` up. */
export function checkAtLeast(owner: string, name: string, value: unknown, least: number): void {
  check(owner, name, value, (x) => x >= least && x < Infinity, `a finite number of at least ${least}`);
}

/** Refuses what is not a finite number. */
export function checkFinite(owner: string, name: string, value: unknown): void {
  check(owner, name, value, Number.isFinite, 'a finite number');
}

/** Refuses what is not a finite number above 0. */
export function checkPositive(owner: string, name: string, value: unknown): void {
  check(owner, name, value, (x) => x > 0 && x < Infinity, 'a finite number above 0');
}

/** Refuses what lies outside [low, high). */
export function checkBelow(owner: string, name: string, value: unknown, low: number, high: number): void {
  check(owner, name, value, (x) => x >= low && x < high, `a number from ${low} up to, but without, ${high}`);
}

/** Refuses what lies outside [low, high]. */
export function checkWithin(owner: string, name: string, value: unknown, low: number, high: number): void {
  check(owner, name, value, (x) => x >= low && x <= high, `a number from ${low} to ${high}`);
}

/** Refuses what is not a whole number from `least` up. */
export function checkCount(owner: string, name: string, value: unknown, least: number): void {
  check(owner, name, value, (x) => Number.isSafeInteger(x) && x >= least, `a whole number of at least ${least}`);
}

/** Refuses what is neither true nor false. */
export function checkFlag(owner: string, name: string, value: unknown): void {
  if (typeof value === 'boolean') return;
  throw new ArgumentError(`${owner}: ${name} is ${String(value)} (${typeof value}), expected true or false`, {
    argument: name,
    expected: 'true or false',
    received: typeof value,
  });
}

/** Refuses what is none of the given words. */
export function checkChoice(owner: string, name: string, value: unknown, choices: readonly string[]): void {
  if (choices.includes(value as string)) return;
  const expected = choices.map((choice) => `'${choice}'`).join(' or ');
  throw new ArgumentError(`${owner}: ${name} is '${String(value)}', expected ${expected}`, {
    argument: name,
    expected,
    received: String(value),
  });
}

/**
 * Options over their defaults. Refuses names that are not options: a misspelt one (or PyTorch's `weight_decay`) would otherwise
 * silently leave the default in place.
 */
export function withDefaults<O extends object>(owner: string, defaults: O, options: Partial<O>): O {
  const result = { ...defaults };
  for (const key of Object.keys(options) as (keyof O & string)[]) {
    if (!Object.hasOwn(defaults, key)) {
      const known = Object.keys(defaults).join(', ');
      throw new ArgumentError(`${owner}: there is no option '${key}'; the options are ${known}`, {
        argument: key,
        expected: `one of ${known}`,
        received: key,
      });
    }
    const value = options[key];
    if (value !== undefined) result[key] = value;
  }
  return result;
}
