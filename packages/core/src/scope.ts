import { ArgumentError } from './errors.js';

/** Something with memory to give back. */
export interface Disposable {
  dispose(): void;
}

/** What was made in the innermost open scope, or `undefined` outside all scopes. */
let open: Set<Disposable> | undefined;

/** Puts something new in the care of the innermost open scope. */
export function track(resource: Disposable): void {
  open?.add(resource);
}

/** Takes something out of the innermost scope's care, so that it outlives it. */
export function untrack(resource: Disposable): void {
  open?.delete(resource);
}

/** Runs `fn` as if no scope were open: what it makes belongs to nobody but its holder. */
export function unscoped<R>(fn: () => R): R {
  const outer = open;
  open = undefined;
  try {
    return fn();
  } finally {
    open = outer;
  }
}

/**
 * Runs a function and frees every tensor that was made inside and is not part of what it returns. A training step in a scope leaves
 * the memory as it found it; gradients and parameters stay, since they belong to the model.
 *
 * @example
 * ```ts
 * const loss = scope(() => {
 *   const loss = mseLoss(model.forward(x), y);
 *   loss.backward();
 *   optimizer.step();
 *   return loss.item();
 * });
 * ```
 * @param fn - a synchronous function; the tensors in what it returns (also inside arrays, plain objects, maps) are kept and pass to
 *   the enclosing scope
 * @returns what `fn` returned
 * @throws ArgumentError when `fn` returns a promise, since its end cannot be known: `await` outside the scope
 */
export function scope<R>(fn: () => R): R {
  const outer = open;
  const mine = new Set<Disposable>();
  open = mine;
  let result: R;
  try {
    result = fn();
    if (typeof (result as PromiseLike<unknown> | undefined)?.then === 'function') {
      throw new ArgumentError(
        'scope: the function returned a promise; a scope frees its tensors when the function returns, so `await` outside of it',
        { argument: 'fn', expected: 'a synchronous function' },
      );
    }
    if (mine.size > 0) release(mine, outer, result);
  } catch (error) {
    for (const resource of mine) resource.dispose();
    throw error;
  } finally {
    open = outer;
  }
  return result;
}

function release(mine: Set<Disposable>, outer: Set<Disposable> | undefined, result: unknown): void {
  visit(result, new Set(), (resource) => {
    if (mine.delete(resource)) outer?.add(resource);
  });
  for (const resource of mine) resource.dispose();
  mine.clear();
}

/** Finds the resources in a value, through arrays, maps, sets and plain objects. */
function visit(value: unknown, seen: Set<object>, found: (resource: Disposable) => void): void {
  if (typeof value !== 'object' || value === null || seen.has(value)) return;
  seen.add(value);
  if (typeof (value as Partial<Disposable>).dispose === 'function') found(value as Disposable);
  else if (Array.isArray(value) || value instanceof Set) for (const item of value) visit(item, seen, found);
  else if (value instanceof Map) for (const item of value.values()) visit(item, seen, found);
  else if (!ArrayBuffer.isView(value)) for (const item of Object.values(value)) visit(item, seen, found);
}
