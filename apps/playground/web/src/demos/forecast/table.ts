import { FormatError, RnnError } from '@rnn/core';
import { fromCsv, type CsvColumnType } from '@rnn/train/csv';
import Papa from 'papaparse';

/** A table of numbers in order of time, as the page and the experiment share it: plain data. */
export interface SeriesTable {
  /** Name of the file, or of the built-in series. */
  readonly name: string;
  /** Columns of numbers, each with a value for every row. */
  readonly columns: readonly { readonly name: string; readonly values: Float64Array }[];
  /** When each row was: milliseconds since 1970; undefined without a column of dates. */
  readonly times: Float64Array | undefined;
  /** Rows of the file; `columns` holds the last `maxRows` of them. */
  readonly rowsInFile: number;
}

/** More rows teach a small network no more while somebody waits, and a plot has fewer pixels. */
export const maxRows = 20_000;
/** Fewer rows leave too little to learn from, to measure the errors on, and to test on. */
const minRows = 60;
/** Lines that are looked at to tell numbers, dates and words apart. */
const sampleLines = 500;

/** The part of a file that is read: its header and its last lines. */
export interface CsvPart {
  readonly text: string;
  /** Lines between the header and the first line of `text` after it. */
  readonly skipped: number;
}

/**
 * The header and the last lines of a file. It is read as a stream, so that a file of any size needs
 * little memory.
 */
export async function lastLines(file: Blob, lines: number = maxRows): Promise<CsvPart> {
  // Where the last lines end; one more than are wanted, since a line begins where one ends.
  const ends = new Float64Array(lines + 2);
  let [count, position, header] = [0, 0, -1];
  for await (const chunk of chunksOf(file)) {
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) {
      if (count === 0) header = position + at;
      ends[count++ % ends.length] = position + at;
    }
    position += chunk.length;
  }
  const endsOpen = count > 0 && ends[(count - 1) % ends.length] !== position - 1;
  const rows = count - 1 + (endsOpen ? 1 : 0);
  if (rows <= lines) return { text: await file.text(), skipped: 0 };
  const skipped = rows - lines;
  const start = (ends[skipped % ends.length] ?? 0) + 1;
  return { text: (await file.slice(0, header + 1).text()) + (await file.slice(start).text()), skipped };
}

/** Safari cannot loop over a stream. */
async function* chunksOf(file: Blob): AsyncGenerator<Uint8Array> {
  const reader = file.stream().getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) yield part.value;
}

/**
 * Reads a table whose first row names the columns. Columns of words are left out; a number that is
 * missing is filled in on the line between the values around it.
 *
 * @param part - a file's header and its last lines
 * @param name - what to call it
 * @throws RangeError that says, for people, where it is broken or what it lacks
 */
export function readTable({ text, skipped }: CsvPart, name: string): SeriesTable {
  try {
    return tableOf(text, skipped, name);
  } catch (error) {
    if (!(error instanceof RnnError)) throw error;
    // The library counts the rows of what it was given, a visitor those of the file.
    const message = error.message
      .replace(/^fromCsv: /, '')
      .replace(/\brow (\d+)/, (_, row: string) => `row ${Number(row) + (Number(row) > 1 ? skipped : 0)}`)
      .replace(/; the option missing.*$/, '');
    throw new RangeError(`${message.slice(0, 1).toUpperCase()}${message.slice(1)}.`, { cause: error });
  }
}

function tableOf(text: string, skipped: number, name: string): SeriesTable {
  const types = columnTypes(text);
  const numbers = [...types].flatMap(([column, type]) => (type === 'number' ? [column] : []));
  const date = [...types].find(([, type]) => type === 'date')?.[0];
  if (numbers.length === 0) {
    // A quote that does not end hides columns: then the library says where it begins.
    fromCsv(text, { missing: 'drop' });
    const found = [...types.keys()].map((column) => `“${column}”`).join(', ');
    throw new RangeError(
      `No column holds numbers only (columns: ${found}). The first row must name the columns, and the decimal sign must be a point.`,
    );
  }
  const columns = date === undefined ? numbers : [date, ...numbers];
  const table = fromCsv(text, {
    columns,
    types: Object.fromEntries(columns.map((column) => [column, types.get(column) ?? 'number'])),
    missing: 'linear',
  });
  if (table.length < minRows) {
    throw new RangeError(
      `The file has ${table.length} rows; at least ${minRows} are needed to learn from, to measure on and to test.`,
    );
  }
  return {
    name,
    columns: numbers.map((column) => ({ name: column, values: table.numbers(column) })),
    times: date === undefined ? undefined : table.dates(date),
    rowsInFile: table.length + skipped,
  };
}

/** What kind each column is, by the first lines; columns without any value are left out. */
function columnTypes(text: string): Map<string, CsvColumnType> {
  const [header = [], ...rows] = Papa.parse<string[]>(text.replace(/^\uFEFF/, ''), { preview: sampleLines }).data;
  const found = new Map<string, CsvColumnType>();
  for (const [column, cell] of header.entries()) {
    const name = cell.trim();
    const cells = rows.map((row) => [row[column] ?? '']);
    try {
      // The library's own rules, for a column by itself: what another one lacks does not matter.
      const alone = fromCsv(Papa.unparse([[name], ...cells]), { missing: 'drop', delimiter: ',' });
      found.set(name, alone.type(name));
    } catch (error) {
      if (!(error instanceof FormatError && error.message.endsWith('there is no row'))) throw error;
    }
  }
  return found;
}
