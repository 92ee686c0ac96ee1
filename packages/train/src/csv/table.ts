import { ArgumentError, ShapeError } from '@rnn/core';
import { checkList, refuse } from '@rnn/core/checks';
import type { HostArray } from '../host-array.js';
import type { CsvColumnType } from './cells.js';

export type { CsvColumnType } from './cells.js';

/** A column of words, by number. */
export interface CsvCategories {
  /** The position of each row's word among the labels. */
  readonly codes: Int32Array;
  /** The words in alphabetical order. */
  readonly labels: readonly string[];
}

/** A column after its cells were read. */
export interface Column {
  readonly type: CsvColumnType;
  /** Numbers, milliseconds since 1970, or codes; NaN where there is no value. */
  readonly values: Float64Array;
  readonly labels: readonly string[];
}

/**
 * Columns of values of one length each, made by `fromCsv`.
 *
 * @example
 * ```ts
 * const table = fromCsv('day,sales\n2026-01-01,3\n2026-01-02,5');
 * table.names; // ['day', 'sales']
 * table.numbers('sales'); // [3, 5]
 * ```
 */
export class CsvTable {
  /** Number of rows. */
  readonly length: number;
  private readonly columns: ReadonlyMap<string, Column>;

  /** @internal */
  constructor(columns: ReadonlyMap<string, Column>) {
    this.columns = columns;
    this.length = [...columns.values()][0]?.values.length ?? 0;
  }

  /** Names of the columns, from left to right. */
  get names(): string[] {
    return [...this.columns.keys()];
  }

  /**
   * What kind of values a column has.
   *
   * @example
   * ```ts
   * const table = fromCsv('day,city,rain\n2024-01-01,Bonn,3\n2024-01-02,Köln,0');
   * table.type('rain'); // 'number'
   * ```
   * @throws ArgumentError when there is no such column
   */
  type(name: string): CsvColumnType {
    return this.column('type', name).type;
  }

  /**
   * The numbers of a column, in float64; for a model that computes in float32 take `values`.
   *
   * @param name - of a column of numbers
   * @throws ArgumentError when there is no such column, or it has other values
   */
  numbers(name: string): Float64Array {
    return this.column('numbers', name, 'number').values.slice();
  }

  /**
   * The dates of a column, in milliseconds since 1970: `new Date(...)` takes each.
   *
   * @example
   * ```ts
   * const table = fromCsv('day,city,rain\n2024-01-01,Bonn,3\n2024-01-02,Köln,0');
   * table.dates('day')[0]; // 1704067200000
   * ```
   * @param name - of a column of dates
   * @throws ArgumentError when there is no such column, or it has other values
   */
  dates(name: string): Float64Array {
    return this.column('dates', name, 'date').values.slice();
  }

  /**
   * The words of a column by number, as class indices are.
   *
   * @example
   * ```ts
   * const table = fromCsv('day,city,rain\n2024-01-01,Bonn,3\n2024-01-02,Köln,0');
   * table.categories('city').labels; // ['Bonn', 'Köln']
   * ```
   * @param name - of a column of words
   * @throws ArgumentError when there is no such column, or it has other values
   */
  categories(name: string): CsvCategories {
    const { values, labels } = this.column('categories', name, 'category');
    return { codes: Int32Array.from(values), labels: [...labels] };
  }

  /**
   * Columns side by side, as `windows`, scalers and data sets take them.
   *
   * @example
   * ```ts
   * const series = table.values(['temperature', 'rain']); // { shape: [N, 2], data }
   * ```
   * @param names - columns of numbers; all of them unless given
   * @returns `{ shape: [N, F], data }`, the data a list of the numbers as they were read: they are
   *   float32 once they are tensors, and scalers see them before
   * @throws ArgumentError when there is no such column, or it has other values; ShapeError when
   *   there is none at all
   */
  values(
    names: readonly string[] = this.names.filter((name) => this.type(name) === 'number'),
  ): HostArray & { readonly data: number[] } {
    checkList('CsvTable.values', 'names', names, 'names');
    if (names.length === 0) throw new ShapeError('CsvTable.values: there is no column of numbers');
    const columns = names.map((name) => this.column('values', name, 'number').values);
    const data = Array.from({ length: this.length }, (_, i) => columns.map((column) => column[i])).flat();
    return { shape: [this.length, names.length], data };
  }

  private column(method: string, name: string, type?: CsvColumnType): Column {
    const column = this.columns.get(name);
    const owner = `CsvTable.${method}`;
    if (column === undefined) {
      return refuse(ArgumentError, owner, 'name', { value: name, expected: `one of ${this.names.join(', ')}` });
    }
    if (type !== undefined && column.type !== type) {
      const received = `'${name}', a column of type ${column.type}`;
      refuse(ArgumentError, owner, 'name', { received, expected: `one of type ${type}` });
    }
    return column;
  }
}
