import { useSignal } from '@preact/signals';
import type { VNode } from 'preact';
import { useEffect } from 'preact/hooks';
import { readData } from '../../data.ts';
import { useSetting } from '../../shell/address.ts';
import { CodePanel } from '../../shell/code-panel.tsx';
import { ErrorNotice } from '../../shell/error-notice.tsx';
import { ModelFiles } from '../../shell/model-files.tsx';
import { useExperiment } from '../../shell/use-experiment.ts';
import { startWorker } from '../../start-worker.ts';
import { speakersTexts as texts } from '../../texts/en/speakers.ts';
import { Confusion } from '../../views/confusion.tsx';
import { LossPanel } from '../../views/loss-panel.tsx';
// oxlint-disable-next-line import/default -- Vite gives the text of the file
import code from './code.ts?raw';
import type { SpeakersExperiment } from './experiment.ts';
import { HearingView } from './hearing-view.tsx';
import type { Hearing, SpeakersSettings } from './view.ts';

const layers = ['GRU', 'LSTM', 'RNN'] as const;

/** Nine speakers are told apart by utterances of different lengths. */
export default function Speakers(): VNode {
  const layer = useSetting<string>('layer', 'GRU');
  const hidden = useSetting('units', 32);
  const chosen = useSetting('utterance', 1);
  const cell = useSignal<readonly [number, number] | undefined>(undefined);
  const data = useSignal<{ training: string; test: string } | undefined>(undefined);
  const isMissing = useSignal(false);
  const attempt = useSignal(0);
  const hearing = useSignal<Hearing | undefined>(undefined);

  useEffect(() => {
    isMissing.value = false;
    Promise.all([readData('japanese-vowels-train.csv'), readData('japanese-vowels-test.csv')]).then(
      ([training, test]) => (data.value = { training, test }),
      () => (isMissing.value = true),
    );
  }, [attempt.value]);

  const settings: SpeakersSettings = {
    training: data.value?.training ?? '',
    test: data.value?.test ?? '',
    layer: layers.find((name) => name === layer.value) ?? 'GRU',
    hidden: Math.min(128, Math.max(4, Math.round(hidden.value))),
  };
  const session = useExperiment<SpeakersExperiment, SpeakersSettings>({
    worker: () => startWorker('speakers'),
    settings,
    live: ['training', 'test'],
    isReady: data.value !== undefined,
  });
  const view = session.progress.value?.view;
  const index = Math.min((view?.utterances.length ?? 1) - 1, Math.max(0, Math.round(chosen.value) - 1));

  const step = session.progress.value?.step;
  // What is inside changes with every step; a view at rest may come again.
  useEffect(() => {
    if (view === undefined) return;
    session.ask('hear', index).then(
      (answer) => (hearing.value = answer),
      (error: unknown) => session.fail(error),
    );
  }, [step, index]);

  const current = view?.utterances[index];
  const [speaker, heard] = cell.value ?? [current?.speaker ?? 0, current?.heard ?? 0];
  const alike = (view?.utterances ?? []).flatMap((each, i) =>
    (each.speaker === speaker && each.heard === heard) || i === index ? [i] : [],
  );
  const right = view?.utterances.filter((each) => each.speaker === each.heard).length ?? 0;
  return (
    <>
      <p>{texts.lead}</p>
      {isMissing.value && (
        <ErrorNotice message={texts.notLoaded} action={texts.again} onAction={() => attempt.value++} />
      )}
      <div class="columns">
        <section class="card speakers-matrix">
          <div class="controls">
            <label>
              {texts.layer}
              <select value={settings.layer} onChange={({ currentTarget }) => (layer.value = currentTarget.value)}>
                {layers.map((name) => (
                  <option key={name} value={name}>
                    {name}
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
                {[...new Set([8, 16, 32, 64, settings.hidden])].map((count) => (
                  <option key={count} value={count}>
                    {count}
                  </option>
                ))}
              </select>
            </label>
          </div>
          <p class="quiet">
            {texts.choices.before}
            <button type="button" class="word" onClick={() => (layer.value = 'RNN')}>
              {texts.choices.layer}
            </button>
            {texts.choices.between}
            <button type="button" class="word" onClick={() => (hidden.value = 8)}>
              {texts.choices.units}
            </button>
            {texts.choices.after}
          </p>
          <p class="accuracy">
            <strong>{view === undefined ? '–' : `${(100 * view.accuracy).toFixed(1)} %`}</strong> {texts.accuracy}
            <span class="quiet small"> {view !== undefined && texts.right(right, view.utterances.length)}</span>{' '}
            <span class="quiet small">{texts.chance}</span>
          </p>
          <Confusion
            label={texts.matrix}
            counts={view?.confusion ?? Array.from({ length: 9 }, () => Array<number>(9).fill(0))}
            rowTitle={texts.speaks}
            columnTitle={texts.heard}
            className={texts.speaker}
            chosen={[speaker, heard]}
            onChoose={(row, column) => {
              cell.value = [row, column];
              const first = view?.utterances.findIndex((each) => each.speaker === row && each.heard === column) ?? -1;
              if (first >= 0) chosen.value = first + 1;
            }}
          />
          <p class="quiet small">{texts.choose}</p>
        </section>
        <LossPanel
          curve={session.curve.value}
          title={texts.loss}
          axis={texts.lossAxis}
          note={`${texts.lossNote} ${texts.data}`}
        />
      </div>
      <section class="card hearing">
        <div class="controls">
          <label>
            {texts.utterance}
            <select value={index} onChange={({ currentTarget }) => (chosen.value = Number(currentTarget.value) + 1)}>
              {alike.map((i) => (
                <option key={i} value={i}>
                  {texts.number(i, view?.utterances[i]?.steps ?? 0)}
                </option>
              ))}
            </select>
          </label>
          <span class="quiet small">{texts.cell(speaker, heard, view?.confusion[speaker]?.[heard] ?? 0)}</span>
        </div>
        {hearing.value !== undefined && <HearingView hearing={hearing.value} />}
      </section>
      <ModelFiles
        onSave={(format) => session.ask('saveModel', format)}
        onLoad={(name, bytes) => session.ask('loadModel', name, bytes)}
      />
      <CodePanel code={code} packages={['@rnn/core', '@rnn/backend-wasm', '@rnn/nn', '@rnn/train']} />
    </>
  );
}
