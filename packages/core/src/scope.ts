import { ArgumentError } from './errors.js';

/** Something with memory to give back. */
export interface Disposable {
  dispose(): void;
}

/** Something that scopes may look after. */
export interface Tracked extends Disposable {
  /** @internal What the scope that will free it holds; `undefined` when none will. */
  caretaker: Set<Tracked> | undefined;
}

/** What the innermost open scope is to free, or `undefined` outside all scopes. */
let open: Set<Tracked> | undefined;

/** Puts something into the care of the innermost open scope. */
export function track(resource: Tracked): void {
  untrack(resource);
  resource.caretaker = open;
  open?.add(resource);
}

/** Takes something out of all care, so that it outlives the scope that it was made in, whichever is open now. */
export function untrack(resource: Tracked): void {
  resource.caretaker?.delete(resource);
  resource.caretaker = undefined;
}

/** Whether the innermost open scope is to free this: nobody outside of it can hold it. */
export function isOwn(resource: Tracked): boolean {
  return open !== undefined && resource.caretaker === open;
}

/**
 * Runs a function as if no scope were open: for tensors that must outlive whatever scope they happen to be made in, such as the state
 * of an optimiser.
 *
 * @example
 * ```ts
 * const momentum = unscoped(() => zeros([3]));   // whoever holds it disposes of it
 * ```
 * @param fn - a synchronous function
 * @returns what `fn` returned
 */
export function unscoped<R>(fn: () => R): R {
  return within(undefined, fn);
}

function within<R>(care: Set<Tracked> | undefined, fn: () => R): R {
  const outer = open;
  open = care;
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
 * const sum = scope(() => {
 *   const squares = tensor([1, 2, 3]).square();   // freed at the end, and so is the tensor before it
 *   return squares.sum();                         // stays
 * });
 * ```
 * @param fn - a synchronous function; the tensors in what it returns (also inside arrays, plain objects, maps) are kept and pass to
 *   the enclosing scope
 * @returns what `fn` returned
 * @throws ArgumentError when `fn` returns a promise, since its end cannot be known: `await` outside the scope. Whatever `fn` throws
 *   passes through, and everything made inside is freed.
 */
export function scope<R>(fn: () => R): R {
  const mine = new Set<Tracked>();
  try {
    const result = within(mine, fn);
    if (typeof (result as PromiseLike<unknown> | undefined)?.then === 'function') {
      throw new ArgumentError(
        'scope: fn returned a promise, expected a synchronous function: a scope frees its tensors when the function returns, so `await` outside of it',
        { argument: 'fn', expected: 'a synchronous function', received: 'a promise' },
      );
    }
    if (mine.size > 0) handOver(mine, result);
    return result;
  } finally {
    for (const resource of mine) resource.dispose();
  }
}

/** Gives what is part of a scope's result to the enclosing scope. */
function handOver(mine: Set<Tracked>, result: unknown): void {
  visit(result, new Set(), (resource) => {
    if (mine.has(resource as Tracked)) track(resource as Tracked);
  });
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
