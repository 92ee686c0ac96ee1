/** Names that can be seen at a place of a graph, while it is built. */
import type { HostArray } from './host-array.js';
import type { Value } from './value.js';

export interface Names {
  readonly outer: Names | undefined;
  /** A value where it is known before anything runs. */
  readonly known: Map<string, Value | undefined>;
  /** Numbers of weights, which have no value yet. */
  readonly numbers: Map<string, HostArray>;
}

export function isVisible(names: Names | undefined, name: string): boolean {
  for (let at = names; at !== undefined; at = at.outer) if (at.known.has(name)) return true;
  return false;
}

export function knownValue(names: Names, name: string): Value | undefined {
  for (let at: Names | undefined = names; at !== undefined; at = at.outer)
    if (at.known.has(name)) return at.known.get(name);
  return undefined;
}

export function numbersOf(names: Names, name: string): HostArray | undefined {
  for (let at: Names | undefined = names; at !== undefined; at = at.outer) {
    if (at.known.has(name)) return at.known.get(name)?.host ?? at.numbers.get(name);
  }
  return undefined;
}
