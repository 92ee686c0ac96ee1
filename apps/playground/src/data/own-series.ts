import { parseRows } from './rows.ts';

/** A column of a file. */
export interface Series {
  readonly column: string;
  readonly values: readonly number[];
}

/**
 * Reads a column of numbers from a CSV file whose first line names the columns.
 *
 * @param column - which; the last one that holds nothing but numbers unless given
 * @throws RangeError that says what is wrong, for people
 */
export function parseSeries(csv: string, column?: string): Series {
  const rows = parseRows(csv);
  const names = Object.keys(rows[0] ?? {});
  if (names.length === 0) throw new RangeError('The file has no lines of data; its first line is to name the columns.');
  const isNumber = (text: string | undefined): boolean =>
    text !== undefined && text.trim() !== '' && Number.isFinite(Number(text));
  const numeric = names.filter((name) => rows.every((row) => isNumber(row[name])));
  if (column !== undefined && !names.includes(column)) {
    throw new RangeError(`There is no column '${column}'; the columns are ${names.join(', ')}.`);
  }
  if (column !== undefined && !numeric.includes(column)) {
    const at = rows.findIndex((row) => !isNumber(row[column]));
    throw new RangeError(
      `The column '${column}' holds '${rows[at][column]}' in line ${at + 2}, where a number is needed.`,
    );
  }
  const chosen = column ?? numeric.at(-1);
  if (chosen === undefined)
    throw new RangeError(`No column holds nothing but numbers; the columns are ${names.join(', ')}.`);
  return { column: chosen, values: rows.map((row) => Number(row[chosen])) };
}
