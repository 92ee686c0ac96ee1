import { ArgumentError, detach, Tensor } from '@rnn/core';
import { refuse } from '@rnn/core/checks';
import { besideOf, putBeside } from './beside.js';
import { Parameter } from './parameter.js';

/** What a clone has to know of modules; they import this file. */
export interface CloneKinds<M extends object> {
  isModule(value: object): value is M;
  /** A module's own way to be cloned, where its class has one. */
  ownClone(module: M): (() => M) | undefined;
  /** The names of a module's buffers, with whether each is in the state dict. */
  buffersOf(module: M): ReadonlyMap<string, boolean> | undefined;
  setBuffers(module: M, buffers: ReadonlyMap<string, boolean>): void;
}

/**
 * A module with parameters and buffers of its own, and the same values. What the original holds
 * twice, the clone holds twice.
 *
 * @param root - the module
 * @param kinds - what modules are
 */
export function cloneModule<M extends object>(root: M, kinds: CloneKinds<M>): M {
  const copies = new Map<object, unknown>();

  const copyOf = (value: unknown, path: string): unknown => {
    if (typeof value === 'function') checkFunction(root, path, value);
    if (typeof value !== 'object' || value === null) return value;
    const known = copies.get(value);
    if (known !== undefined) return known;
    if (value instanceof Parameter) return remember(value, parameterOf(value));
    // Values are shared until one of them is changed: a change puts new ones in their place.
    if (value instanceof Tensor) return remember(value, detach(value).keep());
    if (kinds.isModule(value)) {
      const own = value === root ? undefined : kinds.ownClone(value);
      return own === undefined ? moduleOf(value, path) : remember(value, own());
    }
    if (Array.isArray(value)) {
      const list = remember<unknown[]>(value, []);
      value.forEach((item, i) => list.push(copyOf(item, `${path}[${i}]`)));
      return list;
    }
    if (value instanceof Map) {
      const map = remember(value, new Map<unknown, unknown>());
      for (const [key, item] of value) map.set(copyOf(key, path), copyOf(item, `${path}.${String(key)}`));
      return map;
    }
    if (value instanceof Set) {
      const set = remember(value, new Set<unknown>());
      for (const item of value) set.add(copyOf(item, path));
      return set;
    }
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype !== null && prototype !== Object.prototype) return value; // a generator, a backend, an object of another class
    return withProperties(value, remember(value, Object.create(prototype) as object), path);
  };

  const remember = <T>(value: object, copy: T): T => {
    copies.set(value, copy);
    return copy;
  };

  const moduleOf = (module: M, path: string): M => {
    const copy = remember(module, Object.create(Object.getPrototypeOf(module) as object) as M);
    const beside = besideOf(module);
    if (beside !== undefined) putBeside(copy, beside as object);
    const buffers = kinds.buffersOf(module);
    if (buffers !== undefined) kinds.setBuffers(copy, new Map(buffers));
    return withProperties(module, copy, path);
  };

  /** Own properties, hidden ones and those under symbols too, with copies as their values. */
  const withProperties = <T extends object>(from: object, to: T, path: string): T => {
    for (const key of Reflect.ownKeys(from)) {
      const property = Object.getOwnPropertyDescriptor(from, key) as PropertyDescriptor;
      const name = path === '' ? String(key) : `${path}.${String(key)}`;
      if ('value' in property) property.value = copyOf(property.value, name);
      Object.defineProperty(to, key, property);
    }
    return to;
  };

  try {
    return moduleOf(root, '');
  } catch (error) {
    for (const copy of copies.values()) if (copy instanceof Tensor) copy.dispose();
    throw error;
  }
}

function parameterOf(parameter: Parameter): Parameter {
  return new Parameter(parameter, { requiresGrad: parameter.requiresGrad });
}

/**
 * Refuses a function that works with the original: the clone would compute with the original's
 * weights.
 */
function checkFunction(root: object, path: string, fn: object): void {
  const text = Function.prototype.toString.call(fn);
  const isBound = 'name' in fn && String(fn.name).startsWith('bound ');
  const isClass = /^class\b/.test(text);
  if (isClass || (!isBound && !/\bthis\b/.test(text))) return;
  refuse(ArgumentError, 'clone', path, {
    received: `a function of one ${root.constructor.name} alone, ${isBound ? 'bound to it' : 'which says `this`'}`,
    expected: 'a method',
    hint: `write it as one, \`name(...) { }\`, or give the class a \`clone()\` of its own`,
  });
}
