import { ArgumentError, Tensor } from '@rnn/core';

/** Tells modules and parameters apart from other values. */
export interface MemberKinds<M extends object, P extends object> {
  isModule(value: object): value is M;
  isParameter(value: object): value is P;
}

/** A value that has no name in a state dict, though it may hold modules or parameters. */
interface Nameless {
  readonly path: string;
  readonly value: object;
  /** Why it has no name: the end of a sentence. */
  readonly reason: string;
}

/** What one object holds itself; a value that stands under two names is listed under both. */
export interface Members<M extends object, P extends object> {
  readonly modules: readonly (readonly [name: string, module: M])[];
  readonly parameters: readonly (readonly [name: string, parameter: P])[];
  readonly nameless: readonly Nameless[];
}

/** Members while they are collected. */
interface Found<M extends object, P extends object> {
  readonly modules: [string, M][];
  readonly parameters: [string, P][];
  readonly nameless: Nameless[];
}

/**
 * The modules and parameters in an object's own enumerable properties, in order of definition.
 * Arrays, plain objects, `Map` and `Set` are looked through: an element is named `list.0`,
 * `object.key`, `map.key`, `set.0` (by insertion order), as PyTorch names the members of
 * `ModuleList` and `ModuleDict`. Class fields are such properties, so a module needs to register
 * nothing.
 *
 * @param holder - the object; what is a module or a parameter is not looked into
 * @param kinds - what modules and parameters are
 * @throws ArgumentError when a name is empty or has a dot, or two values of a collection have one
 *   name
 */
export function membersOf<M extends object, P extends object>(holder: object, kinds: MemberKinds<M, P>): Members<M, P> {
  const found: Found<M, P> = { modules: [], parameters: [], nameless: [] };
  collect(holder, '', kinds, new Set(), found);
  return found;
}

function collect<M extends object, P extends object>(
  holder: object,
  prefix: string,
  kinds: MemberKinds<M, P>,
  open: Set<object>,
  found: Found<M, P>,
): void {
  open.add(holder);
  for (const [key, value] of entriesOf(holder)) {
    if (!isReference(value)) continue;
    if (kinds.isModule(value) || kinds.isParameter(value)) {
      if (typeof key !== 'string') {
        found.nameless.push({ path: `${prefix}${shownKey(key)}`, value, reason: 'a key that is no text has no name' });
        continue;
      }
      checkName(key, prefix, value);
      if (kinds.isModule(value)) found.modules.push([prefix + key, value]);
      else found.parameters.push([prefix + key, value]);
    } else if (isCollection(value)) {
      if (typeof key !== 'string') {
        found.nameless.push({ path: `${prefix}${shownKey(key)}`, value, reason: 'a key that is no text has no name' });
      } else if (!open.has(value)) {
        const before = found.modules.length + found.parameters.length;
        collect(value, `${prefix}${key}.`, kinds, open, found);
        if (found.modules.length + found.parameters.length > before) checkName(key, prefix, value);
      }
    } else if (!isLeaf(value)) {
      const reason = `${nameOfClass(value)} is neither a Module nor an array, plain object, Map or Set`;
      found.nameless.push({ path: `${prefix}${typeof key === 'string' ? key : shownKey(key)}`, value, reason });
    }
  }
  open.delete(holder); // a list under two names is listed under both; only a list within itself is not walked again
}

/**
 * Refuses modules and parameters that can be reached from a module but have no name, unless they
 * are also among those with a name: their weights would be missing in the optimiser and in every
 * file.
 *
 * @param owner - the module's class, for the message
 * @param nameless - from all modules of the tree, with full paths
 * @param known - modules and parameters that have a name
 * @throws ArgumentError that names what was found and where
 */
export function checkAllNamed<M extends object, P extends object>(
  owner: string,
  nameless: readonly Nameless[],
  known: ReadonlySet<object>,
  kinds: MemberKinds<M, P>,
): void {
  const seen = new Set<object>();
  for (const { path, value, reason } of nameless) {
    const lost = firstLost(path, value, known, kinds, seen);
    if (lost === undefined) continue;
    const kind = nameOfClass(lost.value);
    throw new ArgumentError(
      `${owner}: ${lost.path} is a ${kind} that is not found, since ${reason}; keep it in a property, array, plain object, Map (with texts as keys) or Set of a module. If it is no part of ${owner}, keep it in a #private field`,
      { argument: path, expected: 'modules and parameters with a name', received: kind },
    );
  }
}

/**
 * The first module or parameter behind a value, without recursion, since foreign objects may be
 * linked lists.
 */
function firstLost<M extends object, P extends object>(
  path: string,
  start: object,
  known: ReadonlySet<object>,
  kinds: MemberKinds<M, P>,
  seen: Set<object>,
): { readonly path: string; readonly value: object } | undefined {
  const queue = [{ path, value: start }];
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    const { value } = next;
    if (seen.has(value) || known.has(value)) continue;
    seen.add(value);
    if (kinds.isModule(value) || kinds.isParameter(value)) return next;
    if (isLeaf(value)) continue;
    for (const [key, inner] of entriesOf(value)) {
      if (isReference(key)) queue.push({ path: `${next.path}'s keys`, value: key });
      if (isReference(inner)) queue.push({ path: `${next.path}.${shownKey(key)}`, value: inner });
    }
  }
  return undefined;
}

/**
 * Own enumerable properties, and the entries of a `Map` or `Set`. A key is a text unless it cannot
 * be a name.
 */
function* entriesOf(holder: object): Iterable<readonly [key: unknown, value: unknown]> {
  if (Array.isArray(holder)) {
    // A long list of numbers is walked without a text for each position.
    for (let i = 0; i < holder.length; i++) if (isReference(holder[i])) yield [String(i), holder[i]];
    return;
  }
  if (isMap(holder)) yield* mapEntries(holder);
  else if (isSet(holder)) {
    let position = 0;
    for (const value of Set.prototype.values.call(holder)) yield [String(position++), value];
  }
  for (const key of Object.keys(holder)) yield [key, (holder as Record<string, unknown>)[key]];
  for (const key of Object.getOwnPropertySymbols(holder)) {
    if (Object.prototype.propertyIsEnumerable.call(holder, key)) yield [key, (holder as Record<symbol, unknown>)[key]];
  }
}

function* mapEntries(map: object): Iterable<readonly [key: unknown, value: unknown]> {
  const names = new Set<string>();
  for (const [key, value] of Map.prototype.entries.call(map) as Iterable<[unknown, unknown]>) {
    const name = typeof key === 'string' || Number.isSafeInteger(key) ? String(key) : undefined;
    if (name !== undefined && names.has(name)) {
      throw new ArgumentError(
        `a module: a Map in it has two keys that read '${name}', a number and a text, expected one name for each value`,
        { expected: 'different names', received: name },
      );
    }
    if (name !== undefined) names.add(name);
    yield [name ?? key, value];
  }
}

function checkName(key: string, prefix: string, value: object): void {
  if (key !== '' && !key.includes('.')) return;
  const kind = nameOfClass(value);
  throw new ArgumentError(
    `a module: '${prefix}${key}' holds a ${kind}, but its key is ${key === '' ? 'empty' : `'${key}' with a dot, which separates the names of a state dict`}; expected a key with at least one letter and no dot`,
    { argument: `${prefix}${key}`, expected: 'a key without dots', received: key },
  );
}

function isReference(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}

/** Arrays, plain objects (without a prototype, too), maps and sets, of any realm. */
function isCollection(value: object): boolean {
  if (Array.isArray(value) || isMap(value) || isSet(value)) return true;
  if (typeof value === 'function') return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** What holds no modules: tensors and binary data. */
function isLeaf(value: object): boolean {
  return value instanceof Tensor || ArrayBuffer.isView(value) || value instanceof ArrayBuffer;
}

function isMap(value: object): boolean {
  return value instanceof Map || Object.prototype.toString.call(value) === '[object Map]';
}

function isSet(value: object): boolean {
  return value instanceof Set || Object.prototype.toString.call(value) === '[object Set]';
}

function shownKey(key: unknown): string {
  if (typeof key === 'string') return key;
  return `[${isReference(key) ? nameOfClass(key) : String(key)}]`;
}

function nameOfClass(value: object): string {
  if (typeof value === 'function') return 'function';
  return (Object.getPrototypeOf(value) as { constructor?: { name?: string } } | null)?.constructor?.name || 'object';
}
