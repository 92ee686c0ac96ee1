import { useComputed, useSignal } from '@preact/signals';
import type { VNode } from 'preact';
import { useMemo } from 'preact/hooks';
import { seed, useSetting } from '../../shell/address.ts';
import { CodePanel } from '../../shell/code-panel.tsx';
import { ErrorNotice } from '../../shell/error-notice.tsx';
import { cell as texts } from '../../texts/en/cell.ts';
import { CodeEditor } from '../../views/code-editor.tsx';
import { HeatMap } from '../../views/heat-map.tsx';
import { Inspector, type Element } from './inspect.ts';
import { LessonTable } from './lesson-table.tsx';
import { formulasOf, torchLines } from './language/notation.ts';
import { parseCell } from './language/parse.ts';
import { placeOf } from './language/syntax.ts';
import { presetNames, presets } from './presets.ts';
import { programOf } from './program.ts';
import { StepView } from './step-view.tsx';
import { steps, type CellRequest } from './trace.ts';
import { useCell, type TimeSetting } from './use-cell.ts';
import { Zoom } from './zoom.tsx';
import './cell.css';

/** The seed of the lesson, and of the numbers that PyTorch printed for it. */
const lessonSeed = 0;

type Kind = keyof typeof texts.kinds;

export default function Cell(): VNode {
  const kind = useSetting<string>('cell', 'rnn');
  const own = useSetting<string>('code', '');
  const isLesson = useSetting('lesson', true);
  const step = useSetting('t', 1);
  const lit = useSignal<string | undefined>(undefined);
  const path = useSignal<readonly Element[]>([]);
  const name: Kind = isKind(kind.value) ? kind.value : 'rnn';
  const text = name === 'own' ? own.value || presets.rnn : presets[name];

  const time = useMemo(() => timeOf(step), [step]);
  const [textNow, seedNow] = [useSignal(text), useSignal(0)];
  textNow.value = text;
  seedNow.value = isLesson.value ? lessonSeed : seed.value;
  const request = useComputed((): CellRequest => ({ text: textNow.value, seed: seedNow.value }));
  const { run, error, lesson, askLesson } = useCell(request, time);

  const shown = run.value;
  const seen = useComputed(() => {
    const { value } = run;
    if (value === undefined) return undefined;
    const syntax = parseCell(value.text);
    return {
      syntax,
      inspector: new Inspector(syntax, value),
      formulas: formulasOf(syntax),
      torch: torchLines(syntax, value.seed, value.sizes, steps),
      program: programOf(syntax, value.text, value.seed),
    };
  }).value;
  const wrong = error.value;
  const choose = (name: string): void => {
    if (name === 'own' && own.value === '') own.value = text;
    kind.value = name;
    path.value = [];
  };
  const edit = (changed: string): void => {
    own.value = changed;
    kind.value = 'own';
    path.value = [];
  };
  const place = wrong === undefined ? undefined : placeOf(text, wrong.from);
  const [, from, to] = /^(\d+)-(\d+)$/.exec(lit.value ?? '') ?? [];
  const litPart = from === undefined || shown?.text !== text ? undefined : { from: Number(from), to: Number(to) };
  const t = time.value;

  return (
    <div class="cell-demo">
      <p>
        {texts.what} {texts.how}
      </p>
      <fieldset class="controls choices">
        <legend class="hidden">{texts.kind}</legend>
        {[...presetNames, 'own' as const].map((option) => (
          <label key={option} class="choice">
            <input type="radio" name="cell" value={option} checked={option === name} onChange={() => choose(option)} />
            {texts.kinds[option]}
          </label>
        ))}
        <label>
          <input
            type="checkbox"
            checked={isLesson.value}
            onChange={({ currentTarget }) => (isLesson.value = currentTarget.checked)}
          />
          {texts.numbers}
        </label>
      </fieldset>
      <p class="about">{texts.about[name]}</p>
      <section class="card">
        <div class="controls time-controls">
          <button
            type="button"
            class="icon"
            aria-label={texts.before}
            aria-disabled={t === 0}
            onClick={() => (time.value = Math.max(0, t - 1))}
          >
            ‹
          </button>
          <label>
            <span class="hidden">{texts.time}</span>
            <input
              type="range"
              min={1}
              max={steps}
              value={t + 1}
              aria-valuetext={texts.stepOf(t, steps)}
              onInput={({ currentTarget }) => (time.value = currentTarget.valueAsNumber - 1)}
            />
          </label>
          <button
            type="button"
            class="icon"
            aria-label={texts.after}
            aria-disabled={t === steps - 1}
            onClick={() => (time.value = Math.min(steps - 1, t + 1))}
          >
            ›
          </button>
          <output class="time">{texts.stepOf(t, steps)}</output>
        </div>
        <h3>{texts.states}</h3>
        <div class="states">
          {shown === undefined ? (
            <p class="quiet">…</p>
          ) : (
            [...shown.states].map(([name, { values, shape }]) => (
              <HeatMap
                key={name}
                label={`${texts.states}: ${name}`}
                values={transposed(values, shape[0], shape[1])}
                rows={shape[1]}
                columns={shape[0] - 1}
                scale={1}
                rowHeight={28}
                marked={t}
                rowName={(row) => `${name}[${row}]`}
                rowLabels={Array.from({ length: shape[1] }, (_, row) => `${name}[${row}]`)}
                columnLabels={Array.from({ length: shape[0] - 1 }, (_, step) => texts.stepLabel(step))}
                columnName={(column) => texts.stepOf(column, steps)}
                format={(value) => value.toFixed(4)}
                onChoose={({ column }) => (time.value = column)}
              />
            ))
          )}
        </div>
      </section>
      <div class="columns">
        <section class="card inside">
          <h3>{texts.inside}</h3>
          <p class="quiet small">{texts.insideHint}</p>
          {shown !== undefined && seen !== undefined && (
            <StepView
              run={shown}
              inspector={seen.inspector}
              formulas={seen.formulas}
              time={t}
              lit={lit.value}
              onLit={(next) => (lit.value = next)}
              chosen={path.value.at(-1)}
              onChoose={(element) => (path.value = [element])}
            />
          )}
        </section>
        <div>
          <section class="card one-number">
            <h3>{texts.zoom}</h3>
            {seen !== undefined && (
              <Zoom inspector={seen.inspector} path={path.value} time={t} onPath={(next) => (path.value = next)} />
            )}
          </section>
          <section class="card">
            <h3>{texts.code}</h3>
            <p class="quiet small">{texts.codeHint}</p>
            <CodeEditor label={texts.code} text={text} onChange={edit} wrong={wrong} lit={litPart} />
            {wrong !== undefined && place !== undefined && (
              <div class="wrong-cell">
                <ErrorNotice
                  message={texts.wrong(place.line, place.column, wrong.message)}
                  action={shown === undefined ? undefined : texts.again}
                  onAction={() => edit(shown?.text ?? presets.rnn)}
                />
                {shown !== undefined && <p class="quiet small">{texts.old}</p>}
              </div>
            )}
            <details class="became">
              <summary>{texts.program}</summary>
              {shown !== undefined && (
                <p>
                  {shown.program.mode === 'compiled' ? texts.compiled : `${texts.eager} ${shown.program.reason ?? ''}`}
                </p>
              )}
              <pre tabIndex={0} role="region" aria-label={texts.program}>
                <code>{shown?.program.text}</code>
              </pre>
            </details>
            <details>
              <summary>{texts.torch}</summary>
              <pre tabIndex={0} role="region" aria-label={texts.torch}>
                <code>{seen?.torch}</code>
              </pre>
            </details>
            <details class="against" onToggle={({ currentTarget }) => currentTarget.open && askLesson()}>
              <summary>{texts.table}</summary>
              <p>{texts.tableHint}</p>
              {lesson.value !== undefined && <LessonTable result={lesson.value} />}
            </details>
          </section>
        </div>
      </div>
      <CodePanel code={seen?.program ?? ''} packages={['@rnn/core', '@rnn/backend-cpu']} />
    </div>
  );
}

function isKind(name: string): name is Kind {
  return name in texts.kinds;
}

/** The step that is shown, from 0; in the address it counts from 1, as in words. */
function timeOf(step: { value: number }): TimeSetting {
  return {
    get value() {
      return Math.min(steps, Math.max(1, Math.round(step.value) || 1)) - 1;
    },
    set value(time: number) {
      step.value = time + 1;
    },
  };
}

/** Values after each step, a row for each unit; the zeros before the first step are left out. */
function transposed(values: Float32Array, count: number, size: number): Float32Array {
  const result = new Float32Array((count - 1) * size);
  for (let t = 1; t < count; t++)
    for (let unit = 0; unit < size; unit++) result[unit * (count - 1) + t - 1] = values[t * size + unit];
  return result;
}
