/** The curve of a run: losses of neighbouring steps share a point as it grows. */

/** A point of the curve: the mean loss of some steps that one backend computed. */
export interface CurvePoint {
  /** The last of the steps. */
  readonly step: number;
  readonly loss: number;
  readonly backend: string;
}

/** The losses of a run. */
export interface Curve {
  readonly points: readonly CurvePoint[];
  /** Steps that share a point: 1, 2, 4, ... */
  readonly width: number;
  /** The losses after the last point, fewer than `width`. */
  readonly rest: readonly CurvePoint[];
}

/** Points at which the width doubles; a plot shows no more than this. */
const most = 1000;

/** The curve of a run that has not begun. */
export const emptyCurve: Curve = { points: [], width: 1, rest: [] };

/**
 * The curve with further losses. Which steps share a point follows from their numbers alone, so
 * that the same run gives the same curve, however its losses arrived.
 */
export function curveWith(curve: Curve, losses: readonly CurvePoint[]): Curve {
  let { width } = curve;
  const grown = [...curve.points];
  const open = [...curve.rest];
  for (const loss of losses) {
    // A point has one backend: a change closes the one before.
    if (open.length > 0 && open[open.length - 1].backend !== loss.backend) grown.push(mean(open.splice(0)));
    open.push(loss);
    if (loss.step % width === 0) grown.push(mean(open.splice(0)));
    if (grown.length >= most) {
      width *= 2;
      grown.splice(0, grown.length, ...pairs(grown, width));
    }
  }
  return { points: grown, width, rest: open };
}

function mean(points: readonly CurvePoint[]): CurvePoint {
  const { step, backend } = points[points.length - 1];
  return { step, backend, loss: points.reduce((sum, { loss }) => sum + loss, 0) / points.length };
}

function pairs(points: readonly CurvePoint[], width: number): CurvePoint[] {
  const joined: CurvePoint[] = [];
  const open: CurvePoint[] = [];
  for (const point of points) {
    if (open.length > 0 && open[0].backend !== point.backend) joined.push(mean(open.splice(0)));
    open.push(point);
    if (point.step % width === 0) joined.push(mean(open.splice(0)));
  }
  if (open.length > 0) joined.push(mean(open));
  return joined;
}
