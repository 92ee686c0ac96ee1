import { parse } from 'csv-parse/sync';

/** One row of a table: text by the name of its column. */
export type Row = Readonly<Record<string, string>>;

/**
 * The rows of a CSV file with a header line.
 *
 * @param csv - the file's text
 * @returns a row for each line; the parser throws on lines of another length than the header
 */
export function parseRows(csv: string): readonly Row[] {
  return parse<Record<string, string>>(csv, { columns: true });
}

/** The number in a column; throws when the column is missing or does not hold one. */
export function numberIn(row: Row, column: string): number {
  const text = row[column];
  const value = Number(text);
  if (text === undefined || text.trim() === '' || !Number.isFinite(value)) {
    throw new Error(
      `column ${column}: expected a number, received ${text ?? 'no such column'} in ${JSON.stringify(row)}`,
    );
  }
  return value;
}
