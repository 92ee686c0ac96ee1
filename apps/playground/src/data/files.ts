import { readFile } from 'node:fs/promises';

/** The text of a file in `data/`. A web page has the same function over `fetch`. */
export function readData(name: string): Promise<string> {
  return readFile(new URL(`../../data/${name}`, import.meta.url), 'utf8');
}
