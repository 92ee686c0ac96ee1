import { comparedTo } from '../../src/chapters/series.ts';
import type { SunspotsResult } from '../../src/chapters/sunspots.ts';
import { counted, find } from './elements.ts';
import { ForecastPlot } from './plots.ts';

const figure = find(document, '#sunspots-forecast', HTMLElement);
const all = find(figure, '#sunspots-all', HTMLInputElement);
let plot: ForecastPlot | undefined;

all.addEventListener('change', () => plot?.show(all.checked));

/** Draws the forecast over the truth; says how far they are apart. */
export function showForecast(result: SunspotsResult): string {
  const [{ name, steps, rmse }] = result.forecasts;
  figure.hidden = false;
  plot?.destroy();
  plot = new ForecastPlot(find(figure, '.plot', HTMLElement), result);
  plot.show(all.checked);
  const { naive, months } = result;
  return (
    `After ${counted(steps, 'step')} the ${name}’s forecasts of ${months.length} held-out months are off by ${rmse.toFixed(1)} sunspots ` +
    `(RMSE), ${comparedTo(rmse, naive)} than “next month will be like this one”, which is off by ${naive.toFixed(1)}.`
  );
}
