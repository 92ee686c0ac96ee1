import type { BackendRun, BackendsResult } from '../chapters/backends.ts';
import { lineChart } from './chart.ts';
import { grid } from './grid.ts';
import type { Screen } from './screen.ts';
import type { Summary } from './summary.ts';

export function showBackends(screen: Screen, result: BackendsResult): void {
  const { months, runs, missing, stayed, moved } = result;
  screen.print();
  if (runs.length > 1) {
    screen.say(
      `The loss of a training that stays on ${runs[0].name}, and of the same one handed from ${route(runs)} on the way, weights and ` +
        `optimiser. They differ by ${small(result.difference)} at most:`,
    );
    screen.print();
    screen.print(lossChart(screen, runs, stayed, moved));
    screen.print();
  }
  screen.say(`Then each forecasts the same ${months} months with the weights that came of it:`);
  screen.print();
  screen.print(
    grid(
      screen,
      ['backend', 'computes in', 'time', 'largest difference, in sunspots'],
      runs.map(({ name, device, milliseconds, difference }, i) => [
        name,
        device,
        `${milliseconds.toFixed(1)} ms`,
        i === 0 ? '' : small(difference),
      ]),
      ['left', 'left', 'right', 'right'],
    ),
  );
  for (const { name, reason } of missing) {
    screen.print();
    screen.say(`${name} is not available here. ${reason}`);
  }
}

export function summariseBackends({ runs, difference }: BackendsResult): Summary[] {
  const forecasts = runs.map(({ name, milliseconds }, i) => ({
    what: `624 forecasts on ${name}`,
    result: `${milliseconds.toFixed(1)} ms`,
    beside: i === 0 ? '' : `${runs[0].name}: ${runs[0].milliseconds.toFixed(1)} ms`,
  }));
  if (runs.length === 1) return forecasts;
  return [
    ...forecasts,
    {
      what: route(runs),
      result: difference === 0 ? 'the same loss' : `loss within ${small(difference)}`,
      beside: runs[0].name,
    },
  ];
}

function lossChart(
  screen: Screen,
  runs: readonly BackendRun[],
  stayed: readonly number[],
  moved: readonly number[],
): string {
  const last = stayed.length;
  const ticks = [...new Set([1, 2, 3, 4].map((quarter) => Math.max(1, Math.round((last * quarter) / 4))))];
  const top = Math.max(...stayed, ...moved);
  const unit = [0.1, 0.25, 0.5, 1, 2.5, 5, 10].find((step) => step * 5 >= top) ?? top / 5;
  const points = (losses: readonly number[]): [number, number][] => losses.map((loss, i) => [i + 1, loss]);
  return lineChart(
    screen,
    { name: `on ${runs[0].name} alone`, colour: 'cyan', points: points(stayed) },
    { xTicks: ticks, yTicks: Array.from({ length: Math.ceil(top / unit) + 1 }, (_, i) => unit * i) },
    { name: route(runs), sign: 'o', colour: 'yellow', points: points(moved) },
  );
}

function route(runs: readonly BackendRun[]): string {
  return runs.map(({ name }) => name).join(' to ');
}

function small(value: number): string {
  return value === 0 ? '0' : value.toExponential(0);
}
