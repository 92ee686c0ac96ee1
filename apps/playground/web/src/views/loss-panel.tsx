import type { VNode } from 'preact';
import { useMemo } from 'preact/hooks';
import type { Curve } from '../experiment/curve.ts';
import { curveLines, LinePlot } from './line-plot.tsx';

export interface LossPanelProps {
  readonly curve: Curve;
  readonly title: string;
  /** What the loss is, on the vertical axis. */
  readonly axis: string;
  /** What its numbers mean. */
  readonly note: string;
  readonly isLogarithmic?: boolean;
}

/** The losses of a run while it learns, in the colours of the backends that computed them. */
export function LossPanel({ curve, title, axis, note, isLogarithmic }: LossPanelProps): VNode {
  const { xs, lines } = useMemo(() => curveLines(curve), [curve]);
  return (
    <section class="card">
      <h3>{title}</h3>
      <LinePlot
        label={title}
        xLabel="step"
        yLabel={axis}
        height={180}
        isLogarithmic={isLogarithmic}
        xs={xs}
        lines={lines}
      />
      <p class="quiet small">{note}</p>
    </section>
  );
}
