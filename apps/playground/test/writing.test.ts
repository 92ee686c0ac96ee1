/** Numbers and dates on the page, held against Intl: they are written alike. */
import { expect, test } from 'vitest';
import { date, significant, whole } from '../web/src/texts/en/writing.ts';

test('whole numbers have their thousands apart', () => {
  const written = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
  for (const value of [0, 7, 12, 999, 1000, 12_345, 999_999, 1_000_000, 1_234_567_890, -5, -999, -1000, -123_456])
    expect(whole(value)).toBe(written.format(value));
});

test.each([3, 4, 5])('numbers have %i digits that count', (digits) => {
  const written = new Intl.NumberFormat('en', { maximumSignificantDigits: digits });
  for (const value of [0, 1, 19.6347, 0.0123456, 0.00012, 117.49, 999.96, 1234.5678, 98_765.4, 1e9 / 7, -43.819])
    for (const scale of [1, 10, 0.1]) expect(significant(value * scale, digits)).toBe(written.format(value * scale));
});

test.each([
  ['month', { year: 'numeric', month: 'short' }],
  ['day', { year: 'numeric', month: 'short', day: 'numeric' }],
  ['minute', { year: 'numeric', month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }],
] as const)('dates are exact to the %s', (exactness, options) => {
  const written = new Intl.DateTimeFormat('en', { timeZone: 'UTC', ...options });
  for (let month = 0; month < 12; month++) {
    const time = Date.UTC(1749 + 20 * month, month, 1 + month, month, 5 * month);
    expect(date(time, exactness)).toBe(written.format(time));
  }
});
