import { useSignal } from '@preact/signals';
import type { VNode } from 'preact';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import type { Session } from '../../experiment/session.ts';
import { useSetting } from '../../shell/address.ts';
import { text as words } from '../../texts/en/text.ts';
import { HeatMap } from '../../views/heat-map.tsx';
import type { Reading, TextExperiment, TextSettings } from './experiment.ts';
import { Passage } from './passage.tsx';
import { switchingUnits, type Span } from './units.ts';

export interface InsideProps {
  readonly session: Session<TextExperiment, TextSettings>;
  /** What is learned from; its beginning is the passage. */
  readonly text: string;
  /** The last text that the model wrote. */
  readonly sample: string;
}

/** Characters of the passage. */
const length = 220;
/** Bits that count as full surprise. */
const surprising = 8;
/** Of the time, this many times as much is left to training as to looking inside. */
const rest = 4;

/** What the model does at each letter of a passage, while it learns. */
export function Inside({ session, text, sample }: InsideProps): VNode {
  const source = useSetting('passage', 'text');
  const colouring = useSetting('colour', 'surprise');
  const unit = useSetting('unit', 0);
  const written = useSignal('');
  const reading = useSignal<Reading | undefined>(undefined);
  const gates = useSignal<Float32Array | undefined>(undefined);
  const at = useSignal<number | undefined>(undefined);
  const lights = useSignal<Float32Array | undefined>(undefined);
  const phrase = useSignal<Span | undefined>(undefined);
  const due = useRef(0);
  const isAsking = useRef(false);
  const passage = source.value === 'text' || written.value === '' ? text.slice(0, length) : written.value;
  const progress = session.progress.value;
  const units = progress?.view.units ?? 1;
  const chosen = Math.min(unit.value, units - 1);

  // The passage is read again while the model learns, as often as leaves the training most time.
  useEffect(() => {
    const isStale = reading.value?.text !== passage || !progress?.playing;
    if (progress === undefined || isAsking.current || (!isStale && performance.now() < due.current)) return;
    isAsking.current = true;
    const began = performance.now();
    void (async () => {
      try {
        const readable = await session.ask('readable', passage);
        if (readable.length < 2) return;
        reading.value = await session.ask('read', readable);
        gates.value = await session.ask('gates', readable, chosen);
      } catch {
        // A run that ended in between says why itself.
      } finally {
        const now = performance.now();
        due.current = now + Math.max(500, rest * (now - began));
        isAsking.current = false;
      }
    })();
  }, [progress?.step, passage, chosen]);

  const read = reading.value;
  const letter = at.value;
  useEffect(() => {
    if (read === undefined || letter === undefined || letter < 1) {
      lights.value = undefined;
      return;
    }
    let isWanted = true;
    session.ask('influences', read.text, letter).then(
      (sizes) => {
        if (!isWanted) return;
        const most = Math.max(...sizes, Number.MIN_VALUE);
        lights.value = sizes.map((size) => size / most);
      },
      () => {},
    );
    return () => {
      isWanted = false;
    };
  }, [read, letter]);

  const span = phrase.value;
  const switching = useMemo(
    () => (read === undefined || span === undefined ? [] : switchingUnits(read, span, 4)),
    [read, span],
  );
  const values = useMemo(() => {
    if (read === undefined) return undefined;
    if (colouring.value === 'surprise') return read.surprise.map((bits) => Math.min(1, bits / surprising));
    return Float32Array.from({ length: read.text.length }, (_, t) => read.states[t * read.units + chosen]);
  }, [read, colouring.value, chosen]);
  const shown = switching.find((each) => each.unit === chosen);

  const isLit = letter !== undefined;
  // The run reports ten times a second; letters are drawn again when something of theirs changes.
  const letters = useMemo(
    () => (
      <Passage
        label={words.passage}
        text={read?.text ?? passage}
        values={values}
        lights={isLit ? lights.value : undefined}
        at={letter}
        phrase={span}
        underlined={shown?.elsewhere ?? []}
        onMove={(place) => (at.value = place)}
        onPhrase={(next) => (phrase.value = next)}
      />
    ),
    [read, passage, values, lights.value, letter, span, shown],
  );
  return (
    <section class="card inside" aria-labelledby="inside-title">
      <h3 id="inside-title">{words.inside}</h3>
      <p class="quiet">{words.insideAdvice}</p>
      <div class="controls">
        <label>
          {words.passage}
          <select
            value={source.value}
            onChange={(event) => {
              written.value = sample;
              phrase.value = undefined;
              source.value = event.currentTarget.value;
            }}
          >
            <option value="text">{words.fromText}</option>
            <option value="sample">{words.fromSample}</option>
          </select>
        </label>
        <label>
          {words.colour}
          <select value={colouring.value} onChange={(event) => (colouring.value = event.currentTarget.value)}>
            <option value="surprise">{words.bySurprise}</option>
            <option value="unit">{words.byUnit}</option>
          </select>
        </label>
        <label>
          {words.unit}
          <input
            type="number"
            min={0}
            max={units - 1}
            value={chosen}
            onInput={({ currentTarget: { valueAsNumber: value } }) => {
              if (!Number.isInteger(value) || value < 0 || value >= units) return;
              unit.value = value;
              colouring.value = 'unit';
            }}
          />
        </label>
      </div>
      {letters}
      <p class="reading" aria-live="polite">
        {inWords(read, letter, lights.value, chosen)}
      </p>
      {read !== undefined && span !== undefined && (
        <div class="switching">
          <h4>{words.selected(read.text.slice(span.from, span.to))}</h4>
          {switching.length === 0 && <p>{words.nothingSwitches}</p>}
          <ul>
            {switching.map((each) => (
              <li key={each.unit}>
                <button
                  type="button"
                  aria-pressed={each.unit === chosen && colouring.value === 'unit'}
                  onClick={() => {
                    unit.value = each.unit;
                    colouring.value = 'unit';
                  }}
                >
                  {words.switches(each.unit, each.isHigh)}
                </button>{' '}
                {words.elsewhere(each.elsewhere.slice(0, 5).map(({ from, to }) => read.text.slice(from, to).trim()))}
              </li>
            ))}
          </ul>
        </div>
      )}
      <h4>{words.gates(chosen)}</h4>
      <HeatMap
        label={words.gates(chosen)}
        values={gates.value ?? []}
        rows={words.gateNames.length}
        columns={Math.max(1, (gates.value?.length ?? 0) / words.gateNames.length)}
        scale={1}
        rowLabels={words.gateNames}
        rowHeight={20}
        marked={letter}
        rowName={(row) => words.gateNames[row]}
        columnName={(column) => `“${read?.text[column] ?? ''}”`}
        onHover={(cell) => (at.value = cell?.column)}
      />
    </section>
  );
}

function inWords(
  read: Reading | undefined,
  at: number | undefined,
  lights: Float32Array | undefined,
  unit: number,
): string {
  if (read === undefined || at === undefined || at >= read.text.length) return words.rest;
  const value = words.atUnit(unit, read.states[at * read.units + unit]);
  if (at === 0) return `${words.first(read.text[0])} ${value}`;
  const sentences = [words.surprise(read.text[at], read.surprise[at])];
  if (lights?.length === at) {
    const ranked = Array.from(lights, (light, t) => ({ light, t })).sort((a, b) => b.light - a.light);
    sentences.push(
      words.influence(
        read.text[at],
        ranked.slice(0, 3).map(({ t }) => read.text[t]),
      ),
    );
  }
  return [...sentences, value].join(' ');
}
