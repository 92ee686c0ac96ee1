/** Passes of cells over a sequence; see `Recurrent`. */
import {
  ArgumentError,
  type CompileMode,
  explain,
  type Explanation,
  isGradEnabled,
  type Records,
  type ScanOptions,
  scope,
  ShapeError,
  showShape,
  type Step,
  Tensor,
  type Tensors,
  transpose,
  zeros,
} from '@rnn/core';
import { checkTensor, refuse } from '@rnn/core/checks';
import { checkState, firstOf, initialStateOf, type Cell } from '../cells/cell.js';
import { startOf, type LearnedState } from '../cells/learned-state.js';
import { dropout } from '../dropout.js';
import { checkRows, type CheckedRows, type RowOptions } from '../sequences/sequence-rows.js';
import type { LayerExplanation } from './layer-explanation.js';
import { checkRecord } from './layer-records.js';
import { scanOf } from './scan-of.js';

/** What a cell taps is known to itself alone. */
const noTaps: readonly string[] = [];

/** One cell of a run and where it starts. */
export interface CellLayer {
  /** For explanations: the property in which it is. */
  readonly name: string;
  readonly cell: Cell<Tensors>;
  /** The state before the first step, where it is given. */
  readonly h0: Tensors | undefined;
  /** The learned one otherwise, if there is one. */
  readonly learned: LearnedState | undefined;
}

/** Cells on top of each other, and how their sequences lie. */
export interface CellRun {
  /** Whose call it is, for messages. */
  readonly owner: string;
  /** From the lowest to the highest. */
  readonly layers: readonly CellLayer[];
  readonly batchFirst: boolean;
  /** The share of each output but the last that is dropped. */
  readonly dropout: number;
}

/** What a run takes besides. */
export interface CellRunOptions extends RowOptions {
  readonly reverse?: boolean;
  readonly record?: readonly string[];
  readonly compile?: CompileMode;
}

/**
 * One pass over a sequence.
 *
 * @param run - the cells
 * @param x - the sequence
 * @param options - as `Recurrent` takes them
 * @param resetsAre - what marks mean in reverse; see `checkRows`
 * @returns the highest cell's output, the last state of every cell, what was recorded
 */
export function runCells(
  run: CellRun,
  x: Tensor,
  options: CellRunOptions,
  resetsAre: 'pieces' | 'steps' = 'steps',
): [output: Tensor, last: Tensors[], records: Records] {
  const form = checkedForm(run, x, options, resetsAre);
  const { record, compile, reverse = false } = options;
  const taps = tapsOf(run.layers.length, record);
  return scope(() => {
    let below = timeMajor(x, form);
    const states: Tensors[] = [];
    const records: [name: string, value: Tensor][] = [];
    run.layers.forEach((layer, i) => {
      if (i > 0) below = dropout(below, { p: run.dropout });
      const { step, state, resetTo, parameters } = arranged(run.owner, layer, form);
      const rest = { parameters, lengths: form.lengths, resets: resetsOf(form, reverse), resetTo, reverse, compile };
      const scan = scanOf(layer.cell, '', noTaps);
      let last: Tensors;
      if (taps === undefined || taps[i].size === 0) [below, last] = scan(step, below, state, rest);
      else {
        const named = [...new Set(taps[i].values())];
        let values: Records;
        [below, last, values] = scan(step, below, state, { ...rest, record: named });
        for (const [key, tap] of taps[i]) records.push([key, asGiven(values[tap], form)]);
      }
      states.push(last);
    });
    return [asGiven(below, form), states, Object.fromEntries(records)];
  });
}

/**
 * Which mode each cell runs in, in such a pass; the higher ones are explained on zeros in the place
 * of the output below.
 */
export function explainCells(
  run: CellRun,
  x: Tensor,
  options: CellRunOptions,
  resetsAre: 'pieces' | 'steps' = 'steps',
): LayerExplanation[] {
  const form = checkedForm(run, x, options, resetsAre);
  const { record, compile, reverse = false } = options;
  const taps = tapsOf(run.layers.length, record);
  return scope(() => {
    let below = timeMajor(x, form);
    return run.layers.map((layer, i): LayerExplanation => {
      const { step, state, resetTo, parameters } = arranged(run.owner, layer, form);
      const rest = { parameters, lengths: form.lengths, resets: resetsOf(form, reverse), resetTo, reverse, compile };
      const named = taps === undefined ? undefined : [...new Set(taps[i].values())];
      const explanation: Explanation = explain(step, below, state, { ...rest, record: named });
      const { shape, dtype, backend } = firstOf(state);
      const output = form.batch === undefined ? [below.shape[0], ...shape] : [...below.shape.slice(0, 1), ...shape];
      below = zeros(output, { dtype, backend, requiresGrad: isGradEnabled() });
      return { name: layer.name, ...explanation };
    });
  });
}

/** How a sequence lies. */
interface SequenceForm extends CheckedRows {
  /** `undefined` for a single sequence. */
  readonly batch: number | undefined;
  /** Whether it is `[B, T, ...]`. */
  readonly turned: boolean;
}

function checkedForm(
  { owner, layers, batchFirst }: CellRun,
  x: Tensor,
  { record, ...rows }: CellRunOptions,
  resetsAre: 'pieces' | 'steps',
): SequenceForm {
  checkTensor(owner, 'input', x);
  layers.forEach(({ h0 }, i) => checkState(owner, layers.length > 1 ? `h0[${i}]` : 'h0', h0));
  checkRecord(owner, record);
  // Two dimensions are a single sequence, unless something tells that there is a batch.
  const isOfRows = rows.lengths !== undefined || rows.mask !== undefined || rows.resets !== undefined;
  const batched = x.rank > 2 || isOfRows || layers.some(({ h0 }) => h0 !== undefined && firstOf(h0).rank > 1);
  const form = batched ? (batchFirst ? '[B, T, ...]' : '[T, B, ...]') : '[T, I]';
  if (x.rank < 2 || x.size === 0) {
    const expected = `${form} with every size at least 1`;
    refuse(ShapeError, owner, 'input', { has: 'shape', received: showShape(x.shape), expected });
  }
  const turned = batched && batchFirst;
  const batch = batched ? x.shape[turned ? 0 : 1] : undefined;
  const grid = { steps: x.shape[turned ? 1 : 0], batch, batchFirst: turned };
  return { batch, turned, ...checkRows(owner, rows, grid, resetsAre) };
}

function timeMajor(x: Tensor, { turned, selection }: SequenceForm): Tensor {
  const whole = turned ? transpose(x, 0, 1) : x;
  return selection === undefined ? whole : selection.gather(whole);
}

function asGiven(output: Tensor, { turned, selection }: SequenceForm): Tensor {
  const whole = selection === undefined ? output : selection.scatter(output);
  return turned ? transpose(whole, 0, 1) : whole;
}

function resetsOf({ resets }: SequenceForm, reverse: boolean): ScanOptions['resets'] {
  return resets?.[reverse ? 'reverse' : 'forward'];
}

/** For each cell, the names under which values are returned, with the names that the cell taps. */
function tapsOf(count: number, record: readonly string[] | undefined): ReadonlyMap<string, string>[] | undefined {
  if (record === undefined) return undefined;
  return Array.from({ length: count }, (_, i) => {
    if (count === 1) return new Map(record.map((name) => [name, name]));
    const suffix = `_l${i}`;
    return new Map(
      record.flatMap((name): [string, string][] => {
        if (name.endsWith(suffix)) return [[name, name.slice(0, -suffix.length)]];
        return /_l\d+$/.test(name) ? [] : [[name + suffix, name]];
      }),
    );
  });
}

/** The arguments of `scan`. */
interface CellScan {
  readonly step: Step<Tensor, Tensors, Tensor, Cell<Tensors>>;
  readonly state: Tensors;
  /** The state at a reset, where it is not the one before the first step. */
  readonly resetTo: Tensors | undefined;
  readonly parameters: Cell<Tensors> | undefined;
}

function arranged(owner: string, { cell, h0, learned }: CellLayer, { batch, resetsToInitial }: SequenceForm): CellScan {
  const isRemembered = cell.traceOnce === true;
  const initial = (): Tensors => (learned === undefined ? initialStateOf(owner, cell, batch) : startOf(learned, batch));
  return {
    step: isRemembered ? stepOf(cell) : (input, before) => cellStep(input, before, cell),
    state: h0 ?? initial(),
    resetTo: resetsToInitial && h0 !== undefined ? initial() : undefined,
    // A step with parameters is traced once for all calls in which they look the same.
    parameters: isRemembered ? cell : undefined,
  };
}

/**
 * Steps by the cell: what is remembered of a step goes with its cell, also where the cell is a
 * plain object.
 */
const steps = new WeakMap<object, typeof cellStep>();

function stepOf(cell: object): typeof cellStep {
  let step = steps.get(cell);
  if (step === undefined) steps.set(cell, (step = (input, before, self) => cellStep(input, before, self)));
  return step;
}

function cellStep(input: Tensor, before: Tensors, cell: Cell<Tensors>): readonly [Tensor, Tensors] {
  const after = cell.forward(input, before);
  checkAfter(cell, after);
  return [firstOf(after), after];
}

/** Refuses what is no state: that of a cell of one's own that forgot its return, above all. */
function checkAfter(cell: object, after: unknown): void {
  if (after instanceof Tensor) return;
  if (Array.isArray(after) && after.length > 0 && after.every((part) => part instanceof Tensor)) return;
  const expected = 'the state after the step, a Tensor or an array of Tensors';
  refuse(ArgumentError, cell.constructor.name, 'forward', {
    part: 'the result',
    value: after,
    expected,
    ...(after === undefined && { hint: 'return it' }),
  });
}
