import { forecastTexts as texts } from '../../texts/en/forecast.ts';
import type { Line } from '../../views/line-plot.tsx';
import type { ForecastView } from './view.ts';

/** Rows before the forecast that are shown with it. */
const shownBefore = 60;

/** The truth, the forecast, and its bands, over the rows around where it begins. */
export function courseLines(
  { origin, ahead, values, bands }: ForecastView,
  truth: Float64Array,
): { readonly xs: number[]; readonly lines: Line[] } {
  const first = Math.max(0, origin - Math.max(shownBefore, ahead));
  const xs = Array.from({ length: origin + ahead - first }, (_, i) => first + i);
  const forecast = (list: Float32Array): (number | null)[] =>
    // The forecast begins where the truth that it knows ends.
    xs.map((row) => (row >= origin ? (list[row - origin] ?? null) : row === origin - 1 ? (truth[row] ?? null) : null));
  const lines: Line[] = [
    { name: texts.truth, colour: 'truth', values: xs.map((row) => truth[row] ?? null) },
    { name: texts.forecast, colour: 'forecast', values: forecast(values) },
  ];
  const [band] = bands;
  if (band !== undefined) {
    lines.push(
      { name: texts.band(band.level, 'to'), colour: 'forecast', dashed: true, fillTo: 3, values: forecast(band.upper) },
      { name: texts.band(band.level, 'from'), colour: 'forecast', dashed: true, values: forecast(band.lower) },
    );
  }
  return { xs, lines };
}
