import { ArgumentError, FormatError } from '@rnn/core';
import { checkChoice, checkFlag, checkList, checkOptions, checkText, refuse, describeValue } from '@rnn/core/checks';
import Papa from 'papaparse';
import { isPlainObject } from '../tree.js';
import { dateOf, numberOf, type CsvColumnType } from './cells.js';
import { filled, missingPolicies, type MissingPolicy } from './missing.js';
import { CsvTable, type Column } from './table.js';

export type { MissingPolicy } from './missing.js';

export interface CsvOptions {
  /** Which columns to read; all of them unless given. */
  readonly columns?: readonly string[];
  /**
   * Types of columns by name; what all its cells can be read as unless given: numbers, else dates,
   * else words.
   */
  readonly types?: Readonly<Record<string, CsvColumnType>>;
  /**
   * What becomes of a cell without a value, in all columns or by name: `'error'` (unless given),
   * `'drop'` (the row is left out), `'previous'` (the value before it), `'linear'` (between the
   * values around it), `'mean'` or a number. Words can be dropped, or take the one before.
   */
  readonly missing?: MissingPolicy | Readonly<Record<string, MissingPolicy>>;
  /**
   * Cells that mean that there is no value, beside empty ones;
   * `['NA', 'N/A', 'NaN', 'nan', 'null', 'NULL', '?']` unless given.
   */
  readonly missingValues?: readonly string[];
  /**
   * Whether the first row names the columns; true unless given, else they are `'0'`, `'1'` and so
   * on.
   */
  readonly header?: boolean;
  /** What stands between two cells; found out unless given. */
  readonly delimiter?: string;
  /** `'.'` unless given. */
  readonly decimal?: '.' | ',';
}

const names = ['columns', 'types', 'missing', 'missingValues', 'header', 'delimiter', 'decimal'];
const usual = ['NA', 'N/A', 'NaN', 'nan', 'null', 'NULL', '?'];

/**
 * Reads a table from the text of a CSV file.
 *
 * @example
 * ```ts
 * const table = fromCsv(await readFile('weather.csv', 'utf8'), {
 *   missing: { rain: 0, wind: 'linear' },
 * });
 * const series = table.values(['temperature', 'wind']); // { shape: [N, 2], data }
 * const { codes, labels } = table.categories('weather');
 * ```
 * @param text - the file's contents
 * @param options - `columns` all, `types` found out, `missing` 'error', `missingValues`, `header`
 *   true, `delimiter` found out, `decimal` '.'
 * @returns the table
 * @throws FormatError that names row and column, for a row of another length, a cell that is not of
 *   its column's type, or one without a value that no option says how to fill; ArgumentError when
 *   an option makes no sense or a column is missing
 *
 * Needs the package `papaparse`, in Node and the browser. Dates are those of ISO 8601; without a
 * zone they are in UTC. Differs from PyTorch: has no counterpart there; a small part of pandas'
 * `read_csv`.
 */
export function fromCsv(text: string, options: CsvOptions = {}): CsvTable {
  const owner = 'fromCsv';
  checkText(owner, 'text', text);
  checkOptions(owner, options, names);
  const {
    columns,
    types = {},
    missing = 'error',
    missingValues = usual,
    header = true,
    delimiter = '',
    decimal = '.',
  } = options;
  checkFlag(owner, 'header', header);
  checkText(owner, 'delimiter', delimiter);
  checkChoice(owner, 'decimal', decimal, ['.', ',']);
  checkList(owner, 'missingValues', missingValues, 'texts');
  missingValues.forEach((cell, i) => checkText(owner, `missingValues[${i}]`, cell));
  checkByName(owner, 'types', types, 'a type for each column by name');
  if (typeof missing === 'object')
    checkByName(owner, 'missing', missing, 'what to do with cells without a value, in all columns or by name');
  const rows = rowsOf(owner, text, delimiter);
  const all = header ? rows[0] : rows[0].map((_, i) => String(i));
  const twice = all.find((name, i) => all.indexOf(name) < i);
  if (twice !== undefined) fail(`two columns have the name '${twice}'`);
  if (columns !== undefined) checkList(owner, 'columns', columns, 'names', 1);
  const chosen = columns ?? all;
  for (const [argument, list] of Object.entries({
    columns: chosen,
    types: Object.keys(types),
    missing: namesIn(missing),
  })) {
    const unknown = list.find((name) => !all.includes(name));
    if (unknown !== undefined)
      refuse(ArgumentError, owner, argument, { value: unknown, expected: `one of ${all.join(', ')}` });
  }
  const first = header ? 1 : 0;
  const isMissing = (cell: string): boolean => cell === '' || missingValues.includes(cell);
  const policies = new Map(chosen.map((name) => [name, policyFor(owner, missing, name)]));
  const positions = chosen.map((name) => all.indexOf(name));
  const kept = rows.flatMap((row, i) => {
    const isDropped = chosen.some((name, c) => policies.get(name) === 'drop' && isMissing(row[positions[c]]));
    return i < first || isDropped ? [] : [i];
  });
  if (kept.length === 0) fail('there is no row');
  return new CsvTable(
    new Map(
      chosen.map((name, c) => {
        const cells = kept.map((i) => rows[i][positions[c]]);
        const place = (i: number): string => `row ${kept[i] + 1}, column '${name}'`;
        const type = types[name];
        if (type !== undefined) checkChoice(owner, `types.${name}`, type, ['number', 'date', 'category']);
        const column = columnOf(cells, { isMissing, type, decimal, place });
        fill(column, policies.get(name) ?? 'error', place);
        return [name, column];
      }),
    ),
  );
}

/** Rows of cells without the space around them, each as long as the first. */
function rowsOf(owner: string, text: string, delimiter: string): string[][] {
  const { data, errors } = Papa.parse<string[]>(text.replace(/^\uFEFF/, ''), { delimiter, skipEmptyLines: 'greedy' });
  // A column alone has no delimiter to be found.
  const fault = errors.find(({ code }) => code !== 'UndetectableDelimiter');
  if (fault !== undefined) fail(`row ${(fault.row ?? 0) + 1}: ${fault.message}`);
  if (data.length === 0) refuse(ArgumentError, owner, 'text', { value: text, expected: 'at least one row' });
  const rows = data.map((row) => row.map((cell) => cell.trim()));
  const odd = rows.findIndex((row) => row.length !== rows[0].length);
  if (odd >= 0) {
    const count = rows[odd].length;
    fail(`row ${odd + 1} has ${count} ${count === 1 ? 'cell' : 'cells'}, the first one ${rows[0].length}`);
  }
  return rows;
}

interface Reading {
  readonly isMissing: (cell: string) => boolean;
  readonly type: CsvColumnType | undefined;
  readonly decimal: '.' | ',';
  /** Where a cell is, in words. */
  readonly place: (i: number) => string;
}

function columnOf(cells: readonly string[], { isMissing, type, decimal, place }: Reading): Column {
  const readers = { number: (cell: string) => numberOf(cell, decimal), date: dateOf };
  const present = cells.filter((cell) => !isMissing(cell));
  const fits = (kind: 'number' | 'date'): boolean => present.every((cell) => !Number.isNaN(readers[kind](cell)));
  const found = type ?? (fits('number') ? 'number' : fits('date') ? 'date' : 'category');
  if (found === 'category') {
    const labels = [...new Set(present)].sort();
    const codes = new Map(labels.map((label, code) => [label, code]));
    return { type: found, values: Float64Array.from(cells, (cell) => codes.get(cell) ?? NaN), labels };
  }
  const values = Float64Array.from(cells, (cell) => (isMissing(cell) ? NaN : readers[found](cell)));
  const odd = cells.findIndex((cell, i) => Number.isNaN(values[i]) && !isMissing(cell));
  if (odd >= 0) fail(`${place(odd)} is ${describeValue(cells[odd])}, expected a ${found}`);
  return { type: found, values, labels: [] };
}

function fill({ type, values }: Column, policy: MissingPolicy, place: (i: number) => string): void {
  const isFilled = policy !== 'error' && policy !== 'drop';
  if (isFilled && (type === 'number' || policy === 'previous' || (type === 'date' && policy === 'linear'))) {
    filled(values, policy);
  }
  const odd = values.findIndex((value) => Number.isNaN(value));
  if (odd < 0) return;
  const why = isFilled ? `, and '${policy}' has nothing to fill it with` : '';
  fail(`${place(odd)} has no value${why}; the option missing says what to do with such cells`);
}

/** Refuses anything but a plain object: what else has no names of columns. */
function checkByName(owner: string, argument: string, value: unknown, expected: string): void {
  if (!isPlainObject(value)) refuse(ArgumentError, owner, argument, { value, expected });
}

function policyFor(owner: string, missing: NonNullable<CsvOptions['missing']>, name: string): MissingPolicy {
  const isNamed = typeof missing === 'object' && missing !== null;
  const policy = isNamed ? (missing[name] ?? 'error') : missing;
  if (typeof policy === 'number' && Number.isFinite(policy)) return policy;
  checkChoice(owner, isNamed ? `missing.${name}` : 'missing', policy, missingPolicies);
  return policy;
}

function namesIn(missing: NonNullable<CsvOptions['missing']>): string[] {
  return typeof missing === 'object' && missing !== null ? Object.keys(missing) : [];
}

function fail(fault: string): never {
  throw new FormatError(`fromCsv: ${fault}`);
}
