import { comparedTo } from '../chapters/series.ts';
import type { Forecast, SunspotsResult } from '../chapters/sunspots.ts';
import { lineChart } from './chart.ts';
import { grid } from './grid.ts';
import type { Screen } from './screen.ts';
import type { Summary } from './summary.ts';

/** Months in the plot: the last solar cycle, and few enough to see each. */
const shown = 132;

export function showSunspots(screen: Screen, result: SunspotsResult): void {
  const { trainingMonths, months, truth, naive, forecasts } = result;
  const best = bestOf(forecasts);
  const from = Math.max(0, months.length - shown);
  screen.print();
  screen.say(
    `Learned from ${trainingMonths} months, then forecast each of the ${months.length} that follow ` +
      `(${months[0]} to ${months[months.length - 1]}) from the 60 before it. The last eleven years:`,
  );
  screen.print();
  const points = (values: readonly number[]): [number, number][] => values.slice(from).map((value, i) => [i, value]);
  const years = [0, 24, 48, 72, 96, 120];
  screen.print(
    lineChart(
      screen,
      { name: 'sunspots, monthly mean', colour: 'cyan', points: points(truth) },
      { xTicks: years, yTicks: [0, 50, 100, 150, 200], xLabel: (i) => months[from + i].slice(0, 4) },
      {
        name: `forecast by the ${best.name}, one month ahead`,
        sign: 'o',
        colour: 'yellow',
        points: points(best.values),
      },
    ),
  );
  screen.print();
  const rows = forecasts.map(({ name, parameters, rmse }) => [
    name,
    String(parameters),
    rmse.toFixed(1),
    comparedTo(rmse, naive),
  ]);
  screen.print(
    grid(
      screen,
      ['network', 'parameters', 'error (RMSE)', 'than "next = this"'],
      [...rows, ['next = this', '0', naive.toFixed(1), '']],
      ['left', 'right', 'right', 'right'],
    ),
  );
}

export function summariseSunspots({ naive, forecasts }: SunspotsResult): Summary[] {
  return forecasts.map(({ name, rmse }) => ({
    what: `${name} forecasts sunspots`,
    result: `off by ${rmse.toFixed(1)}`,
    beside: `"next = this": ${naive.toFixed(1)}`,
  }));
}

function bestOf(forecasts: readonly Forecast[]): Forecast {
  return forecasts.reduce((best, other) => (other.rmse < best.rmse ? other : best));
}
