import type { VNode } from 'preact';
import { useMemo } from 'preact/hooks';
import { useSetting } from '../../shell/address.ts';
import { CodePanel } from '../../shell/code-panel.tsx';
import { ModelFiles } from '../../shell/model-files.tsx';
import { useExperiment } from '../../shell/use-experiment.ts';
import { startWorker } from '../../start-worker.ts';
import { drawTexts as texts } from '../../texts/en/draw.ts';
import { LossPanel } from '../../views/loss-panel.tsx';
import { DrawingCanvas } from './canvas.tsx';
// oxlint-disable-next-line import/default -- Vite gives the text of the file
import code from './code.ts?raw';
import { examples } from './examples.ts';
import type { DrawExperiment } from './experiment.ts';
import { evenly, minSteps, penSteps, read, stepLength, strokesOf, written, type Stroke } from './strokes.ts';
import type { DrawSettings } from './view.ts';

/** The visitor's drawing is learnt and continued. */
export default function Draw(): VNode {
  const example = useSetting<string>('drawing', 'loops');
  const own = useSetting<string>('strokes', '');
  const hidden = useSetting('units', 48);
  const temperature = useSetting('chance', 0.3);

  // `-` is a drawing that was cleared: nothing is there yet.
  const strokes = useMemo((): readonly Stroke[] => {
    if (own.value === '-') return [];
    return (own.value === '' ? undefined : read(own.value)) ?? (examples[example.value] ?? examples.loops)?.() ?? [];
  }, [own.value, example.value]);
  const steps = useMemo(
    () =>
      penSteps(
        strokes.map((stroke) => evenly(stroke, stepLength)),
        stepLength,
      ).shape[0],
    [strokes],
  );
  const settings: DrawSettings & { readonly key: string } = {
    key: own.value === '' ? example.value : own.value,
    strokes,
    hidden: Math.min(128, Math.max(8, Math.round(hidden.value))),
    temperature: Math.min(1.5, Math.max(0.05, temperature.value)),
  };
  const isReady = steps >= minSteps;
  const session = useExperiment<DrawExperiment, typeof settings>({
    worker: () => startWorker('draw'),
    settings,
    live: ['strokes', 'temperature'],
    isReady,
  });
  const view = isReady ? session.progress.value?.view : undefined;
  const last = strokes.at(-1);
  const end = last === undefined ? undefined : evenly(last, stepLength).at(-1);
  const continuations =
    view === undefined || end === undefined || view.steps !== steps
      ? []
      : view.continuations.map((each) => strokesOf(each, stepLength, end, true));
  const choose = (name: string): void => {
    own.value = '';
    example.value = name;
  };
  const dare = (next: number): void => {
    temperature.value = next;
    if (view === undefined) return;
    session.ask('chance', next).catch((error: unknown) => session.fail(error));
  };
  return (
    <>
      <section class="card">
        <div class="controls">
          <span class="quiet small">{texts.examples}</span>
          {Object.keys(examples).map((name) => (
            <button
              key={name}
              type="button"
              aria-pressed={own.value === '' && example.value === name}
              onClick={() => choose(name)}
            >
              {texts.names[name] ?? name}
            </button>
          ))}
          <button type="button" class="primary" onClick={() => (own.value = '-')}>
            {texts.clear}
          </button>
        </div>
        <DrawingCanvas
          strokes={strokes}
          continuations={continuations}
          onStroke={(stroke) => {
            // A drawing of one's own takes the example's place; further strokes are added to it.
            const before = own.value === '' || own.value === '-' ? [] : strokes;
            own.value = written([...before, thinned(stroke)]);
          }}
        />
        <p class="quiet small" role="status">
          {strokes.length === 0 ? texts.draw : isReady ? texts.status(steps) : texts.short}
        </p>
        <div class="sliders">
          <label>
            {texts.temperature}: <output>{settings.temperature.toFixed(2)}</output>
            <input
              type="range"
              min={0.05}
              max={1.5}
              step={0.05}
              value={settings.temperature}
              onInput={({ currentTarget }) => dare(currentTarget.valueAsNumber)}
            />
          </label>
          <label>
            {texts.hidden}{' '}
            <select
              value={settings.hidden}
              onChange={({ currentTarget }) => (hidden.value = Number(currentTarget.value))}
            >
              {[...new Set([16, 32, 48, 64, 96, settings.hidden])].map((count) => (
                <option key={count} value={count}>
                  {count}
                </option>
              ))}
            </select>
          </label>
        </div>
        <p class="quiet">
          {texts.daring.before}
          <button type="button" class="word" onClick={() => dare(0.1)}>
            {texts.daring.low}
          </button>
          {texts.daring.between}
          <button type="button" class="word" onClick={() => dare(1)}>
            {texts.daring.high}
          </button>
        </p>
        <p class="quiet small">{texts.keys}</p>
        <p>{texts.lead}</p>
      </section>
      <LossPanel curve={session.curve.value} title={texts.loss} axis={texts.lossAxis} note={texts.lossNote} />
      <ModelFiles
        onSave={(format) => session.ask('saveModel', format)}
        onLoad={(name, bytes) => session.ask('loadModel', name, bytes)}
      />
      <CodePanel code={code} packages={['@rnn/core', '@rnn/backend-wasm', '@rnn/nn', '@rnn/train']} />
    </>
  );
}

/** A stroke that is short enough for an address: points at a distance of 4 units, at most 400. */
function thinned(stroke: Stroke): Stroke {
  return evenly(stroke, 4).slice(0, 400);
}
