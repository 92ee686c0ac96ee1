import type { OwnSeriesResult } from '../chapters/own-series.ts';
import { comparedTo } from '../chapters/series.ts';
import { lineChart } from './chart.ts';
import type { Screen } from './screen.ts';

/** The last values, few enough to see each. */
const shown = 120;

export function showOwnSeries(
  screen: Screen,
  { column, trained, truth, forecast, rmse, naive }: OwnSeriesResult,
): void {
  const from = Math.max(0, truth.length - shown);
  const points = (values: readonly number[]): [number, number][] =>
    values.slice(from).map((value, i) => [from + i, value]);
  const all = [...truth.slice(from), ...forecast.slice(from)];
  const [low, high] = [Math.min(...all), Math.max(...all)];
  screen.print();
  screen.say(
    `Learned '${column}' from ${trained} values, then forecast each of the ${truth.length} that follow from the 60 before it. The last ${truth.length - from}:`,
  );
  screen.print();
  screen.print(
    lineChart(
      screen,
      { name: column, colour: 'cyan', points: points(truth) },
      {
        xTicks: [0, 1, 2, 3, 4].map((quarter) => from + Math.round((quarter * (truth.length - 1 - from)) / 4)),
        yTicks: [0, 1, 2, 3, 4].map((quarter) => low + (quarter * (high - low)) / 4),
        xLabel: (i) => String(trained + i + 1),
        yLabel: (value) => String(Number(value.toPrecision(3))),
      },
      { name: 'forecast, one ahead', sign: 'o', colour: 'yellow', points: points(forecast) },
    ),
  );
  screen.print();
  screen.say(
    `Its error (RMSE) is ${Number(rmse.toPrecision(3))}. That of "the next value is like this one" is ${Number(naive.toPrecision(3))}: the LSTM errs by ${comparedTo(rmse, naive)}.` +
      (rmse < naive
        ? ''
        : ' So far it has learned nothing that is not in the last value; many series, such as prices, hold no more.'),
  );
}
