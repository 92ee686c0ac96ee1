/**
 * JSON has no NaN and no infinities: it would silently write null. In states they are written as
 * the texts that `Number` reads.
 */

type NonFinite = 'NaN' | 'Infinity' | '-Infinity' | '-0';

/** The number of a text that stands for one that JSON lacks; any other value as it is. */
export function fromJSONNumber<T>(value: T | NonFinite): T | number {
  return value === 'NaN' || value === 'Infinity' || value === '-Infinity' || value === '-0' ? Number(value) : value;
}

/** Plain values with texts in the place of NaN and infinities, deep. */
export function toJSONNumbers(value: unknown): unknown {
  return mapped(value, (item) => (typeof item === 'number' && !Number.isFinite(item) ? String(item) : item));
}

/** The reverse of `toJSONNumbers`. */
export function fromJSONNumbers<T>(value: T): T {
  return mapped(value, fromJSONNumber) as T;
}

/**
 * Plain objects and lists with every other value replaced; anything else, such as a tensor, is such
 * a value.
 */
function mapped(value: unknown, replace: (item: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => mapped(item, replace));
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) {
    return replace(value);
  }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapped(item, replace)]));
}

/**
 * Gives an object the method that `JSON.stringify` calls. It is not enumerable, so the object is
 * otherwise as before: comparisons and copies do not see it.
 *
 * @param state - the object
 * @param toJSON - what to write for it; texts in the place of NaN and infinities unless given
 * @returns the same object
 */
export function withToJSON<T extends object>(state: T, toJSON: () => unknown = () => toJSONNumbers({ ...state })): T {
  return Object.defineProperty(state, 'toJSON', { value: toJSON });
}
