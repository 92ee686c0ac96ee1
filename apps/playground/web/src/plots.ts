import uPlot, { type AlignedData, type Axis, type Legend, type Options, type Series } from 'uplot';
import type { SunspotsResult } from '../../src/chapters/sunspots.ts';
import type { Point } from './laboratory.ts';

/** Months in the short view of a forecast: the last solar cycle. */
const lastMonths = 132;

/**
 * A colour of the style sheet, asked for at each drawing since it differs between light and dark.
 */
function colour(name: string): () => string {
  return () => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** A plot that fills its place and follows its width and the colour scheme. */
function plotIn(place: HTMLElement, options: Omit<Options, 'width' | 'height'>, data: AlignedData): uPlot {
  const size = (): { width: number; height: number } => ({
    width: Math.max(place.clientWidth, 200),
    height: Math.min(260, Math.max(180, place.clientWidth * 0.4)),
  });
  place.replaceChildren();
  const plot = new uPlot({ ...size(), ...options }, data, place);
  const observer = new ResizeObserver(() => plot.setSize(size()));
  observer.observe(place);
  const scheme = matchMedia('(prefers-color-scheme: dark)');
  const redraw = (): void => plot.redraw(false);
  scheme.addEventListener('change', redraw);
  // What takes its place later must not be held by it.
  plot.hooks.destroy = [
    () => {
      observer.disconnect();
      scheme.removeEventListener('change', redraw);
    },
  ];
  return plot;
}

function axis(options: Axis = {}): Axis {
  const line = { stroke: colour('line'), width: 1 };
  return { stroke: colour('quiet'), grid: line, ticks: { ...line, size: 4 }, font: '12px system-ui', ...options };
}

/** A legend that only names the lines; colours by name, in the order of the lines. */
function legendOf(colours: readonly string[]): Legend {
  return { live: false, markers: { width: 0, fill: (_plot, i) => `var(--${colours[i - 1]})` } };
}

/** The loss of a training while it goes on: a line for each backend, in its colour. */
export class LossPlot {
  private readonly plot: uPlot;
  private readonly names: readonly string[];
  private readonly steps: number[] = [];
  private readonly losses: (number | null)[][];
  private last: string | undefined;
  private drawing = 0;

  constructor(place: HTMLElement, names: readonly string[], steps: number) {
    this.names = names;
    this.losses = names.map(() => []);
    const series = names.map((name): Series => ({
      label: name,
      stroke: colour(name),
      width: 2,
      points: { show: false },
      show: false,
    }));
    this.plot = plotIn(
      place,
      {
        legend: legendOf(names),
        cursor: { show: false },
        scales: { x: { time: false, range: [0, steps] }, y: { range: (_plot, _least, most) => [0, most * 1.05] } },
        axes: [axis({ size: 28 }), axis({ size: 44 })],
        series: [{ label: 'step' }, ...series],
      },
      [[], ...names.map(() => [])],
    );
  }

  add({ step, loss, backend }: Point): void {
    if (backend !== this.last) {
      const [before, now] = [this.names.indexOf(this.last ?? backend), this.names.indexOf(backend)];
      // The new line begins where the old one ends.
      const end = this.steps.length - 1;
      if (end >= 0) this.losses[now][end] = this.losses[before][end];
      this.plot.setSeries(now + 1, { show: true });
      this.last = backend;
    }
    this.steps.push(step);
    for (const [i, name] of this.names.entries()) this.losses[i].push(name === backend ? loss : null);
    if (this.drawing !== 0) return;
    this.drawing = requestAnimationFrame(() => {
      this.drawing = 0;
      this.plot.setData([this.steps, ...this.losses]);
    });
  }

  destroy(): void {
    cancelAnimationFrame(this.drawing);
    this.plot.destroy();
  }
}

/** A forecast over the truth, month by month. */
export class ForecastPlot {
  private readonly plot: uPlot;
  private readonly times: readonly number[];

  constructor(place: HTMLElement, { months, truth, forecasts: [{ name, values }] }: SunspotsResult) {
    this.times = months.map((month) => Date.parse(`${month}-01T00:00Z`) / 1000);
    this.plot = plotIn(
      place,
      {
        tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC'),
        legend: legendOf(['truth', 'forecast']),
        cursor: { drag: { x: false, y: false }, points: { show: false }, y: false },
        axes: [axis({ values: '{YYYY}', space: 44, size: 28 }), axis({ size: 44 })],
        series: [
          {},
          { label: 'counted', stroke: colour('truth'), width: 2, points: { show: false } },
          {
            label: `forecast by the ${name}`,
            stroke: colour('forecast'),
            width: 2,
            dash: [5, 3],
            points: { show: false },
          },
        ],
      },
      [this.times, truth, values].map((list) => [...list]) as AlignedData,
    );
  }

  /** Shows all months, or the last eleven years. */
  show(all: boolean): void {
    const last = this.times.length - 1;
    this.plot.setScale('x', { min: this.times[all ? 0 : Math.max(0, last - lastMonths)], max: this.times[last] });
  }

  destroy(): void {
    this.plot.destroy();
  }
}
