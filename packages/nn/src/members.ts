/**
 * What an object owns of one kind, by name: its own enumerable properties in order of definition, and the elements of arrays and plain
 * objects among them under `list.0`, `map.key`. Class fields are such properties, so a module needs to register nothing.
 *
 * @param holder - the object whose properties are looked through
 * @param isMember - whether a value is of the kind that is wanted; what is one is not looked into
 * @returns names and values; the same value may come under two names
 */
export function membersOf<T>(holder: object, isMember: (value: unknown) => value is T): [name: string, value: T][] {
  const found: [string, T][] = [];
  collect(holder, '', isMember, new Set(), found);
  return found;
}

function collect<T>(
  holder: object,
  prefix: string,
  isMember: (value: unknown) => value is T,
  seen: Set<object>,
  found: [string, T][],
): void {
  seen.add(holder);
  for (const [key, value] of Object.entries(holder) as [string, unknown][]) {
    if (typeof value !== 'object' || value === null) continue;
    if (isMember(value)) found.push([prefix + key, value]);
    else if (isCollection(value) && !seen.has(value)) collect(value, `${prefix}${key}.`, isMember, seen, found);
  }
  seen.delete(holder); // a list under two names is listed under both; only a list within itself is not walked again
}

function isCollection(value: object): boolean {
  return Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype;
}
