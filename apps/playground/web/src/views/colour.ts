/** Colours of the style sheet, for what is drawn on a canvas. */

/**
 * A colour by its name without the dashes; asked for at each drawing, since it differs between
 * light and dark.
 */
export function colour(name: string): () => string {
  return () => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** Red, green and blue, from 0 to 255. */
export type Rgb = readonly [red: number, green: number, blue: number];

/** A colour of the style sheet that is written as `#rrggbb`, or by the build as `#rgb`. */
export function rgb(name: string): Rgb {
  const digits = colour(name)().slice(1);
  const long = digits.length === 3 ? Array.from(digits, (digit) => digit + digit).join('') : digits;
  const value = Number.parseInt(long, 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}

/** A colour between two, at a share of the way. */
export function between(from: Rgb, to: Rgb, share: number): Rgb {
  const at = (i: 0 | 1 | 2): number => Math.round(from[i] + (to[i] - from[i]) * share);
  return [at(0), at(1), at(2)];
}

/**
 * The colour of a value between -1 and 1: `--zero` at 0, `--negative` below, `--positive` above.
 */
export function palette(): (value: number) => Rgb {
  const [negative, ground, positive] = [rgb('negative'), rgb('zero'), rgb('positive')];
  return (value) => between(ground, value < 0 ? negative : positive, Math.min(1, Math.abs(value)));
}
