import { expect, test } from 'vitest';
import { readData } from '../../src/data/files.ts';
import { lastLines, maxRows, readTable } from '../../web/src/demos/forecast/table.ts';

const whole = (text: string) => readTable({ text, skipped: 0 }, 'file.csv');
/** A table of so many rows. */
const rows = (count: number, line: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => line(i)).join('\n');

test('the built-in files: their columns of numbers, and when each row was', async () => {
  const sunspots = whole(await readData('sunspots-monthly.csv'));
  expect(sunspots.columns.map(({ name }) => name)).toEqual(['sunspots']);
  expect(sunspots.rowsInFile).toBe(3120);
  expect(new Date(sunspots.times?.[0] ?? NaN).toISOString()).toBe('1749-01-01T00:00:00.000Z');

  const weather = whole(await readData('seattle-weather.csv'));
  expect(weather.columns.map(({ name }) => name)).toEqual(['precipitation', 'temp_max', 'temp_min', 'wind']);
  expect(weather.columns[1]?.values.slice(0, 2)).toEqual(Float64Array.of(12.8, 10.6));

  const index = whole(await readData('sp500-daily.csv'));
  expect(index.columns[0]?.values).toHaveLength(5105);
  expect(index.columns[0]?.values[0]).toBe(1455.219971);
});

test('holes are filled in, and columns of words or of nothing are left out', () => {
  const table = whole(`x,word,empty,y\n${rows(70, (i) => (i === 5 ? ',dry,,' : `${i},wet,,${2 * i}`))}`);
  expect(table.columns.map(({ name }) => name)).toEqual(['x', 'y']);
  expect(table.columns.map(({ values }) => values[5])).toEqual([5, 10]);
  expect(table.times).toBeUndefined();
});

test.each([
  [
    'a row that is too short',
    `a,b\n${rows(70, (i) => (i === 40 ? '1' : '1,2'))}`,
    'Row 42 has 1 cell, the first one 2.',
  ],
  [
    'a word among numbers',
    `a\n${rows(700, (i) => (i === 600 ? 'many' : '1'))}`,
    /^Row 602, column 'a' is 'many', expected a number\.$/,
  ],
  ['no number at all', `a,b\n${rows(70, () => 'x,y')}`, /^No column holds numbers only \(columns: “a”, “b”\)/],
  ['a quote that does not end', `a,b\n"1,2\n${rows(70, () => '1,2')}`, /Quoted field unterminated/],
  ['two columns of one name', `a,a\n${rows(70, () => '1,2')}`, /Two columns have the name 'a'/],
  ['too few rows', 'a\n1\n2', /has 2 rows; at least 60/],
  ['a hole that cannot be filled', `a,b\n,1\n${rows(70, () => '1,2')}`, /^Row 2, column 'a' has no value/],
])('%s is refused in a visitor’s words', (_, text, message) => {
  expect(() => whole(text)).toThrow(message);
  expect(() => whole(text)).not.toThrow(/fromCsv|option|undefined/);
});

test.each(['', ' ', '\n\n', 'PK\u0003\u0004\u0000binary'])('what is no table is refused: %j', (text) => {
  expect(() => whole(text)).toThrow(RangeError);
});

test('of a long file the last rows are read, and its rows are counted as it counts them', async () => {
  const count = maxRows + 500;
  for (const end of ['', '\n', '\r\n']) {
    const eol = end === '' ? '\n' : end;
    const text = `n,m${eol}${Array.from({ length: count }, (_, i) => `${i},0`).join(eol)}${end}`;
    const part = await lastLines(new Blob([text]));
    expect(part.skipped).toBe(500);
    const { columns, rowsInFile } = readTable(part, 'long.csv');
    expect([columns[0]?.values[0], columns[0]?.values.at(-1)]).toEqual([500, count - 1]);
    expect([columns[0]?.values.length, rowsInFile]).toEqual([maxRows, count]);
  }
  const broken = `n\n${rows(count, (i) => (i === count - 1 ? 'x' : String(i)))}`;
  const part = await lastLines(new Blob([broken]));
  expect(() => readTable(part, 'long.csv')).toThrow(`Row ${count + 1}, column 'n' is 'x'`);
});

test('a short file is read whole', async () => {
  const text = 'a\n1\n2\n';
  expect(await lastLines(new Blob([text]))).toEqual({ text, skipped: 0 });
  expect(await lastLines(new Blob(['']))).toEqual({ text: '', skipped: 0 });
});
