import type { VNode } from 'preact';
import { cell as texts } from '../../texts/en/cell.ts';
import { Formula } from '../../views/formula.tsx';
import { NumberGrid } from '../../views/number-grid.tsx';
import type { Element, Inspector, Reference } from './inspect.ts';
import type { Formula as FormulaLine } from './language/notation.ts';
import type { CellRun } from './trace.ts';

export interface StepViewProps {
  readonly run: CellRun;
  readonly inspector: Inspector;
  readonly formulas: readonly FormulaLine[];
  readonly time: number;
  /** The value that is pointed at: a name, or the place of a call in the text. */
  readonly lit: string | undefined;
  readonly onLit: (lit: string | undefined) => void;
  readonly chosen: Element | undefined;
  readonly onChoose: (element: Element) => void;
}

/** One step of a cell: what goes in, each formula beside its values, and the weights. */
export function StepView(props: StepViewProps): VNode {
  const { run, inspector, formulas, time, lit, onLit } = props;
  const values = inspector.named();
  // A formula for each named value; a list of names has one formula for all of them.
  const rows = formulas.map((formula) => ({ formula, values: [] as Reference[] }));
  let at = -1;
  for (const value of values) {
    const next = rows.findIndex(({ formula }) => formula.name === value.label);
    at = next === -1 ? (value.label.startsWith('next ') ? rowOfResult(rows, value.label) : at) : next;
    rows[at]?.values.push(value);
  }
  const ins = [run.states, run.weights].map((tensors) => [...tensors.keys()].map((name) => inspector.reference(name)));
  const [states, weights] = ins;
  const input = inspector.input();
  const pointed = lit === undefined ? undefined : inspector.lit(lit);
  return (
    <div class="step-view">
      <div class="ins">
        <Block {...props} value={input} title={texts.input(input.label)} />
        {states.map((state) => (
          <Block {...props} key={state.label} value={state} title={texts.stateBefore(state.label)} />
        ))}
      </div>
      <ol class="formulas">
        {rows.map(({ formula, values }, i) => (
          <li key={i}>
            <Formula tex={formula.tex} lit={lit} onHover={onLit} />
            <div class="ins">
              {values.map((value) => (
                <Block {...props} key={value.key} value={value} title={values.length > 1 ? value.label : undefined} />
              ))}
            </div>
          </li>
        ))}
      </ol>
      <p class="reading" aria-live="polite">
        {pointed === undefined ? '\u00a0' : reading(inspector, pointed, time)}
      </p>
      <h3>{texts.weights}</h3>
      <p class="quiet small">{texts.weightsHint}</p>
      <div class="ins">
        {weights.map((weight) => (
          <Block {...props} key={weight.label} value={weight} title={weight.label} />
        ))}
      </div>
    </div>
  );
}

function rowOfResult(rows: readonly { formula: FormulaLine }[], label: string): number {
  const name = label.replace('next ', '');
  return rows.findIndex(({ formula }) => formula.name === undefined && formula.state === name);
}

function Block({
  value,
  title,
  inspector,
  time,
  lit,
  onLit,
  chosen,
  onChoose,
}: StepViewProps & { readonly value: Reference; readonly title: string | undefined }): VNode {
  const { shape, values } = inspector.at(value, time);
  return (
    <figure class="block">
      {title !== undefined && <figcaption>{title}</figcaption>}
      <NumberGrid
        label={title ?? value.label}
        values={values}
        shape={shape}
        isLit={lit !== undefined && (lit === value.label || lit === value.key)}
        chosen={chosen?.of.key === value.key && chosen.of.kind === value.kind ? chosen.index : undefined}
        onChoose={(index) => onChoose(inspector.element(value, index, time))}
        onHover={(isInside) => onLit(isInside ? (value.key.startsWith('part ') ? value.label : value.key) : undefined)}
      />
    </figure>
  );
}

function reading(inspector: Inspector, value: Reference, time: number): string {
  const { values } = inspector.at(value, time);
  const some = Array.from(values.slice(0, 8), (number) => number.toFixed(3)).join(', ');
  return `${value.label} = ${some}${values.length > 8 ? ', …' : ''}`;
}
