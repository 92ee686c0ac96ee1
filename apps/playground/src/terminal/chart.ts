import { stripVTControlCharacters } from 'node:util';
import { plot, type Color, type Point, type Settings } from 'simple-ascii-chart';
import type { Screen } from './screen.ts';

/** Columns in front of a chart. */
const MARGIN = 2;

type Colour = 'cyan' | 'yellow' | 'magenta';

/** Points, with the sign that stands for them where no colour tells them apart. */
export interface Curve {
  readonly name: string;
  readonly sign: string;
  readonly colour: Colour;
  readonly points: readonly Point[];
}

export interface Axes {
  readonly xTicks: readonly number[];
  readonly yTicks: readonly number[];
  readonly xLabel?: (x: number) => string;
  readonly yLabel?: (y: number) => string;
}

/** A curve as a line, a second one as dots over it, and a legend. */
export function lineChart(screen: Screen, line: Omit<Curve, 'sign'>, axes: Axes, dots?: Curve): string {
  const drawn = fitted(screen, (columns) =>
    plot([...line.points], {
      ...settings(axes, columns),
      ...(screen.colours && { color: ansi(line.colour) }),
      points: dots?.points.map(([x, y]) => ({ x, y, ...(screen.colours && { color: ansi(dots.colour) }) })),
      symbols: { point: dots?.sign },
    }),
  );
  return withLegend(screen, drawn, [{ ...line, sign: '━' }, ...(dots === undefined ? [] : [dots])]);
}

/** Several curves, each drawn with its own sign, and a legend. */
export function signChart(screen: Screen, curves: readonly Curve[], axes: Axes): string {
  const signs = new Map<string, string>();
  for (const { points, sign, colour } of curves) {
    for (const point of points) signs.set(String(point), screen.paint(colour, sign));
  }
  // A column for each point: fewer points than columns would leave gaps.
  const most = Math.max(...curves.map(({ points }) => points.length));
  const drawn = fitted(screen, (columns) =>
    plot(
      curves.map(({ points }) => [...points]),
      {
        ...settings(axes, Math.min(columns, most)),
        lineFormatter: ({ x, y, plotX, plotY }) => ({ x: plotX, y: plotY, symbol: signs.get(String([x, y])) ?? ' ' }),
      },
    ),
  );
  return withLegend(screen, drawn, curves);
}

function settings(axes: Axes, columns: number): Settings {
  const { xTicks, yTicks, xLabel = String, yLabel = String } = axes;
  return {
    width: columns,
    height: 14,
    customXAxisTicks: [...xTicks],
    customYAxisTicks: [...yTicks],
    yRange: [Math.min(...yTicks), Math.max(...yTicks)],
    formatter: (value, { axis }) => (axis === 'x' ? xLabel(value) : yLabel(value)),
  };
}

/**
 * Draws with as many columns as fit a line: how far labels and axis reach beyond them is only known
 * from what is drawn.
 */
function fitted({ width }: Screen, draw: (columns: number) => string): string {
  for (let columns = width - 6; ;) {
    const drawn = draw(columns);
    const lines = stripVTControlCharacters(drawn).split('\n');
    const excess = Math.max(...lines.map((line) => MARGIN + line.trimEnd().length)) - width;
    if (excess <= 0 || columns <= excess) return drawn;
    columns -= excess;
  }
}

function ansi(colour: Colour): Color {
  return ({ cyan: 'ansiCyan', yellow: 'ansiYellow', magenta: 'ansiMagenta' } as const)[colour];
}

/** The plot's lines without the empty ones around it, under a line that explains the signs. */
function withLegend(screen: Screen, drawn: string, curves: readonly Pick<Curve, 'name' | 'sign' | 'colour'>[]): string {
  const legend = curves.map(({ name, sign, colour }) => `${screen.paint(colour, sign)} ${name}`).join('   ');
  const lines = drawn.split('\n').filter((line) => line.trim() !== '');
  return [`  ${legend}`, ...lines.map((line) => `${' '.repeat(MARGIN)}${line.trimEnd()}`)].join('\n');
}
