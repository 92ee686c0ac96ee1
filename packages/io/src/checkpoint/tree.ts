import { ArgumentError, FormatError, Tensor, type TypedArray } from '@rnn/core';
import { refuse } from '@rnn/core/checks';

/** What JSON lacks is an object with this key, which says of what kind it is. */
const KIND = '$';

/** Values within values within values: nothing that is worth keeping goes deeper. */
const DEEPEST = 100;

/** A value as JSON, and the tensors and arrays in it by name. */
export interface Flat {
  readonly json: unknown;
  readonly tensors: Readonly<Record<string, Tensor | { readonly shape: readonly number[]; readonly data: TypedArray }>>;
}

/**
 * Takes a value apart into JSON and tensors. Numbers keep every value that they can have, NaN, the
 * infinities and -0 included; maps, sets, bigints and `undefined` stay what they are.
 *
 * @throws ArgumentError when something in it is none of that
 */
export function flatten(root: unknown): Flat {
  const tensors = new Map<string, Flat['tensors'][string]>();
  const named = (path: string, tensor: Flat['tensors'][string]): string => {
    let name = path;
    for (let i = 2; tensors.has(name) || name === '__metadata__'; i++) name = `${path}#${i}`;
    tensors.set(name, tensor);
    return name;
  };
  const visit = (value: unknown, path: string, depth: number): unknown => {
    if (depth > DEEPEST) {
      refuse(ArgumentError, 'saveCheckpoint', `'${path}'`, {
        received: `more than ${DEEPEST} levels deep`,
        expected: 'a value that does not hold itself',
      });
    }
    if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
    if (typeof value === 'number') {
      const isPlain = Number.isFinite(value) && !Object.is(value, -0);
      return isPlain ? value : { [KIND]: 'number', value: Object.is(value, -0) ? '-0' : String(value) };
    }
    if (typeof value === 'bigint') return { [KIND]: 'bigint', value: String(value) };
    if (value === undefined) return { [KIND]: 'undefined' };
    if (value instanceof Tensor) return { [KIND]: 'tensor', name: named(path, value) };
    if (value instanceof Float32Array || value instanceof Float64Array || value instanceof Int32Array) {
      return { [KIND]: 'array', name: named(path, { shape: [value.length], data: value }) };
    }
    const below = (item: unknown, key: string | number): unknown =>
      visit(item, path === '' ? String(key) : `${path}.${key}`, depth + 1);
    if (Array.isArray(value)) return value.map(below);
    if (value instanceof Set) return { [KIND]: 'set', items: [...(value as Set<unknown>)].map(below) };
    if (value instanceof Map) {
      return {
        [KIND]: 'map',
        items: [...(value as Map<unknown, unknown>)].map((pair, i) => pair.map((item) => below(item, i))),
      };
    }
    if (typeof value !== 'object' || !isPlainObject(value)) {
      return refuse(ArgumentError, 'saveCheckpoint', `'${path}'`, {
        value,
        expected: 'a plain value, a tensor, or a part with stateDict() and loadStateDict()',
      });
    }
    const entries = Object.entries(value).map(([key, item]): [string, unknown] => [key, below(item, key)]);
    return Object.hasOwn(value, KIND) ? { [KIND]: 'object', items: entries } : Object.fromEntries(entries);
  };
  const json = visit(root, '', 0);
  return { json, tensors: Object.fromEntries(tensors) };
}

/** The reverse of `flatten`; `tensors` are those of the file, each as the caller wants it. */
export function unflatten(
  root: unknown,
  tensorOf: (name: string) => unknown,
  arrayOf: (name: string) => TypedArray,
): unknown {
  const visit = (value: unknown, depth: number): unknown => {
    // A list or a map takes two levels of JSON for one of its own.
    if (depth > 3 * DEEPEST) throw new FormatError('checkpoint: its values lie too many levels deep');
    const below = (item: unknown): unknown => visit(item, depth + 1);
    if (Array.isArray(value)) return value.map(below);
    if (typeof value !== 'object' || value === null) return value;
    if (!Object.hasOwn(value, KIND)) {
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, below(item)]));
    }
    const { [KIND]: kind, name, value: text, items } = value as Record<string, unknown>;
    switch (kind) {
      case 'number':
        return specialNumber(text);
      case 'bigint':
        return wholeNumber(text);
      case 'undefined':
        return undefined;
      case 'tensor':
        return tensorOf(String(name));
      case 'array':
        return arrayOf(String(name));
      case 'set':
        return new Set(list(items).map(below));
      case 'map':
        return new Map(list(items).map((pair) => list(below(pair)) as [unknown, unknown]));
      case 'object':
        return Object.fromEntries(list(items).map((pair) => [String(list(pair)[0]), below(list(pair)[1])]));
      default:
        throw new FormatError(`checkpoint: it holds a value of the unknown kind '${String(kind)}'`);
    }
  };
  return visit(root, 0);
}

function specialNumber(text: unknown): number {
  if (!/^(NaN|-?Infinity|-0)$/.test(String(text)))
    throw new FormatError('checkpoint: a number is none that JSON lacks');
  return Number(text);
}

function wholeNumber(text: unknown): bigint {
  if (!/^-?\d+$/.test(String(text)))
    throw new FormatError('checkpoint: a whole number has other characters than digits');
  return BigInt(String(text));
}

function list(value: unknown): unknown[] {
  if (!Array.isArray(value)) throw new FormatError('checkpoint: a list is missing where one belongs');
  return value as unknown[];
}

function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
