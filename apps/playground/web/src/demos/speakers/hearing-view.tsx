import type { VNode } from 'preact';
import { useMemo } from 'preact/hooks';
import { speakersTexts as texts } from '../../texts/en/speakers.ts';
import { HeatMap } from '../../views/heat-map.tsx';
import { settledStep } from './settled-step.ts';
import type { Hearing } from './view.ts';

const speakers = 9;
const coefficients = 12;

/** What happens inside the net while an utterance is heard: time runs to the right. */
export function HearingView({ hearing }: { readonly hearing: Hearing }): VNode {
  const { steps, speaker, input, states, hidden, beliefs } = hearing;
  const maps = useMemo(
    () => ({
      beliefs: transposed(beliefs, steps, speakers),
      states: transposed(states, steps, hidden),
      input: transposed(input, steps, coefficients),
    }),
    [hearing],
  );
  const { heard, step } = settledStep(beliefs, speakers);
  // All of them would not fit on a phone.
  const stepLabels = Array.from({ length: steps }, (_, t) => (t === 0 || (t + 1) % 5 === 0 ? String(t + 1) : ''));
  return (
    <>
      <p>{texts.settled(speaker, heard, step, steps)}</p>
      <div class="columns">
        <div>
          <h3>{texts.beliefs}</h3>
          <HeatMap
            label={texts.beliefs}
            values={maps.beliefs}
            rows={speakers}
            columns={steps}
            scale={1}
            rowHeight={18}
            rowName={texts.who}
            rowLabels={Array.from({ length: speakers }, (_, row) => texts.speaker(row))}
            columnLabels={stepLabels}
            columnName={texts.step}
          />
          <h3>{texts.input}</h3>
          <HeatMap
            label={texts.input}
            values={maps.input}
            rows={coefficients}
            columns={steps}
            rowName={texts.coefficient}
            rowLabels={Array.from({ length: coefficients }, (_, row) => texts.speaker(row))}
            columnLabels={stepLabels}
            columnName={texts.step}
          />
        </div>
        <div>
          <h3>{texts.states}</h3>
          <HeatMap
            label={texts.states}
            values={maps.states}
            rows={hidden}
            columns={steps}
            scale={1}
            rowHeight={Math.max(3, Math.round(360 / hidden))}
            rowName={texts.unit}
            columnLabels={stepLabels}
            columnName={texts.step}
          />
        </div>
      </div>
    </>
  );
}

/** `[steps, features]` as rows of features over time. */
function transposed(values: Float32Array, steps: number, features: number): Float32Array {
  return Float32Array.from(values, (_, i) => values[(i % steps) * features + Math.floor(i / steps)]);
}
