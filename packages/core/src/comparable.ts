import type { Backend, Storage } from './backend.js';
import type { TypedArray } from './dtype.js';

/** What a tensor shows to whoever compares its numbers. */
interface Subject {
  readonly isDisposed: boolean;
  /** Where the numbers really are. */
  readonly home: { readonly backend: Backend; readonly storage: Storage };
}

/**
 * The name of a tensor's only own property beside shape and size. `assert.deepStrictEqual` and
 * `toEqual` compare own enumerable properties, ones with such names included; `structuredClone`,
 * `Object.keys` and JSON pass over them.
 */
export const numbers: unique symbol = Symbol('numbers');

/**
 * An object whose one property, `data`, is a tensor's numbers, read when they are looked at. An
 * accessor on the tensor itself would do the same, but takes longer to define than many an
 * operation does to run.
 *
 * On a backend that answers only later, a word stands in the place of numbers: the same for tensors
 * that share their storage, another for any two others. So different numbers never pass for equal
 * there, and equal ones only where they are the same memory.
 */
export function comparableNumbers(tensor: Subject): object {
  return new Proxy(tensor, reader);
}

const reader: ProxyHandler<Subject> = {
  get: (tensor, key) => (key === 'data' ? numbersOf(tensor) : undefined),
  has: (_, key) => key === 'data',
  ownKeys: () => ['data'],
  getOwnPropertyDescriptor: (tensor, key) =>
    key === 'data' ? { value: numbersOf(tensor), enumerable: true, configurable: true } : undefined,
  getPrototypeOf: () => Object.prototype,
};

function numbersOf({ isDisposed, home: { backend, storage } }: Subject): TypedArray | symbol | undefined {
  if (isDisposed) return undefined;
  return backend.info.synchronous ? backend.readSync(storage) : wordFor(storage, backend.info.name);
}

const words = new WeakMap<Storage, symbol>();

function wordFor(storage: Storage, name: string): symbol {
  let word = words.get(storage);
  if (word === undefined) words.set(storage, (word = Symbol(`on ${name}: await data() to see the numbers`)));
  return word;
}
