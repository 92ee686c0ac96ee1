import { showShape, type Tensor } from '@rnn/core';

/** A module of the tree and what it holds itself, without its children. */
export interface SummaryEntry {
  /** Path from the root, '' for the root. */
  readonly path: string;
  readonly type: string;
  readonly parameters: readonly (readonly [name: string, parameter: Tensor])[];
}

/**
 * A table of a model's parameters.
 *
 * @param entries - the modules in order; a shared parameter is to stand in one of them only
 * @returns lines with layer, parameter, shape and number of elements, and the total
 */
export function formatSummary(entries: readonly SummaryEntry[]): string {
  const rows: (readonly string[])[] = [['Layer', 'Parameter', 'Shape', 'Count']];
  let total = 0;
  let trainable = 0;
  for (const { path, type, parameters } of entries) {
    const layer = path === '' ? type : `${path}: ${type}`;
    if (parameters.length === 0) rows.push([layer, '', '', '']);
    parameters.forEach(([name, parameter], i) => {
      rows.push([i === 0 ? layer : '', name, showShape(parameter.shape), grouped(parameter.size)]);
      total += parameter.size;
      if (parameter.requiresGrad) trainable += parameter.size;
    });
  }
  const frozen = total === trainable ? '' : ` (${grouped(trainable)} trainable)`;
  rows.push(['Total', '', '', grouped(total)]);
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => (column === 3 ? cell.padStart(widths[column]) : cell.padEnd(widths[column])))
      .join('  ')
      .trimEnd(),
  );
  const rule = '-'.repeat(widths.reduce((sum, width) => sum + width, 2 * (widths.length - 1)));
  return [lines[0], rule, ...lines.slice(1, -1), rule, `${lines[lines.length - 1]}${frozen}`].join('\n');
}

/** Digits in groups of three, the same in every locale. */
function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}
