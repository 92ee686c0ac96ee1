/**
 * How numbers and dates are written in English. `Intl` would write the same, but when it is first
 * used it takes tens of milliseconds, in which the page would answer nobody.
 */

/** Digits, their thousands apart. */
function grouped(digits: string): string {
  return digits.replaceAll(/\B(?=(?:\d{3})+$)/g, ',');
}

/** A whole number, its thousands apart: `12,345`. */
export function whole(value: number): string {
  return grouped(String(Math.round(value)));
}

/** A number with so many digits that count: `0.0123`, `19.6`, `1,235`. */
export function significant(value: number, digits: number): string {
  const [before, after] = String(Number(value.toPrecision(digits))).split('.');
  return after === undefined ? grouped(before) : `${grouped(before)}.${after}`;
}

/** A share of 1, without a break before its sign: `12 %`. */
export function percent(share: number): string {
  return `${Math.round(100 * share)}\u00a0%`;
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/**
 * A date of the calendar, as exact as it is given: `Jul 1951`, `Jul 3, 1951`, `Jul 3, 1951, 14:05`.
 *
 * @param time - milliseconds since 1970
 */
export function date(time: number, exactness: 'month' | 'day' | 'minute'): string {
  const at = new Date(time);
  const [month, year] = [months[at.getUTCMonth()], at.getUTCFullYear()];
  if (exactness === 'month') return `${month} ${year}`;
  const day = `${month} ${at.getUTCDate()}, ${year}`;
  if (exactness === 'day') return day;
  const [hours, minutes] = [at.getUTCHours(), at.getUTCMinutes()].map((part) => String(part).padStart(2, '0'));
  return `${day}, ${hours}:${minutes}`;
}
