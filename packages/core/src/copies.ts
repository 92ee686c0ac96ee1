import { version } from '../package.json';

/** A loaded copy of this package. */
interface Copy {
  readonly version: string;
  /** The address of its code. */
  readonly place: string;
  /** The name of the backend that was set on it. */
  backend: string | undefined;
}

/**
 * All copies in this JavaScript realm. A tensor or the current backend of one copy is unknown to
 * another, which otherwise shows only in errors that seem to make no sense; so copies of any
 * version enter themselves here, under a key that they share.
 */
const registry = globalThis as { [key: symbol]: Copy[] | undefined };
const copies: Copy[] = (registry[Symbol.for('@rnn/core.copies')] ??= []);
const own: Copy = { version, place: placeOf(import.meta.url), backend: undefined };

// A development server loads a module again after a change, and takes the place of what was there.
const before = copies.findIndex(({ place, version }) => place === own.place && version === own.version);
copies.splice(before < 0 ? copies.length : before, before < 0 ? 0 : 1, own);

/**
 * An address without its query, by which development servers tell the versions of one file apart.
 */
function placeOf(url: string | undefined): string {
  return url?.replace(/[?#].*$/s, '') ?? 'a bundle';
}

/** Remembers, for the other copies, that this one has a backend. */
export function noteBackend(name: string): void {
  own.backend = name;
}

/** What an error has to say when there are several copies; nothing when this is the only one. */
export function copiesNote(): string {
  if (copies.length === 1) return '';
  const list = copies.map((copy) => {
    const backend = copy.backend === undefined ? 'no backend set' : `backend '${copy.backend}'`;
    return `${copy.version} at ${copy.place} (${copy === own ? 'this one, ' : ''}${backend})`;
  });
  return `\n${copies.length} copies of @rnn/core are loaded, and none knows the tensors or the backend of another: ${list.join(', ')}. Make every package use one: see \`npm ls @rnn/core\`, then update or \`npm dedupe\``;
}
