/** The lines behind each chapter, as they stand in the files that run. */
import { readFile } from 'node:fs/promises';
import type { Screen } from './screen.ts';

/** Some top-level functions, classes and constants of a file in `src/chapters`. */
export interface Excerpt {
  readonly file: string;
  readonly names: readonly string[];
}

/** Shows excerpts with the comments in front of them. */
export async function showCode(screen: Screen, excerpts: readonly Excerpt[]): Promise<void> {
  for (const { file, names } of excerpts) {
    const source = await readFile(new URL(`../chapters/${file}`, import.meta.url), 'utf8');
    screen.print(screen.paint('dim', `  // apps/playground/src/chapters/${file}`));
    for (const name of names) for (const line of declarationOf(source, name)) screen.print(`  ${line}`.trimEnd());
    screen.print();
  }
}

/** The lines of a declaration: from its name to the first line that is not indented. */
function declarationOf(source: string, name: string): string[] {
  const lines = source.split('\n');
  const first = lines.findIndex((line) =>
    new RegExp(`^(export )?(async )?(class|function|const) ${name}\\b`).test(line),
  );
  if (first < 0) throw new RangeError(`there is no ${name}`);
  const isOneLine = lines[first].endsWith(';');
  const length = isOneLine
    ? 1
    : lines.slice(first + 1).findIndex((line) => /^[}\])]/.test(line) && !/^\)?.*\{$/.test(line)) + 2;
  return lines.slice(first, first + length);
}
