import type { Parameter } from '@rnn/nn';

/** Puts a parameter where its name leads; false where something else stands on the way. */
export function hold(module: object, path: readonly string[], parameter: Parameter): boolean {
  if (path.includes('')) return false;
  let holder = module;
  for (const part of path.slice(0, -1)) {
    if (!(part in holder)) define(holder, part, Object.create(null) as object);
    const next = (holder as Record<string, unknown>)[part];
    if (typeof next !== 'object' || next === null || Object.getPrototypeOf(next) !== null) return false;
    holder = next;
  }
  const last = path[path.length - 1];
  if (last in holder) return false;
  define(holder, last, parameter);
  return true;
}

function define(holder: object, key: string, value: object): void {
  Object.defineProperty(holder, key, { value, enumerable: true, writable: true, configurable: true });
}
