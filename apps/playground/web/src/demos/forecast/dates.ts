import { date, whole } from '../../texts/en/writing.ts';

const day = 86_400_000;

/**
 * How rows are called on an axis: as exact as the dates need, or counted from 1 without dates.
 *
 * @param times - milliseconds since 1970
 */
export function rowNames(times: Float64Array | undefined, first = 0): (row: number) => string {
  if (times === undefined) return (row) => whole(first + row + 1);
  const all = Array.from(times.subarray(0, 400));
  const areDays = all.every((time) => time % day === 0);
  const areMonths = areDays && all.every((time) => new Date(time).getUTCDate() === 1);
  const exactness = areMonths ? 'month' : areDays ? 'day' : 'minute';
  const step = times.length > 1 ? (times[times.length - 1] - times[0]) / (times.length - 1) : day;
  // Rows past the end have no date of their own: they follow at the mean distance.
  return (row) => {
    const at = Math.round(row);
    const last = times.length - 1;
    return date(at <= last ? times[Math.max(0, at)] : times[last] + (at - last) * step, exactness);
  };
}
