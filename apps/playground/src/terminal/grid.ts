import { getBorderCharacters, table } from 'table';
import type { Screen } from './screen.ts';

export type Alignment = 'left' | 'right';

/**
 * Columns side by side under a header, indented by two. Cells may hold several lines and styles.
 *
 * @param alignments - of each column; left where nothing is said
 */
export function grid(
  screen: Screen,
  header: readonly string[],
  rows: readonly (readonly string[])[],
  alignments: readonly Alignment[] = [],
): string {
  const cells = [header.map((title) => screen.paint('bold', title)), ...rows.map((row) => [...row])];
  const text = table(cells, {
    border: {
      ...getBorderCharacters('void'),
      joinBody: '─',
      joinLeft: '',
      joinRight: '',
      joinJoin: '  ',
      bodyJoin: '  ',
    },
    columnDefault: { paddingLeft: 0, paddingRight: 0 },
    columns: header.map((_, column) => ({ alignment: alignments[column] ?? 'left' })),
    drawHorizontalLine: (index) => index === 1,
  });
  return text
    .trimEnd()
    .split('\n')
    .map((line) => `  ${line.trimEnd()}`)
    .join('\n');
}
