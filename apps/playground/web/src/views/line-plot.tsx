import type { VNode } from 'preact';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import uPlot, { type AlignedData, type Axis, type Series } from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { Curve } from '../experiment/curve.ts';
import { whole } from '../texts/en/writing.ts';
import { colour } from './colour.ts';

/** A line of a plot. */
export interface Line {
  readonly name: string;
  /** A colour of the style sheet, by its name without the dashes: `wasm`, `truth`, `accent`. */
  readonly colour: string;
  /** A value for each x; null where the line has none. */
  readonly values: readonly (number | null)[];
  readonly dashed?: boolean;
  /** Fills the space between this line and the one with this index. */
  readonly fillTo?: number;
}

export interface LinePlotProps {
  /** What the plot shows, for those who do not see it; a caption above it says the same. */
  readonly label: string;
  readonly xs: readonly number[];
  readonly lines: readonly Line[];
  /** The quantity of the horizontal axis, e.g. `step`. */
  readonly xLabel: string;
  /** The quantity of the vertical axis and its unit. */
  readonly yLabel: string;
  /** How a value is written in the legend, on the axes and in the text; two digits unless given. */
  readonly format?: (value: number) => string;
  readonly formatX?: (value: number) => string;
  /** Limits of the vertical axis; what fits the values unless given. */
  readonly range?: readonly [least: number | undefined, most: number | undefined];
  readonly isLogarithmic?: boolean;
  /** Pixels; 200 unless given. */
  readonly height?: number;
  /** What becomes of the numbers in words; first, last and extremes unless given. */
  readonly description?: string;
  /** Called with the index of the x under the pointer. */
  readonly onHover?: (index: number | undefined) => void;
}

const twoDigits = (value: number): string => (Number.isInteger(value) ? whole(value) : value.toFixed(2));

/** Lines over a common axis; values on hover, and a text of the numbers for screen readers. */
export function LinePlot(props: LinePlotProps): VNode {
  const { label, xs, lines, xLabel, format = twoDigits, formatX = twoDigits, height = 200 } = props;
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const latest = useRef(props);
  latest.current = props;
  // Another plot only where it is made of something else: new values alone are drawn into it.
  const made = JSON.stringify([
    lines.map(({ name, colour, dashed, fillTo }) => [name, colour, dashed, fillTo]),
    xLabel,
    props.isLogarithmic,
  ]);

  // Before the first paint: what comes later would push down all that is below.
  useLayoutEffect(() => {
    const parent = place.current;
    if (parent === null) return;
    const series = lines.map(({ name, colour: hue, dashed }): Series => ({
      label: name,
      stroke: colour(hue),
      width: 2,
      points: { show: false },
      dash: dashed ? [5, 4] : undefined,
      spanGaps: false,
      value: (plot, value: number | null, line, at) => {
        const shown = at === null ? lastOf(plot.data[line]) : value;
        return shown === null ? '–' : (latest.current.format ?? twoDigits)(shown);
      },
    }));
    const bands = lines.flatMap(({ fillTo, colour: hue }, i) =>
      fillTo === undefined ? [] : [{ series: [i + 1, fillTo + 1] as [number, number], fill: colour(`${hue}-band`)() }],
    );
    const chart = new uPlot(
      {
        width: Math.max(parent.clientWidth, 160),
        height,
        bands,
        // Also for a single line: values on hover, and nothing moves when a second comes.
        legend: { show: true, live: true },
        cursor: { drag: { x: false, y: false }, points: { size: 6 }, y: false },
        scales: {
          x: { time: false },
          y: {
            // oxlint-disable-next-line typescript/no-unsafe-enum-assignment -- the names of uPlot's numbers exist in its types alone
            distr: latest.current.isLogarithmic ? 3 : 1,
            range: (_plot, least, most) =>
              latest.current.isLogarithmic ? logLimits(least, most) : limits(latest.current.range, least, most),
          },
        },
        axes: [
          axis({
            size: 28,
            values: (_plot, ticks) => ticks.map((tick) => (latest.current.formatX ?? twoDigits)(tick)),
          }),
          axis({
            size: 48,
            ...(latest.current.isLogarithmic && {
              splits: (_plot, _axis, least, most) => logTicks(least, most),
              filter: (_plot, ticks) => ticks,
            }),
            values: (_plot, ticks) =>
              ticks.map((tick) => (tick === null ? '' : (latest.current.format ?? twoDigits)(tick))),
          }),
        ],
        series: [
          {
            label: xLabel,
            value: (plot, value: number | null, line, at) => {
              const shown = at === null ? lastOf(plot.data[line]) : value;
              return shown === null ? '–' : (latest.current.formatX ?? twoDigits)(shown);
            },
          },
          ...series,
        ],
        hooks: { setCursor: [(plot) => latest.current.onHover?.(plot.cursor.idx ?? undefined)] },
      },
      aligned(latest.current),
      parent,
    );
    plot.current = chart;
    const resize = new ResizeObserver(() => {
      const width = Math.max(parent.clientWidth, 160);
      if (width !== chart.width) chart.setSize({ width, height });
    });
    resize.observe(parent);
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    const redraw = (): void => chart.redraw(false);
    scheme.addEventListener('change', redraw);
    return () => {
      resize.disconnect();
      scheme.removeEventListener('change', redraw);
      chart.destroy();
      plot.current = undefined;
    };
  }, [made, height]);

  useEffect(() => plot.current?.setData(aligned(latest.current)), [xs, lines]);

  return (
    <div class="line-plot">
      <p class="axis-name" aria-hidden="true">
        ↑ {props.yLabel}
      </p>
      <div ref={place} class="plot" aria-hidden="true" />
      <p class="hidden">
        {label}: {props.yLabel}. {props.description ?? inWords(xs, lines, xLabel, format, formatX)}
      </p>
    </div>
  );
}

/** The lines of a run's losses: one for each backend that computed, in its colour. */
export function curveLines(
  { points, rest }: Curve,
  scale: (loss: number) => number = (loss) => loss,
): { xs: number[]; lines: Line[] } {
  // Until a point is full the last losses stand for it.
  const all = points.length === 0 ? [...rest] : [...points];
  const names = [...new Set(all.map(({ backend }) => backend))];
  const lines = names.map((name): Line => ({
    name,
    colour: name,
    values: all.map(({ backend, loss }, i) =>
      // A line begins where the one before ends.
      backend === name || all[i + 1]?.backend === name ? scale(loss) : null,
    ),
  }));
  return { xs: all.map(({ step }) => step), lines };
}

/** What a line ends with: the legend shows it while nothing is pointed at. */
function lastOf(values: AlignedData[number]): number | null {
  for (let i = values.length - 1; i >= 0; i--) {
    const value = values[i];
    if (typeof value === 'number') return value;
  }
  return null;
}

function aligned({ xs, lines }: LinePlotProps): AlignedData {
  return [[...xs], ...lines.map(({ values }) => [...values])];
}

function limits(range: LinePlotProps['range'], least: number, most: number): [number, number] {
  const margin = (most - least) * 0.05 || 0.5;
  return [range?.[0] ?? least - margin, range?.[1] ?? most + margin];
}

/** A twentieth of the way more on both sides, as the logarithm sees it. */
function logLimits(least: number, most: number): [number, number] {
  // Before there are values.
  if (!(least > 0)) return [0.1, 1];
  const margin = (most / least) ** 0.05;
  // Where all values are alike there is a way to see all the same.
  return margin > 1.01 ? [least / margin, most * margin] : [least / 2, most * 2];
}

/**
 * Marks of a logarithmic axis: powers of ten, at most six of them, evenly apart; where there are
 * not two of them, 1, 2 and 5 times such, or else all whole multiples.
 */
export function logTicks(least: number, most: number): number[] {
  const [first, last] = [Math.ceil(Math.log10(least) - 1e-9), Math.floor(Math.log10(most) + 1e-9)];
  if (last > first) {
    const step = Math.max(1, Math.ceil((last - first) / 5));
    return Array.from({ length: Math.floor((last - first) / step) + 1 }, (_, i) => 10 ** (last - i * step));
  }
  const multiples = (factors: readonly number[]): number[] =>
    [first - 1, first].flatMap((power) =>
      factors.map((factor) => factor * 10 ** power).filter((tick) => tick >= least && tick <= most),
    );
  const some = multiples([1, 2, 5]);
  return some.length > 1 ? some : multiples([1, 2, 3, 4, 5, 6, 7, 8, 9]);
}

function axis(options: Axis): Axis {
  const line = { stroke: colour('line'), width: 1 };
  return { stroke: colour('quiet'), grid: line, ticks: { ...line, size: 4 }, font: '12px system-ui', ...options };
}

function inWords(
  xs: readonly number[],
  lines: readonly Line[],
  xLabel: string,
  format: (value: number) => string,
  formatX: (value: number) => string,
): string {
  const sentences = lines.map(({ name, values }) => {
    const at = values.flatMap((value, i) => (value === null ? [] : [i]));
    if (at.length === 0) return `${name}: no values yet.`;
    const [first, last] = [at[0], at[at.length - 1]];
    const numbers = at.map((i) => values[i] ?? 0);
    return (
      `${name}: from ${format(numbers[0])} at ${xLabel} ${formatX(xs[first])} to ` +
      `${format(numbers[numbers.length - 1])} at ${xLabel} ${formatX(xs[last])}, ` +
      `between ${format(Math.min(...numbers))} and ${format(Math.max(...numbers))}.`
    );
  });
  return sentences.join(' ');
}
