import { useSignal } from '@preact/signals';
import type { VNode } from 'preact';
import { useEffect, useMemo } from 'preact/hooks';
import { readData } from '../../data.ts';
import type { Curve } from '../../experiment/curve.ts';
import { useSetting } from '../../shell/address.ts';
import { CodePanel } from '../../shell/code-panel.tsx';
import { ErrorNotice } from '../../shell/error-notice.tsx';
import { ModelFiles } from '../../shell/model-files.tsx';
import { useExperiment } from '../../shell/use-experiment.ts';
import { startWorker } from '../../start-worker.ts';
import { text as words } from '../../texts/en/text.ts';
import { whole } from '../../texts/en/writing.ts';
import { curveLines, LinePlot } from '../../views/line-plot.tsx';
import { Slider } from '../../views/slider.tsx';
import type { TextExperiment, TextSettings } from './experiment.ts';
import { Inside } from './inside.tsx';
import { frequencyBits, packed, unpacked } from './own-text.ts';
// oxlint-disable-next-line import/default -- Vite gives the text of a file as its default export
import snippet from './snippet.ts?raw';
import { Source } from './source.tsx';
import './text.css';

const sizes = [32, 64, 128, 256];

/** A character model learns, writes, and can be looked into. */
export default function Text(): VNode {
  const builtIn = useSignal('');
  const own = useSignal<string | undefined>(undefined);
  const notice = useSignal<string | undefined>(undefined);
  const failure = useSignal<string | undefined>(undefined);
  const carried = useSetting('text', '');
  const units = useSetting('units', 128);
  const temperature = useSetting('temperature', 0.7);
  const topK = useSetting('top', 0);
  const isUnpacked = useSignal(carried.value === '');

  useEffect(() => {
    readData('english-kjv.txt').then(
      (text) => (builtIn.value = text),
      () => (failure.value = words.notLoaded),
    );
    if (carried.value === '') return;
    unpacked(carried.value)
      .then(
        (text) => (own.value = text),
        () => (notice.value = words.brokenLink),
      )
      .finally(() => (isUnpacked.value = true));
  }, []);

  const text = own.value ?? builtIn.value;
  const writing = { temperature: temperature.value, topK: topK.value };
  const session = useExperiment<TextExperiment, TextSettings>({
    worker: () => startWorker('text'),
    settings: { text, units: sizes.includes(units.value) ? units.value : 128, writing },
    live: ['writing'],
    isReady: text !== '' && isUnpacked.value,
  });
  const { progress, curve } = session;
  useEffect(() => {
    if (progress.value !== undefined) void session.ask('setWriting', writing);
  }, [temperature.value, topK.value]);

  const learn = async (next: string | undefined): Promise<void> => {
    own.value = next;
    const value = next === undefined ? '' : await packed(next);
    carried.value = value ?? '';
    notice.value = value === undefined ? words.notInLink : undefined;
  };

  const view = progress.value?.view;
  const bits = recentBits(curve.value);
  const guess = useMemo(() => frequencyBits(text), [text]);
  const { xs, lines } = useMemo(() => curveLines(curve.value, (nats) => nats / Math.LN2), [curve.value]);
  const withGuess = useMemo(
    () => [...lines, { name: words.guess, colour: 'truth', dashed: true, values: xs.map(() => guess) }],
    [lines, guess],
  );
  const set = (value: number): VNode => (
    <button type="button" class="word" onClick={() => (temperature.value = value)}>
      {value}
    </button>
  );
  return (
    <>
      {failure.value !== undefined && own.value === undefined && <ErrorNotice message={failure.value} />}
      <div class="columns">
        <section class="card" aria-labelledby="wrote-title">
          <h3 id="wrote-title">{words.wrote}</h3>
          <blockquote class="sample" data-number={view?.sample.number}>
            {view?.sample.text ?? ''}
          </blockquote>
          <div class="sliders">
            <Slider
              class="range"
              label={words.temperature}
              min={0}
              max={2}
              step={0.1}
              value={temperature.value}
              format={(value) => value.toFixed(1)}
              onInput={(value) => (temperature.value = value)}
            />
            <Slider
              class="range"
              label={words.topK}
              min={0}
              max={20}
              step={1}
              value={topK.value}
              format={(value) => (value === 0 ? words.all : String(value))}
              onInput={(value) => (topK.value = value)}
            />
          </div>
          <p class="quiet">
            {words.advice[0]}
            {set(0.2)}
            {words.advice[1]}
            {set(0.7)}
            {words.advice[2]}
            {set(1.4)}
            {words.advice[3]}
          </p>
        </section>
        <section class="card" aria-labelledby="learns-title">
          <h3 id="learns-title">{words.learns}</h3>
          <dl class="figures">
            <div>
              <dt>{words.bits}</dt>
              <dd class="bits">{Number.isNaN(bits) ? '–' : bits.toFixed(2)}</dd>
            </div>
            <div>
              <dt>{words.choices}</dt>
              <dd>{Number.isNaN(bits) ? '–' : words.letters(2 ** bits)}</dd>
            </div>
            <div>
              <dt>{words.read}</dt>
              <dd>{whole(view?.characters ?? 0)}</dd>
            </div>
          </dl>
          <p class="quiet small">{words.curve}</p>
          <LinePlot
            label={words.learns}
            xLabel="step"
            yLabel={words.bits}
            xs={xs}
            lines={withGuess}
            range={[undefined, undefined]}
          />
          <div class="controls">
            <label>
              {words.units}
              <select value={units.value} onChange={(event) => (units.value = Number(event.currentTarget.value))}>
                {sizes.map((size) => (
                  <option key={size} value={size}>
                    {size}
                  </option>
                ))}
              </select>
            </label>
          </div>
        </section>
      </div>
      <Inside session={session} text={text} sample={view?.sample.text ?? ''} />
      <Source own={own.value} notice={notice.value} onText={(next) => void learn(next)} />
      <ModelFiles
        onSave={(format) => session.ask('saveModel', format)}
        onLoad={(name, bytes) => session.ask('loadModel', name, bytes)}
      />
      <CodePanel code={snippet} packages={['@rnn/core', '@rnn/backend-wasm', '@rnn/nn', '@rnn/train']} />
    </>
  );
}

/** Bits per character over the last steps: a single batch says little. */
function recentBits({ points, rest }: Curve): number {
  const last = [...points.slice(-20), ...(points.length === 0 ? rest : [])];
  return last.reduce((sum, { loss }) => sum + loss, 0) / last.length / Math.LN2;
}
