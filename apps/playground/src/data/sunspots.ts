import { numberIn, parseRows } from './rows.ts';

/** The monthly mean sunspot number, in order of time. */
export interface Sunspots {
  /** `1749-01`, ... */
  readonly months: readonly string[];
  readonly values: readonly number[];
}

/** Reads `sunspots-monthly.csv`. */
export function parseSunspots(csv: string): Sunspots {
  const rows = parseRows(csv);
  return { months: rows.map((row) => row.month), values: rows.map((row) => numberIn(row, 'sunspots')) };
}
