/** What kind of values a column has. */
export type CsvColumnType = 'number' | 'date' | 'category';

/** A number as it is written in a cell, with this decimal sign; NaN for anything else. */
export function numberOf(cell: string, decimal: '.' | ','): number {
  const text = decimal === ',' ? cell.replace(',', '.') : cell;
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : NaN;
}

const DATE =
  /^(\d{4})-(\d\d)(?:-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,3})\d*)?)?(?: ?(Z|[+-]\d\d:?\d\d))?)?)?$/;

/**
 * A date as ISO 8601 writes it, in milliseconds since 1970; NaN for anything else. Without a zone
 * it is in UTC, wherever this runs. Slashes serve in the place of dashes, as long as the year comes
 * first.
 */
export function dateOf(cell: string): number {
  const match = DATE.exec(
    cell.replace(
      /^(\d{4})\/(\d\d?)\/(\d\d?)/,
      (_, y: string, m: string, d: string) => `${y}-${m.padStart(2, '0')}-${d.padStart(2, '0')}`,
    ),
  );
  if (match === null) return NaN;
  const [year, month, day, hour, minute, second] = Array.from({ length: 6 }, (_, i) => Number(match[i + 1] ?? 0));
  const [milliseconds, zone] = [Number((match[7] ?? '0').padEnd(3, '0')), match[8]];
  const days = new Date(Date.UTC(year, month, 0)).getUTCDate();
  const isDay = match[3] === undefined || (day >= 1 && day <= days);
  if (month < 1 || month > 12 || !isDay || hour > 23 || minute > 59 || second > 59) return NaN;
  const time = Date.UTC(year, month - 1, match[3] === undefined ? 1 : day, hour, minute, second, milliseconds);
  if (zone === undefined || zone === 'Z') return time;
  const [hours, minutes] = [Number(zone.slice(1, 3)), Number(zone.slice(-2))];
  return time - Number(`${zone[0]}1`) * (hours * 60 + minutes) * 60_000;
}
