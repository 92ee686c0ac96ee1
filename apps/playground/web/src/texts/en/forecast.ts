import type { ForecastView, PlaceScores, StepScores } from '../../demos/forecast/view.ts';
import { percent, significant, whole } from './writing.ts';

/** Numbers as they are read: three digits that count. */
const number = (value: number): string => significant(value, Math.abs(value) >= 1000 ? 4 : 3);

/** What the series are called, and what one row of each is. */
const series: Readonly<
  Record<string, { title: string; row: string; rows: string; unit: string; same: string; season: string }>
> = {
  sunspots: {
    title: 'Sunspots by month',
    row: 'month',
    rows: 'months',
    unit: 'sunspots',
    same: 'next month is like this one',
    season: 'it is as 11 years ago',
  },
  weather: {
    title: 'Seattle weather by day',
    row: 'day',
    rows: 'days',
    unit: '',
    same: 'tomorrow is like today',
    season: 'it is as a year ago',
  },
  sp500: {
    title: 'S&P 500 by trading day',
    row: 'day',
    rows: 'days',
    unit: 'points',
    same: 'tomorrow is like today',
    season: '',
  },
};
const own = {
  title: 'A file of your own',
  row: 'row',
  rows: 'rows',
  unit: '',
  same: 'the next row is like this one',
  season: 'it is as one season ago',
};

/** What the columns of the built-in series are. */
const quantities: Readonly<Record<string, string>> = {
  sunspots: 'sunspots, mean of the month',
  close: 'points at close',
  temp_max: 'highest temperature of the day, °C',
  temp_min: 'lowest temperature of the day, °C',
  precipitation: 'rain and snow, mm',
  wind: 'wind, m/s',
};

export const forecastTexts = {
  lead: 'Orange: how the net goes on, in a part that it has never seen. Watch it change while the net learns.',
  of: (source: string) => series[source] ?? own,
  source: 'Series',
  choose: 'Open a CSV file',
  drop: 'or drop one here: the first row names the columns, and the file stays on your machine.',
  notInLink: (name: string) =>
    `A link cannot hold ${name}: send the file along with it. Whoever opens the link is asked for the file, and sees the same run.`,
  awaited: (name: string) =>
    `This link is of ${name}, which stayed where the link was made. Open that file here, and the same run begins; or choose a series.`,
  reading: (name: string) => `Reading ${name} …`,
  giveUp: 'Give up',
  notRead: (name: string) => `${name} cannot be used.`,
  back: 'Back to the sunspots',
  column: 'Forecast',
  others: 'Also read',
  layer: 'Layer',
  hidden: 'Units',
  season: 'Season (rows, 0: none)',
  ahead: 'Look ahead',
  origin: 'From',
  axis: (column: string, isOwn: boolean) => (isOwn ? column : (quantities[column] ?? column)),
  plot: 'Forecast and truth',
  truth: 'truth',
  forecast: 'forecast',
  band: (level: number, edge: 'from' | 'to') => `${percent(level)} band ${edge}`,
  loss: 'Loss while it learns',
  lossAxis: 'squared error',
  lossNote:
    'Mean squared error of a batch, in squared deviations of the series. The line takes the colour of the backend that computes.',
  learns: (rows: number, used: number) =>
    used < rows ? `The file has ${whole(rows)} rows; the last ${whole(used)} are used.` : `${whole(rows)} rows.`,
  split: ({ trainEnd, testStart }: ForecastView, rows: number) =>
    `It learns from the first ${whole(trainEnd)}, the next ${whole(testStart - trainEnd)} give the band its width, and the last ${whole(rows - testStart)} are the test.`,
  oneStepTitle: (row: string) => `One ${row} ahead`,
  hereTitle: (count: number, rows: string) => `${count} ${rows} ahead, from here`,
  model: 'this net',
  persistence: 'stays as it is',
  seasonal: 'as a season ago',
  error: (value: number | undefined) => (value === undefined ? '–' : number(value)),

  /** What the errors of the test say. */
  verdict({ model, persistence, certainty, count }: StepScores, source: string): string {
    const { rows, same, unit } = forecastTexts.of(source);
    const both = `Over ${whole(count)} ${rows} of the test it is off by ${number(model)}${unit && ` ${unit}`} (root mean square), “${same}” by ${number(persistence)}.`;
    if (certainty >= 2)
      return `Better than no model. ${both} That is ${percent(1 - model / persistence)} less, and more than chance.`;
    if (certainty > -2) {
      const why =
        source === 'sp500'
          ? ' The index is close to a random walk: its past hardly tells what the next day brings, and no net here changes that.'
          : '';
      return `Not better than no model. ${both} The difference may be chance.${why}`;
    }
    const why =
      source === 'sp500'
        ? ' For a series close to a random walk that is the best there is.'
        : ' Let it learn on, or look at the loss.';
    return `Worse than no model so far. ${both}${why}`;
  },

  /** What the errors of the part that is shown say: a single case. */
  hereVerdict({ model, persistence, seasonal, count, inBand }: PlaceScores, source: string): string {
    const { rows, unit } = forecastTexts.of(source);
    const best = Math.min(persistence, seasonal ?? Infinity);
    const compared = model < best ? 'closer than' : 'not as close as';
    const naive = best === persistence ? '“it stays as it is”' : `“${forecastTexts.of(source).season}”`;
    return `In this one case, over ${count} ${rows}, the forecast is off by ${number(model)}${unit && ` ${unit}`}: ${compared} ${naive}, which is off by ${number(best)}. The 80\u00a0% band holds ${percent(inBand)} of the ${rows}.`;
  },
  future: 'From here on nobody knows the truth yet.',
  tries: [
    { text: 'sunspots, 20 years ahead', values: { data: 'sunspots', ahead: 240 } },
    { text: 'the stock market, honestly', values: { data: 'sp500', ahead: 60 } },
    { text: 'tomorrow’s weather', values: { data: 'weather', ahead: 60 } },
  ],
  try: 'Try',
} as const;
