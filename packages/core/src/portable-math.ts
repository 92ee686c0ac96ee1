/**
 * Elementary functions whose results have the same bits on every JavaScript engine.
 *
 * ECMAScript leaves the last bits of `Math.log`, `Math.sin` and `Math.cos` to the engine, so a
 * random draw that goes through them differs from machine to machine. The functions here use
 * `+ - * /` alone, which IEEE 754 rounds in one way only (JavaScript never fuses a product with a
 * sum), and bit patterns. Each errs by less than 1e-15 of its result: a few units in the last
 * place.
 */

/** The angle of one turn in radians. */
const TAU = 2 * Math.PI;

/** 2^-1022; smaller numbers have no leading one in their bit pattern. */
const SMALLEST_NORMAL = 2.2250738585072014e-308;
const TWO_POW_54 = 0x40_0000_0000_0000;

/**
 * Eight bytes in which a double and its bit pattern meet; a DataView reads them alike on little-
 * and big-endian machines.
 */
const bits = new DataView(new ArrayBuffer(8));

/**
 * The natural logarithm, with the same bits on every engine.
 *
 * With x = 2^k m and m in (√2 / 2, √2], ln x = k ln 2 + ln m. For s = (m - 1) / (m + 1), so that
 * m = (1 + s) / (1 - s),
 *
 *     ln m = 2 artanh(s) = 2 s (1 + s²/3 + s⁴/5 + s⁶/7 + ...).
 *
 * |s| is at most 0.1716, so the first term left out, s²²/23, is below 1e-18. m - 1 is
 * exact, hence no digits are lost near x = 1.
 *
 * @example
 * ```ts
 * ln(2); // 0.6931471805599453
 * ```
 * @param x any number
 * @returns ln x; -Infinity at 0, NaN below 0
 */
export function ln(x: number): number {
  if (!(x > 0) || x === Infinity) return x === 0 ? -Infinity : x > 0 ? x : NaN;
  let exponent = 0;
  let mantissa = x;
  if (mantissa < SMALLEST_NORMAL) {
    mantissa *= TWO_POW_54;
    exponent = -54;
  }
  bits.setFloat64(0, mantissa);
  const high = bits.getInt32(0);
  exponent += (high >> 20) - 1023;
  bits.setInt32(0, (high & 0x000fffff) | 0x3ff00000);
  mantissa = bits.getFloat64(0);
  if (mantissa > Math.SQRT2) {
    mantissa /= 2;
    exponent += 1;
  }
  const s = (mantissa - 1) / (mantissa + 1);
  const z = s * s;
  let sum = 1 / 21;
  sum = sum * z + 1 / 19;
  sum = sum * z + 1 / 17;
  sum = sum * z + 1 / 15;
  sum = sum * z + 1 / 13;
  sum = sum * z + 1 / 11;
  sum = sum * z + 1 / 9;
  sum = sum * z + 1 / 7;
  sum = sum * z + 1 / 5;
  sum = sum * z + 1 / 3;
  sum = sum * z + 1;
  return exponent * Math.LN2 + 2 * s * sum;
}

/**
 * The cosine of an angle in turns, cos(2π t), with the same bits on every engine. Counting in turns
 * makes the reduction to an eighth of a turn exact, where an angle in radians would have lost
 * digits in its product with 2π.
 *
 * @param turns the angle, from 0 to 1
 * @returns cos(2π turns)
 */
export function cosTurns(turns: number): number {
  return quarterWave(turns, 1);
}

/**
 * The sine of an angle in turns, sin(2π t), with the same bits on every engine; see
 * {@link cosTurns}.
 *
 * @param turns the angle, from 0 to 1
 * @returns sin(2π turns)
 */
export function sinTurns(turns: number): number {
  return quarterWave(turns, 0);
}

/**
 * sin(2π turns + shift π/2), by the nearest quarter q and the rest r of at most an eighth of a
 * turn: turns = q/4 + r, exactly.
 */
function quarterWave(turns: number, shift: 0 | 1): number {
  const quarter = Math.floor(turns * 4 + 0.5);
  const angle = (turns - quarter / 4) * TAU;
  const phase = (quarter + shift) & 3;
  const value = (phase & 1) === 0 ? sinSeries(angle) : cosSeries(angle);
  return phase < 2 ? value : -value;
}

/**
 * sin a = a - a³/3! + a⁵/5! - ... for |a| <= π/4; the first term left out, a¹⁹/19!, is below 1e-19.
 */
function sinSeries(a: number): number {
  const z = a * a;
  let sum = 1 / 355687428096000; // 1/17!
  sum = sum * -z + 1 / 1307674368000;
  sum = sum * -z + 1 / 6227020800;
  sum = sum * -z + 1 / 39916800;
  sum = sum * -z + 1 / 362880;
  sum = sum * -z + 1 / 5040;
  sum = sum * -z + 1 / 120;
  sum = sum * -z + 1 / 6;
  return a - a * z * sum;
}

/**
 * cos a = 1 - a²/2! + a⁴/4! - ... for |a| <= π/4; the first term left out, a¹⁸/18!, is below 1e-17.
 */
function cosSeries(a: number): number {
  const z = a * a;
  let sum = 1 / 20922789888000; // 1/16!
  sum = sum * -z + 1 / 87178291200;
  sum = sum * -z + 1 / 479001600;
  sum = sum * -z + 1 / 3628800;
  sum = sum * -z + 1 / 40320;
  sum = sum * -z + 1 / 720;
  sum = sum * -z + 1 / 24;
  sum = sum * -z + 1 / 2;
  return 1 - z * sum;
}
