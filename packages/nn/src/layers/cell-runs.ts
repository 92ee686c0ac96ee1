/** Passes of cells over a sequence; see `Recurrent`. */
import {
  ArgumentError,
  bindScan,
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
import { BoundPasses, type BoundPass } from './bound-pass.js';
import { Module } from '../module.js';
import type { LayerExplanation } from './layer-explanation.js';
import { checkRecord } from './layer-records.js';
import { scanOf } from './scan-of.js';

const noRecords: Records = {};

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
  const bound = runBound(run, x, options);
  if (bound !== undefined) return bound;
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
        for (const [key, tap] of taps[i]) records.push([key, restoreLayout(values[tap], form)]);
      }
      states.push(last);
      if (isBare(run, x, options)) bind(layer, { step, state, parameters }, below, x, reverse);
    });
    return [restoreLayout(below, form), states, Object.fromEntries(records)];
  });
}

/** A pass of a cell that was bound; whether its state is a list. */
interface BoundCell extends BoundPass {
  readonly isList: boolean;
}

/** By the cell: passes from the first step to the last, and the other way. */
const passes = {
  forward: /* @__PURE__ */ new BoundPasses<BoundCell>(),
  reverse: /* @__PURE__ */ new BoundPasses<BoundCell>(),
};

/** Whether a run is one scan over a batch of sequences as they lie, with nothing besides. */
function isBare({ layers, batchFirst }: CellRun, x: Tensor, options: CellRunOptions): boolean {
  if (options.reverse !== undefined && typeof options.reverse !== 'boolean') return false;
  for (const name in options)
    if (name !== 'reverse' && options[name as keyof CellRunOptions] !== undefined) return false;
  return layers.length === 1 && !batchFirst && x.rank === 3;
}

/** Runs a pass that was bound; nothing where it is another call, which may be anything. */
function runBound(
  run: CellRun,
  x: Tensor,
  options: CellRunOptions,
): [output: Tensor, last: Tensors[], records: Records] | undefined {
  const [layer] = run.layers;
  const { cell, h0, learned } = layer;
  if (h0 === undefined && learned !== undefined) return undefined;
  if (!isBare(run, x, options)) return undefined;
  const bound = passes[options.reverse === true ? 'reverse' : 'forward'];
  if (h0 === undefined) {
    if (bound.of(cell, x) === undefined) return undefined;
    // The cell makes its first state once, whatever becomes of the call.
    return scope(() => {
      const state = initialStateOf(run.owner, cell, x.shape[1]);
      return runCells({ ...run, layers: [{ ...layer, h0: state }] }, x, options);
    });
  }
  const state: readonly unknown[] = Array.isArray(h0) ? h0 : [h0];
  if (!state.every((part) => part instanceof Tensor)) return undefined;
  const pass = bound.of(cell, x, state);
  if (pass === undefined || pass.isList !== Array.isArray(h0)) return undefined;
  const { outputs, last } = pass.scan.run(x, state);
  return [outputs[0], [pass.isList ? last : last[0]], noRecords];
}

/** Binds a pass for the calls that follow, if it may come again. */
function bind(
  { cell }: CellLayer,
  { step, state, parameters }: Omit<CellScan, 'resetTo'>,
  output: Tensor,
  x: Tensor,
  reverse: boolean,
): void {
  // Of a plain object nobody but the step knows what it reads.
  if (!(parameters instanceof Module) || output.requiresGrad) return;
  const leaves = state instanceof Tensor ? [state] : state;
  const shapes = { xs: x, batch: [x.shape[1]], state: leaves, last: leaves.map(({ shape }) => shape) };
  const scan = bindScan(step, x, state, { parameters, reverse }, shapes);
  if (scan === undefined) return;
  const isList = !(state instanceof Tensor);
  passes[reverse ? 'reverse' : 'forward'].keep(cell, x.backend, {
    scan,
    isList,
    isAsBefore: () => cell.pure === true,
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

function restoreLayout(output: Tensor, { turned, selection }: SequenceForm): Tensor {
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
  const isRemembered = cell.pure === true;
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
