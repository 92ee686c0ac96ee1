import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './documents.ts';

/**
 * The rows of a document's tables under a first column of the given name, each a list of its cells.
 */
export function tableRows(path: string, firstColumn: string): string[][] {
  const lines = readFileSync(join(root, path), 'utf8').split('\n');
  const rows: string[][] = [];
  let inside = false;
  for (const line of lines) {
    const cells = line.startsWith('|')
      ? line
          .split('|')
          .slice(1, -1)
          .map((cell) => cell.trim())
      : undefined;
    if (!cells) inside = false;
    else if (cells[0] === firstColumn) inside = true;
    else if (inside && !/^-+$/.test(cells[0] ?? '')) rows.push(cells);
  }
  return rows;
}
