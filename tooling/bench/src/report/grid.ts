import { getBorderCharacters, table } from 'table';

/**
 * Columns under a header: the first one to the left, numbers to the right. Cells may hold several
 * lines.
 */
export function grid(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  left: readonly number[] = [0],
): string {
  const text = table([[...header], ...rows.map((row) => [...row])], {
    border: {
      ...getBorderCharacters('void'),
      joinBody: '─',
      joinLeft: '',
      joinRight: '',
      joinJoin: '──',
      bodyJoin: '  ',
    },
    columnDefault: { paddingLeft: 0, paddingRight: 0, verticalAlignment: 'bottom' },
    columns: header.map((_, column) => ({ alignment: left.includes(column) ? 'left' : 'right' })),
    drawHorizontalLine: (index) => index === 1,
  });
  return text
    .trimEnd()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

/** Three digits: 0.00537, 16.1, 1250. */
export function digits(value: number): string {
  if (value >= 100) return value.toFixed(0);
  return value === 0 ? '0' : value.toFixed(Math.max(0, 2 - Math.floor(Math.log10(value))));
}
