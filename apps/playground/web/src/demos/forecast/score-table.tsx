import type { VNode } from 'preact';
import { forecastTexts as texts } from '../../texts/en/forecast.ts';
import type { ForecastView, Scores } from './view.ts';

/** Errors of the net beside those of forecasts without a net. */
export function ScoreTable({ view, source }: { readonly view: ForecastView; readonly source: string }): VNode {
  const { row, rows } = texts.of(source);
  const line = (title: string, scores: Scores | undefined): VNode => {
    const all = [scores?.model, scores?.persistence, scores?.seasonal];
    const best = Math.min(...all.filter((error) => error !== undefined));
    return (
      <tr>
        <th scope="row">{title}</th>
        {all.map((error, i) => (
          <td key={i} class={error === best ? 'best' : undefined}>
            {texts.error(error)}
          </td>
        ))}
      </tr>
    );
  };
  return (
    <table class="scores">
      <thead>
        <tr>
          <td />
          <th scope="col">{texts.model}</th>
          <th scope="col">{texts.persistence}</th>
          <th scope="col">{texts.seasonal}</th>
        </tr>
      </thead>
      <tbody>
        {line(texts.oneStepTitle(row), view.oneStep)}
        {line(texts.hereTitle(view.here?.count ?? view.ahead, rows), view.here)}
      </tbody>
    </table>
  );
}
