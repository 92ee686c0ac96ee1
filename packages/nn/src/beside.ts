/** What belongs to a module but is none of its fields. */

/** By module, the value that was put beside it. */
const values = new WeakMap<object, unknown>();

/**
 * Keeps a value beside a module: it has no name in the state dict, is not looked into, and is no
 * field that is compared when a remembered trace is looked for. A clone of the module has the same
 * value, so it must not change.
 *
 * @param module - whose value it is
 * @param value - an object
 */
export function putBeside(module: object, value: object): void {
  values.set(module, value);
}

/** The value beside a module; `undefined` where there is none. */
export function besideOf(module: object): unknown {
  return values.get(module);
}
