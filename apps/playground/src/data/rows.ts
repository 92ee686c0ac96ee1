import Papa from 'papaparse';

/** One row of a table: text by the name of its column. */
export type Row = Readonly<Record<string, string>>;

/**
 * The rows of a CSV file with a header line.
 *
 * @param csv - the file's text
 * @returns a row for each line
 * @throws RangeError when a line has more or fewer fields than the header, or quotes that do not
 *   match
 */
export function parseRows(csv: string): readonly Row[] {
  const { data, errors } = Papa.parse<Record<string, string>>(csv, {
    header: true,
    delimiter: ',',
    skipEmptyLines: true,
  });
  if (errors.length > 0) throw new RangeError(`row ${(errors[0].row ?? 0) + 1}: ${errors[0].message}`);
  return data;
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
