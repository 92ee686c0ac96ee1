import { ambient, during } from './ambient.js';
import { synchronous } from './checks/refusal.js';
import { checkFunction } from './checks/values.js';

/** Something with memory to give back. */
export interface Disposable {
  dispose(): void;
}

/**
 * What an open scope is to free: a list that runs through the resources themselves, so that
 * entering and leaving it allocate nothing.
 */
interface Owner {
  first: Tracked | undefined;
}

/** What may see the private fields of what scopes look after. */
interface Friends {
  readonly track: (resource: Tracked) => void;
  readonly untrack: (resource: Tracked) => void;
  readonly isIn: (value: object, owner: Owner) => boolean;
}
let friends: Friends;

/**
 * Something that scopes may look after. Its place in the list of a scope is private, so that
 * whoever compares, copies or prints such a thing does not follow the list to all its neighbours.
 */
export abstract class Tracked implements Disposable {
  /** The scope that will free it; `undefined` when none will. */
  #owner: Owner | undefined;
  /** Its neighbours in the list of that scope. */
  #previous: Tracked | undefined;
  #next: Tracked | undefined;

  static {
    const untrack = (resource: Tracked): void => {
      const owner = resource.#owner;
      if (owner === undefined) return;
      const previous = resource.#previous;
      const next = resource.#next;
      if (previous === undefined) owner.first = next;
      else previous.#next = next;
      if (next !== undefined) next.#previous = previous;
      resource.#owner = resource.#previous = resource.#next = undefined;
    };
    const track = (resource: Tracked): void => {
      if (resource.#owner !== undefined) untrack(resource);
      const open = ambient.scope.value as Owner | undefined;
      if (open === undefined) {
        resource.onEscape();
        return;
      }
      const { first } = open;
      resource.#owner = open;
      resource.#next = first;
      if (first !== undefined) first.#previous = resource;
      open.first = resource;
    };
    friends = { track, untrack, isIn: (value, owner) => #owner in value && value.#owner === owner };
  }

  abstract dispose(): void;

  /** @internal Called when no scope looks after it any more. */
  abstract onEscape(): void;

  /** @internal Whether no scope looks after it. */
  get hasEscaped(): boolean {
    return this.#owner === undefined;
  }
}

const { isIn } = friends;

/** Puts something into the care of the innermost open scope. */
export const track: (resource: Tracked) => void = friends.track;

/**
 * Takes something out of all care, so that it outlives the scope that it was made in, whichever is
 * open now.
 */
export const untrack: (resource: Tracked) => void = friends.untrack;

/** Whether the innermost open scope is to free this: nobody outside of it can hold it. */
export function isOwned(resource: Tracked): boolean {
  return ambient.scope.value !== undefined && isIn(resource, ambient.scope.value as Owner);
}

/**
 * Runs a function as if no scope were open: for tensors that must outlive whatever scope they
 * happen to be made in, such as the state of an optimiser.
 *
 * @example
 * ```ts
 * const momentum = unscoped(() => zeros([3]));   // whoever holds it disposes of it
 * ```
 * @param fn - a synchronous function
 * @returns what `fn` returned
 */
export function unscoped<R>(fn: () => R): R {
  checkFunction('unscoped', 'fn', fn);
  return during(ambient.scope, undefined, fn);
}

/**
 * Runs a function and frees every tensor that was made inside and is not part of what it returns. A
 * training step in a scope leaves the memory as it found it; gradients and parameters stay, since
 * they belong to the model.
 *
 * @example
 * ```ts
 * const sum = scope(() => {
 *   const squares = tensor([1, 2, 3]).square(); // freed at the end, and so is the tensor before it
 *   return squares.sum(); // stays
 * });
 * ```
 * @param fn - a synchronous function; the tensors in what it returns (also inside arrays, plain
 *   objects, maps) are kept and pass to the enclosing scope
 * @returns what `fn` returned
 * @throws ArgumentError when `fn` returns a promise, since its end cannot be known: `await` outside
 *   the scope. Whatever `fn` throws passes through, and everything made inside is freed.
 */
export function scope<R>(fn: () => R): R {
  checkFunction('scope', 'fn', fn);
  const mine: Owner = { first: undefined };
  try {
    const result = during(ambient.scope, mine, fn);
    synchronous('scope', result);
    if (mine.first !== undefined) handOver(mine, result);
    return result;
  } finally {
    for (let resource = mine.first; resource !== undefined; resource = mine.first) {
      resource.dispose();
      if (mine.first === resource) untrack(resource); // it should have left the list by itself
    }
  }
}

/** Gives what is part of a scope's result to the enclosing scope. */
function handOver(mine: Owner, result: unknown): void {
  if (!passOn(mine, result, 3)) visit(mine, result, new Set());
}

/**
 * The usual results, which need no search: nothing, a resource, lists and plain objects of
 * resources, so many levels deep. False for any other.
 */
function passOn(mine: Owner, value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (isDisposable(value)) {
    if (isIn(value, mine)) track(value as Tracked);
    return true;
  }
  if (ArrayBuffer.isView(value)) return true;
  if (levels === 0) return false;
  if (!Array.isArray(value)) {
    if (Object.getPrototypeOf(value) !== Object.prototype) return false;
    for (const name in value) if (!passOn(mine, (value as Record<string, unknown>)[name], levels - 1)) return false;
    return true;
  }
  for (const item of value) if (!passOn(mine, item, levels - 1)) return false;
  return true;
}

/** Finds the resources in a value, through arrays, maps, sets and plain objects. */
function visit(mine: Owner, value: unknown, seen: Set<object>): void {
  if (typeof value !== 'object' || value === null || seen.has(value)) return;
  seen.add(value);
  if (isDisposable(value)) {
    if (isIn(value, mine)) track(value as Tracked);
  } else if (Array.isArray(value) || value instanceof Set) for (const item of value) visit(mine, item, seen);
  else if (value instanceof Map) for (const item of value.values()) visit(mine, item, seen);
  else if (!ArrayBuffer.isView(value)) for (const item of Object.values(value)) visit(mine, item, seen);
}

function isDisposable(value: object): value is Disposable {
  return typeof (value as Partial<Disposable>).dispose === 'function';
}
