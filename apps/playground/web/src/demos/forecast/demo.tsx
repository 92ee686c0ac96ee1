import { useSignal } from '@preact/signals';
import type { VNode } from 'preact';
import { useMemo } from 'preact/hooks';
import { useSetting } from '../../shell/address.ts';
import { CodePanel } from '../../shell/code-panel.tsx';
import { ModelFiles } from '../../shell/model-files.tsx';
import { useExperiment } from '../../shell/use-experiment.ts';
import { startWorker } from '../../start-worker.ts';
import { forecastTexts as texts } from '../../texts/en/forecast.ts';
import { LinePlot } from '../../views/line-plot.tsx';
import { LossPanel } from '../../views/loss-panel.tsx';
// oxlint-disable-next-line import/default -- Vite gives the text of the file
import code from './code.ts?raw';
import { rowNames } from './dates.ts';
import type { ForecastExperiment } from './experiment.ts';
import { layers } from './layer-names.ts';
import { courseLines } from './lines.ts';
import { ScoreTable } from './score-table.tsx';
import { sources } from './sources.ts';
import { SourcePicker } from './source-picker.tsx';
import { useTable } from './use-table.ts';
import type { ForecastSettings } from './view.ts';

/** A net forecasts a series while it learns: one of three, or one's own file. */
export default function Forecast(): VNode {
  const source = useSetting<string>('data', 'sunspots');
  const column = useSetting<string>('column', '');
  const also = useSetting<string>('also', '');
  const layer = useSetting<string>('layer', 'LSTM');
  const hidden = useSetting('units', 24);
  const season = useSetting('season', -1);
  // What is being typed: the demo is drawn again while it learns.
  const typedSeason = useSignal<string | undefined>(undefined);
  const ahead = useSetting('ahead', 0);
  const from = useSetting('from', 0);
  // An address holds the name of a file, not what is in it.
  const fileName = useSetting<string>('file', '');
  const own = useSignal<File | undefined>(undefined);
  const isOwn = fileName.value !== '';
  const awaited = isOwn && own.value === undefined ? fileName.value : undefined;
  const { table, reading, fault, giveUp } = useTable(own.value, isOwn ? undefined : source.value);

  const builtIn = isOwn ? undefined : sources[source.value];
  const name = isOwn ? 'own' : source.value;
  const names = table?.columns.map((each) => each.name) ?? [];
  const target = names.includes(column.value) ? column.value : (builtIn?.column ?? names[0] ?? '');
  const others = also.value.split(',').filter((each) => each !== target && names.includes(each));
  const rows = table?.columns[0]?.values.length ?? 0;
  const testStart = rows - Math.max(1, Math.floor(0.2 * rows));
  const seasonRows = season.value < 0 ? (builtIn?.season ?? 0) : season.value;
  const longest = Math.min(240, Math.max(1, rows - testStart));
  const place = {
    origin: Math.min(rows, Math.max(testStart, Math.round(from.value))),
    ahead: Math.min(longest, Math.max(1, Math.round(ahead.value || (builtIn?.ahead ?? 48)))),
  };
  const series = useMemo(() => {
    const columns = [target, ...others].map((each) => table?.columns.find(({ name }) => name === each)?.values);
    const width = columns.length;
    const data = Float32Array.from(
      { length: rows * width },
      (_, i) => columns[i % width]?.[Math.floor(i / width)] ?? 0,
    );
    return { shape: [rows, width] as const, data };
  }, [table, target, others.join()]);
  const isLayer = layer.value in layers;

  const settings: ForecastSettings & { readonly key: string } = {
    // What the series is, in a word: its numbers are not compared at every drawing.
    key: `${table?.id ?? 0}:${[target, ...others].join()}`,
    series,
    layer: isLayer ? (layer.value as keyof typeof layers) : 'LSTM',
    hidden: Math.min(128, Math.max(4, Math.round(hidden.value))),
    season: seasonRows > 0 ? Math.round(seasonRows) : undefined,
    place,
  };
  const session = useExperiment<ForecastExperiment, typeof settings>({
    worker: () => startWorker('forecast'),
    settings,
    live: ['series', 'place'],
    isReady: table !== undefined,
  });
  const look = (next: Partial<typeof place>): void => {
    const wanted = { ...place, ...next };
    from.value = wanted.origin === testStart ? 0 : wanted.origin;
    ahead.value = wanted.ahead === (builtIn?.ahead ?? 48) ? 0 : wanted.ahead;
    if (session.progress.value !== undefined)
      session.ask('look', wanted).catch((error: unknown) => session.fail(error));
  };
  const choose = (id: string): void => {
    own.value = undefined;
    fileName.value = '';
    for (const setting of [column, also]) setting.value = '';
    season.value = -1;
    for (const setting of [ahead, from]) setting.value = 0;
    source.value = id;
  };
  const open = (file: File): void => {
    // The file that the address is of goes with what was chosen for it.
    if (file.name !== awaited) choose('sunspots');
    fileName.value = file.name;
    own.value = file;
  };

  const view = session.progress.value?.view;
  // A view of the series before may still be here while the next one is read.
  const isCurrent = view !== undefined && table !== undefined && view.testStart < rows && view.origin <= rows;
  const rowName = useMemo(() => rowNames(table?.times), [table]);
  const words = texts.of(name);
  // Without a series there is nothing to choose and to see.
  const isGone = table === undefined && !reading;
  return (
    <>
      <SourcePicker
        source={isOwn ? '' : source.value}
        fileName={isOwn ? fileName.value : undefined}
        isAwaited={awaited !== undefined}
        isReading={reading}
        fault={fault}
        onChoose={choose}
        onOpen={open}
        onGiveUp={giveUp}
      />
      <section class="card" aria-label={texts.plot} hidden={isGone}>
        <p class="quiet small">{texts.lead}</p>
        <div class="tall-plot">
          {isCurrent && (
            <LinePlot
              label={texts.plot}
              xLabel={words.row}
              yLabel={texts.axis(target, isOwn)}
              formatX={rowName}
              format={texts.error}
              height={260}
              {...courseLines(view, table.columns.find((each) => each.name === target)?.values ?? new Float64Array())}
            />
          )}
        </div>
        <div class="sliders">
          <label>
            {texts.ahead}: <output>{`${place.ahead} ${words.rows}`}</output>
            <input
              type="range"
              min={1}
              max={longest}
              value={place.ahead}
              onInput={({ currentTarget }) => look({ ahead: currentTarget.valueAsNumber })}
            />
          </label>
          <label>
            {texts.origin}: <output>{rows === 0 ? '–' : rowName(place.origin)}</output>
            <input
              type="range"
              min={testStart}
              max={rows}
              value={place.origin}
              onInput={({ currentTarget }) => look({ origin: currentTarget.valueAsNumber })}
            />
          </label>
        </div>
        <p class="verdict" aria-live="off">
          {isCurrent ? texts.verdict(view.oneStep, name) : '\u00a0'}
        </p>
        <p class="quiet verdict">
          {isCurrent ? (view.here === undefined ? texts.future : texts.hereVerdict(view.here, name)) : '\u00a0'}
        </p>
        <div class="controls">
          <label>
            {texts.column}
            <select value={target} onChange={({ currentTarget }) => (column.value = currentTarget.value)}>
              {names.map((each) => (
                <option key={each} value={each}>
                  {each}
                </option>
              ))}
            </select>
          </label>
          {names.length > 1 && (
            <fieldset class="choices">
              <legend>{texts.others}</legend>
              {names
                .filter((each) => each !== target)
                .slice(0, 12)
                .map((each) => (
                  <label key={each}>
                    <input
                      type="checkbox"
                      checked={others.includes(each)}
                      onChange={({ currentTarget }) =>
                        (also.value = currentTarget.checked
                          ? [...others, each].join(',')
                          : others.filter((other) => other !== each).join(','))
                      }
                    />
                    {each}
                  </label>
                ))}
            </fieldset>
          )}
          <label>
            {texts.layer}
            <select value={settings.layer} onChange={({ currentTarget }) => (layer.value = currentTarget.value)}>
              {Object.keys(layers).map((each) => (
                <option key={each} value={each}>
                  {each}
                </option>
              ))}
            </select>
          </label>
          <label>
            {texts.hidden}
            <select
              value={settings.hidden}
              onChange={({ currentTarget }) => (hidden.value = Number(currentTarget.value))}
            >
              {[...new Set([8, 16, 24, 32, 64, settings.hidden])].map((each) => (
                <option key={each} value={each}>
                  {each}
                </option>
              ))}
            </select>
          </label>
          <label>
            {texts.season}
            <input
              type="number"
              min={0}
              max={rows}
              value={typedSeason.value ?? seasonRows}
              onInput={({ currentTarget }) => (typedSeason.value = currentTarget.value)}
              onChange={({ currentTarget }) => {
                const { valueAsNumber } = currentTarget;
                typedSeason.value = undefined;
                season.value = Number.isInteger(valueAsNumber) && valueAsNumber >= 0 ? valueAsNumber : -1;
              }}
            />
          </label>
        </div>
      </section>
      <div class="columns" hidden={isGone}>
        <section class="card">
          {isCurrent && <ScoreTable view={view} source={name} />}
          {isCurrent && (
            <p class="quiet small">
              {texts.learns(table.rowsInFile, rows)} {texts.split(view, rows)}
            </p>
          )}
          <p class="tries">
            {texts.try}:{' '}
            {texts.tries.map(({ text, values }) => (
              <button
                key={text}
                type="button"
                onClick={() => {
                  choose(values.data);
                  ahead.value = values.ahead;
                }}
              >
                {text}
              </button>
            ))}
          </p>
        </section>
        <LossPanel
          curve={session.curve.value}
          title={texts.loss}
          axis={texts.lossAxis}
          note={texts.lossNote}
          isLogarithmic
        />
      </div>
      <ModelFiles
        onSave={(format) => session.ask('saveModel', format)}
        onLoad={(name, bytes) => session.ask('loadModel', name, bytes)}
      />
      <CodePanel code={code} packages={['@rnn/core', '@rnn/backend-wasm', '@rnn/nn', '@rnn/train']} />
    </>
  );
}
