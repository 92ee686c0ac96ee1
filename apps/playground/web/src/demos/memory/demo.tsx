import { useSignal } from '@preact/signals';
import type { VNode } from 'preact';
import { useEffect } from 'preact/hooks';
import { useSetting } from '../../shell/address.ts';
import { CodePanel } from '../../shell/code-panel.tsx';
import { ModelFiles } from '../../shell/model-files.tsx';
import { useExperiment } from '../../shell/use-experiment.ts';
import { startWorker } from '../../start-worker.ts';
import { memory as texts } from '../../texts/en/memory.ts';
import { LinePlot, type Line } from '../../views/line-plot.tsx';
import { Slider } from '../../views/slider.tsx';
// oxlint-disable-next-line import/default -- Vite makes the file's text its default export
import code from './code.ts?raw';
import { netNames, symbols, type MemoryExperiment, type MemorySettings } from './experiment.ts';
import './memory.css';

const colours = ['first', 'second', 'third'] as const;

export default function Memory(): VNode {
  const length = useSetting('length', 50);
  const gain = useSetting('gain', 1);
  const bias = useSetting('bias', 4);
  const clip = useSetting('clip', 1);
  const told = useSignal<string | undefined>(undefined);
  const settings: MemorySettings = {
    length: between(length.value, 5, 120),
    gain: between(gain.value, 0.2, 4),
    forgetBias: between(bias.value, -2, 8),
    clip: between(clip.value, 0, 5),
  };
  const session = useExperiment<MemoryExperiment, MemorySettings>({
    worker: () => startWorker('memory'),
    settings,
    live: ['clip'],
  });
  useEffect(() => {
    if (session.progress.value !== undefined) void session.ask('setClip', settings.clip);
  }, [settings.clip]);

  const view = session.progress.value?.view;
  const history = view?.history ?? [];
  const lines = (valuesOf: (net: number) => readonly (number | null)[]): Line[] =>
    netNames.map((name, net) => ({ name, colour: colours[net], values: valuesOf(net) }));
  const norms = view?.nets.map((net) => net.norms) ?? [];
  const change = (index: number): void => {
    const { bias: b, length: l, gain: g, clip: c }: Partial<Record<string, number>> = texts.tries[index].settings;
    if (b !== undefined) bias.value = b;
    if (l !== undefined) length.value = l;
    if (g !== undefined) gain.value = g;
    if (c !== undefined) clip.value = c;
    told.value = texts.tryTexts[index];
  };

  return (
    <div class="memory-demo">
      <p>
        {texts.what(symbols, settings.length)} {texts.why}
      </p>
      <section class="card">
        <div class="nets" aria-live="off">
          {netNames.map((name, i) => {
            const net = view?.nets[i];
            return (
              <div key={name} class={`net ${name}`}>
                <h3>{name}</h3>
                {net !== undefined && (
                  <>
                    <p>
                      <strong>{texts.recalls(net.accuracy)}</strong>
                    </p>
                    <p class="verdict">{texts.verdicts[net.verdict]}</p>
                  </>
                )}
              </div>
            );
          })}
        </div>
      </section>
      <div class="columns">
        <section class="card">
          <h3>{texts.flow}</h3>
          <p class="quiet small">{texts.flowHint}</p>
          <LinePlot
            label={texts.flow}
            xLabel={texts.step}
            yLabel={texts.flowAxis}
            xs={Array.from({ length: settings.length }, (_, t) => t + 1)}
            lines={lines((net) => Array.from({ length: settings.length }, (_, t) => norms[net]?.[t] || null))}
            isLogarithmic
            format={(value) => value.toExponential(0)}
          />
        </section>
        <section class="card">
          <h3>{texts.recall}</h3>
          <p class="quiet small">{texts.recallHint(symbols)}</p>
          <LinePlot
            label={texts.recall}
            xLabel={texts.trained}
            yLabel={texts.recallAxis}
            xs={history.map(({ step }) => step)}
            lines={lines((net) => history.map(({ accuracies }) => accuracies[net]))}
            range={[0, 1]}
            format={texts.percent}
          />
        </section>
      </div>
      <section class="card">
        <div class="sliders">
          <Slider
            label={texts.length}
            value={settings.length}
            min={5}
            max={120}
            step={5}
            onChange={(v) => (length.value = v)}
          />
          <Slider
            label={texts.gain}
            value={settings.gain}
            min={0.2}
            max={4}
            step={0.1}
            onChange={(v) => (gain.value = v)}
          />
          <Slider
            label={texts.forgetBias}
            value={settings.forgetBias}
            min={-2}
            max={8}
            step={0.5}
            onChange={(v) => (bias.value = v)}
          />
          <Slider
            label={texts.clip}
            value={settings.clip}
            min={0}
            max={5}
            step={0.25}
            format={(v) => (v === 0 ? texts.never : String(v))}
            onChange={(v) => (clip.value = v)}
          />
        </div>
      </section>
      <div class="tries">
        <p class="controls">
          {texts.try}
          {texts.tries.map(({ text }, i) => (
            <button key={text} type="button" onClick={() => change(i)}>
              {text}
            </button>
          ))}
        </p>
        <p role="status">{told.value}</p>
      </div>
      <section class="card">
        <h3>{texts.reasons}</h3>
        <div class="reasons" aria-live="off">
          {netNames.map((name, i) => {
            const net = view?.nets[i];
            return (
              <p key={name} class="small">
                <strong>{name}</strong>{' '}
                {net !== undefined && (
                  <span class="quiet">
                    {texts.factor(net.factor)} {net.accuracy > 0.95 ? texts.learnt : texts.advice[net.verdict]}{' '}
                    {texts.gradient(net.gradient)}
                  </span>
                )}
              </p>
            );
          })}
        </div>
      </section>
      <ModelFiles
        onSave={(format) => session.ask('saveModel', format)}
        onLoad={(name, bytes) => session.ask('loadModel', name, bytes)}
      />
      <CodePanel code={code} packages={['@rnn/core', '@rnn/backend-wasm', '@rnn/nn', '@rnn/train']} />
    </div>
  );
}

function between(value: number, least: number, most: number): number {
  return Number.isFinite(value) ? Math.min(most, Math.max(least, value)) : least;
}
