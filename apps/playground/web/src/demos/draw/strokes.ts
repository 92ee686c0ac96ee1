/** Drawings as they are kept: pen steps of one length, small enough for an address. */

/** Length of a pen step, in units of the canvas. */
export const stepLength = 8;
/** Fewer steps teach nothing. */
export const minSteps = 24;

/** A point of the drawing, in units of the step. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Points of one touch of the pen. */
export type Stroke = readonly Point[];

/** Steps of a pen, `[N, 3]`: dx, dy, and 1 where it is lifted afterwards. */
export interface PenSteps {
  readonly shape: readonly [number, 3];
  readonly data: Float32Array;
}

/** One step of a pen. */
export interface PenStep {
  readonly dx: number;
  readonly dy: number;
  /** Whether the pen is lifted after the step, so that the next one leaves no line. */
  readonly lifted: boolean;
}

/** Points at equal distances: they say what was drawn, not how fast the hand was. */
export function evenly(stroke: Stroke, distance: number): Stroke {
  const [first] = stroke;
  if (first === undefined) return [];
  const result = [first];
  let last = first;
  for (const point of stroke.slice(1)) {
    for (;;) {
      const [dx, dy] = [point.x - last.x, point.y - last.y];
      const length = Math.hypot(dx, dy);
      if (length < distance) break;
      last = { x: last.x + (dx * distance) / length, y: last.y + (dy * distance) / length };
      result.push(last);
    }
  }
  return result;
}

/** The steps from point to point of strokes that follow each other, divided by `unit`. */
export function penSteps(strokes: readonly Stroke[], unit: number): PenSteps {
  const drawn = strokes.filter(({ length }) => length > 1);
  const points = drawn.flatMap((stroke) => stroke.map((point, i) => ({ ...point, ends: i === stroke.length - 1 })));
  const steps = points.slice(1).map(({ x, y, ends }, i) => {
    const before = points[i];
    return [(x - before.x) / unit, (y - before.y) / unit, ends ? 1 : 0];
  });
  return { shape: [steps.length, 3], data: Float32Array.from(steps.flat()) };
}

/** The strokes that steps make from a point on; a step after a lifted pen leaves no line. */
export function strokesOf(steps: readonly PenStep[], unit: number, from: Point, isLifted = false): Point[][] {
  let at = from;
  let lifted = isLifted;
  let stroke: Point[] = lifted ? [] : [from];
  const strokes: Point[][] = [];
  for (const step of steps) {
    at = { x: at.x + step.dx * unit, y: at.y + step.dy * unit };
    stroke.push(at);
    ({ lifted } = step);
    if (!lifted) continue;
    strokes.push(stroke);
    stroke = [];
  }
  if (stroke.length > 1) strokes.push(stroke);
  return strokes;
}

const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** Strokes as letters for an address: four a point, for whole coordinates from 0 to 4095. */
export function written(strokes: readonly Stroke[]): string {
  const number = (value: number): string => {
    const whole = Math.min(4095, Math.max(0, Math.round(value)));
    return digits.charAt(whole >> 6) + digits.charAt(whole & 63);
  };
  return strokes.map((stroke) => stroke.map(({ x, y }) => number(x) + number(y)).join('')).join('.');
}

/** Strokes that `written` wrote; undefined for anything else. */
export function read(text: string): Stroke[] | undefined {
  if (!/^[\w.-]+$/.test(text)) return undefined;
  const strokes = text.split('.');
  if (strokes.some(({ length }) => length % 4 !== 0)) return undefined;
  const number = (pair: string): number => 64 * digits.indexOf(pair.charAt(0)) + digits.indexOf(pair.charAt(1));
  return strokes.map((stroke) =>
    Array.from({ length: stroke.length / 4 }, (_, i) => ({
      x: number(stroke.slice(4 * i, 4 * i + 2)),
      y: number(stroke.slice(4 * i + 2, 4 * i + 4)),
    })),
  );
}
