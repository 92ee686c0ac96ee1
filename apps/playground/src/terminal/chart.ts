import { plot, type Color, type Point, type Settings } from 'simple-ascii-chart';
import { width, type Screen } from './screen.ts';

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
  const drawn = plot([...line.points], {
    ...settings(axes),
    ...(screen.colours && { color: ansi(line.colour) }),
    points: dots?.points.map(([x, y]) => ({ x, y, ...(screen.colours && { color: ansi(dots.colour) }) })),
    symbols: { point: dots?.sign },
  });
  return withLegend(screen, drawn, [{ ...line, sign: '━' }, ...(dots === undefined ? [] : [dots])]);
}

/** Several curves, each drawn with its own sign, and a legend. */
export function signChart(screen: Screen, curves: readonly Curve[], axes: Axes): string {
  const signs = new Map<string, string>();
  for (const { points, sign, colour } of curves) {
    for (const point of points) signs.set(String(point), screen.paint(colour, sign));
  }
  const drawn = plot(
    curves.map(({ points }) => [...points]),
    {
      ...settings(axes),
      // A column for each point: fewer points than columns would leave gaps.
      width: Math.min(columnsFor(axes), Math.max(...curves.map(({ points }) => points.length))),
      lineFormatter: ({ x, y, plotX, plotY }) => ({ x: plotX, y: plotY, symbol: signs.get(String([x, y])) ?? ' ' }),
    },
  );
  return withLegend(screen, drawn, curves);
}

function settings(axes: Axes): Settings {
  const { xTicks, yTicks, xLabel = String, yLabel = String } = axes;
  return {
    width: columnsFor(axes),
    height: 14,
    customXAxisTicks: [...xTicks],
    customYAxisTicks: [...yTicks],
    yRange: [Math.min(...yTicks), Math.max(...yTicks)],
    formatter: (value, { axis }) => (axis === 'x' ? xLabel(value) : yLabel(value)),
  };
}

/** What is left of a line beside the labels and the axis. */
function columnsFor({ yTicks, yLabel = String }: Axes): number {
  return width - 6 - Math.max(...yTicks.map((y) => yLabel(y).length));
}

function ansi(colour: Colour): Color {
  return ({ cyan: 'ansiCyan', yellow: 'ansiYellow', magenta: 'ansiMagenta' } as const)[colour];
}

/** The plot's lines without the empty ones around it, under a line that explains the signs. */
function withLegend(screen: Screen, drawn: string, curves: readonly Pick<Curve, 'name' | 'sign' | 'colour'>[]): string {
  const legend = curves.map(({ name, sign, colour }) => `${screen.paint(colour, sign)} ${name}`).join('   ');
  const lines = drawn.split('\n').filter((line) => line.trim() !== '');
  return [`  ${legend}`, ...lines.map((line) => `  ${line.trimEnd()}`)].join('\n');
}
