import { useComputed } from '@preact/signals';
import type { VNode } from 'preact';
import { useEffect, useMemo } from 'preact/hooks';
import { seed, useSetting } from '../../shell/address.ts';
import { CodePanel } from '../../shell/code-panel.tsx';
import { backendNames, rates } from '../../shell/device.ts';
import { openRun } from '../../shell/run.ts';
import { startWorker } from '../../start-worker.ts';
import { backends as texts } from '../../texts/en/backends.ts';
import { Slider } from '../../views/slider.tsx';
import { AgreementTable } from './agreement-table.tsx';
// oxlint-disable-next-line import/default -- Vite makes the file's text its default export
import code from './code.ts?raw';
import { describeAbsence, describeBackend } from './describe.ts';
import { Race, type Lane } from './race.ts';
import './backends.css';

export default function Backends(): VNode {
  const units = useSetting('units', 32);
  const seconds = useSetting('seconds', 3);
  const options = {
    seed: seed.value,
    settings: { units: whole(units.value, 4, 256) },
    turn: whole(seconds.value, 1, 20) * 1000,
  };
  const race = useMemo(() => new Race(backendNames, () => startWorker('backends'), options), []);
  useEffect(() => {
    openRun.value = race;
    let isOpen = true;
    void race.probe().then(() => (isOpen ? race.play() : undefined));
    return () => {
      isOpen = false;
      if (openRun.peek() === race) openRun.value = undefined;
      rates.value = {};
      race.end();
    };
  }, [race]);
  const made = JSON.stringify(options);
  useEffect(() => void race.change(options), [made]);

  const lanes = race.lanes.value;
  const best = useComputed(() => Math.max(...race.lanes.value.map(({ stepsPerSecond }) => stepsPerSecond), 1e-9));
  return (
    <div class="backends-demo">
      <p>{texts.what}</p>
      <section class="card">
        <h3>{texts.race}</h3>
        <p class="quiet small">{texts.inTurn(options.turn / 1000)}</p>
        <ul class="race">
          {lanes.map((lane) => (
            <RaceLane key={lane.name} lane={lane} best={best.value} turn={options.turn} />
          ))}
        </ul>
        <p class="result" role="status">
          {resultOf(lanes)}
        </p>
        <div class="sliders">
          <Slider
            label={texts.units}
            value={options.settings.units}
            min={4}
            max={256}
            step={4}
            onChange={(value) => (units.value = value)}
          />
          <Slider
            label={texts.turn}
            value={options.turn / 1000}
            min={1}
            max={20}
            format={texts.seconds}
            onChange={(value) => (seconds.value = value)}
          />
        </div>
        <p class="quiet">{texts.sizeMatters}</p>
        <p class="controls">
          {texts.try}
          {texts.tries.map(({ text, units: count }) => (
            <button key={text} type="button" onClick={() => (units.value = count)}>
              {text}
            </button>
          ))}
        </p>
      </section>
      <AgreementTable lanes={lanes} />
      <h3>{texts.here}</h3>
      <div class="about-all">
        {lanes.map((lane) => (
          <BackendCard key={lane.name} lane={lane} />
        ))}
      </div>
      <CodePanel
        code={code}
        packages={['@rnn/core', '@rnn/backend-cpu', '@rnn/backend-wasm', '@rnn/nn', '@rnn/train']}
      />
    </div>
  );
}

function RaceLane({ lane, best, turn }: { readonly lane: Lane; readonly best: number; readonly turn: number }): VNode {
  const { name, state, steps, stepsPerSecond, spent } = lane;
  return (
    <li class={`lane ${name}`} data-state={state}>
      <strong class="name">{name}</strong>
      <span class="track" aria-hidden="true">
        <span class="fill" style={{ width: `${(100 * stepsPerSecond) / best}%` }} />
        {state === 'runs' && <span class="clock" style={{ width: `${(100 * spent) / turn}%` }} />}
      </span>
      <span class="rate">{stepsPerSecond === 0 ? texts.pending : texts.perSecond(stepsPerSecond)}</span>
      <span class="state">
        {state === 'done' || (state === 'waits' && steps > 0) ? texts.steps(steps) : texts.states[state]}
      </span>
    </li>
  );
}

function BackendCard({ lane: { name, info, reason } }: { readonly lane: Lane }): VNode {
  const sentences =
    reason !== undefined ? describeAbsence(name, reason) : info !== undefined ? describeBackend(name, info) : [];
  return (
    <section class={`card about ${name}`}>
      <h4>
        {name}: {texts.titles[name as keyof typeof texts.titles]}
      </h4>
      <p class={reason === undefined ? 'available' : 'absent'}>
        {reason !== undefined ? texts.states.unavailable : info !== undefined ? texts.runsHere : texts.asking}
      </p>
      <p>{sentences.join(' ')}</p>
    </section>
  );
}

/** Who was the fastest, once two have had their turn. */
function resultOf(lanes: readonly Lane[]): string {
  const ranked = lanes.filter(({ state }) => state === 'done').toSorted((a, b) => b.stepsPerSecond - a.stepsPerSecond);
  const [fastest, slowest] = [ranked[0], ranked.at(-1)];
  if (slowest === undefined || fastest === slowest || slowest.stepsPerSecond === 0) return texts.notYet;
  return texts.fastest(fastest.name, fastest.stepsPerSecond / slowest.stepsPerSecond, slowest.name);
}

function whole(value: number, least: number, most: number): number {
  return Number.isFinite(value) ? Math.min(most, Math.max(least, Math.round(value))) : least;
}
