import {
  add,
  ArgumentError,
  type CompileMode,
  concat,
  mul,
  type Records,
  sameShape,
  scope,
  ShapeError,
  showShape,
  type Tensor,
  type Tensors,
} from '@rnn/core';
import { checkChoice, checkFlag, checkOptions, refuse } from '@rnn/core/checks';
import { checkCell, firstOf, type Cell } from '../cells/cell.js';
import { learnedStateOf, type LearnedState } from '../cells/learned-state.js';
import { Module } from '../module.js';
import { rowOptions, type RowOptions } from '../sequences/sequence-rows.js';
import { explainCells, runCells, type CellRun, type CellRunOptions } from './cell-runs.js';
import type { LayerExplanation } from './layer-explanation.js';
import type { RecordingOptions } from './layer-options.js';
import { checkRecord } from './layer-records.js';

/**
 * What becomes of the two outputs: side by side, or added, multiplied or averaged element by
 * element.
 */
export type MergeMode = 'concat' | 'sum' | 'mul' | 'mean';

/** What `Bidirectional` takes. */
export interface BidirectionalOptions {
  /** Input and output are `[B, T, ...]`. */
  readonly batchFirst?: boolean;
  /** 'concat' unless said otherwise, as in PyTorch; the others ask for outputs of one shape. */
  readonly merge?: MergeMode;
  /**
   * Whether the states before the first step, where none are given, are learned. They begin as what
   * the cells start from, as the parameters `h0` and `h0_reverse`.
   */
  readonly learnInitialState?: boolean;
}

/** What a forward pass of `Bidirectional` takes besides. */
export interface BidirectionalForwardOptions extends RowOptions {
  /**
   * Names of inner values, which the cells give by `tap`, that are to be returned for every step.
   */
  readonly record?: readonly string[];
  /**
   * What to do where the step cannot be compiled: `'auto'` (run it by single operations),
   * `'required'` (throw a TraceError that says why) or `'never'` (do not try). What
   * `setCompileMode` says unless given, which is `'auto'`.
   */
  readonly compile?: CompileMode;
}

const optionNames: readonly string[] = /* @__PURE__ */ rowOptions.concat('record', 'compile');

/** The end of a name that means the direction from the end to the beginning. */
const REVERSE = '_reverse';

/**
 * Two cells over one sequence: one from its beginning to its end, one from its end to its
 * beginning.
 *
 * @example
 * ```ts
 * const both = new Bidirectional(new GRUCell(3, 2), new GRUCell(3, 2));
 * const [output, [hForward, hBackward]] = both.forward(ones([7, 5, 3])); // [7, 5, 4], [5, 2], [5, 2]
 * ```
 * @param forwardCell - see `Recurrent`
 * @param backwardCell - a cell with a state of the same kind, its sizes may differ
 * @param options - `batchFirst` (false), `merge` ('concat'), `learnInitialState` (false)
 * @throws ArgumentError when a cell has no forward, or for unknown options
 */
export class Bidirectional<S extends Tensors = Tensor> extends Module {
  readonly forwardCell: Cell<S>;
  readonly backwardCell: Cell<S>;
  readonly batchFirst: boolean;
  readonly merge: MergeMode;
  /** The learned state of the first cell. */
  readonly h0: LearnedState | undefined;
  /** The learned state of the second cell. */
  readonly h0_reverse: LearnedState | undefined;

  constructor(forwardCell: Cell<S>, backwardCell: Cell<S>, options: BidirectionalOptions = {}) {
    super();
    checkOptions('Bidirectional', options, ['batchFirst', 'merge', 'learnInitialState']);
    const { batchFirst = false, merge = 'concat', learnInitialState = false } = options;
    checkFlag('Bidirectional', 'batchFirst', batchFirst);
    checkChoice('Bidirectional', 'merge', merge, ['concat', 'sum', 'mul', 'mean']);
    checkFlag('Bidirectional', 'learnInitialState', learnInitialState);
    checkCell('Bidirectional', 'forwardCell', forwardCell);
    checkCell('Bidirectional', 'backwardCell', backwardCell);
    this.forwardCell = forwardCell;
    this.backwardCell = backwardCell;
    this.batchFirst = batchFirst;
    this.merge = merge;
    this.h0 = learnInitialState ? learnedStateOf('Bidirectional', forwardCell) : undefined;
    this.h0_reverse = learnInitialState ? learnedStateOf('Bidirectional', backwardCell) : undefined;
  }

  /**
   * @param x - `[T, B, ...]`, `[B, T, ...]` if batch first, or `[T, I]` for a single sequence
   * @param h0 - the first states of both cells; what was learned, or else what their
   *   `initialState(B)` gives, unless given
   * @param options - `lengths` of the rows; `mask` of steps to pass over; `resets` where a new
   *   piece begins, for both directions, and `resetTo` with which state; `record`, `compile`
   * @returns `output` with the features of both side by side, or merged as `merge` says, and the
   *   last states of both; with `record` also an object with the named values, those of the second
   *   cell under names that end in `_reverse`. A name asks for the values of both cells, and one
   *   with `_reverse` for those of the second
   * @throws ShapeError, ArgumentError when input, states, lengths, mask and resets do not fit, the
   *   outputs cannot be merged, states are missing, or a cell taps no such name
   */
  forward(
    x: Tensor,
    h0: readonly [forward: S, backward: S] | undefined,
    options: RecordingOptions<BidirectionalForwardOptions>,
  ): [output: Tensor, last: [forward: S, backward: S], records: Records];
  forward(
    x: Tensor,
    h0?: readonly [forward: S, backward: S],
    options?: BidirectionalForwardOptions,
  ): [output: Tensor, last: [forward: S, backward: S]];
  forward(
    x: Tensor,
    h0?: readonly [forward: S, backward: S],
    options: BidirectionalForwardOptions = {},
  ): [output: Tensor, last: [forward: S, backward: S], records?: Records] {
    checkOptions('Bidirectional', options, optionNames);
    checkPair(h0);
    return scope(() => {
      const [first, second] = passesOf(this, h0, options);
      const [there, [lastThere], records] = runCells(first.run, x, first.options, 'pieces');
      const [back, [lastBack], others] = runCells(second.run, x, second.options, 'pieces');
      const output = merged(this, there, back);
      const last: [forward: S, backward: S] = [lastThere as S, lastBack as S];
      if (options.record === undefined) return [output, last];
      const named = Object.entries(others).map(([name, value]) => [`${name}${REVERSE}`, value] as const);
      return [output, last, { ...records, ...Object.fromEntries(named) }];
    });
  }

  /**
   * The outputs of both cells after their last steps, merged as the outputs are.
   *
   * @example
   * ```ts
   * const layer = new Bidirectional(new GRUCell(3, 4), new GRUCell(3, 4));
   * const [, last] = layer.forward(ones([7, 5, 3]));
   * layer.lastHidden(last).shape; // [5, 8]
   * ```
   * @param last - the states that `forward` gave
   * @returns `[B, ...]`
   */
  lastHidden([there, back]: readonly [forward: S, backward: S]): Tensor {
    return scope(() => merged(this, firstOf(there), firstOf(back)));
  }

  /**
   * Says which mode each cell runs in, with the programs that run. Nothing is computed.
   *
   * @example
   * ```ts
   * const layer = new Bidirectional(new GRUCell(3, 4), new GRUCell(3, 4));
   * layer.explain(ones([7, 5, 3])).map(({ mode }) => mode); // ['compiled', 'compiled']
   * ```
   * @param x - as for `forward`
   * @param h0 - as for `forward`
   * @param options - as for `forward`
   * @returns two entries: name (`forwardCell`, `backwardCell`), mode, reason, products, carry and
   *   text
   * @throws what `forward` throws, but for errors of the cells themselves, which are the reason of
   *   the eager mode
   */
  explain(
    x: Tensor,
    h0?: readonly [forward: S, backward: S],
    options: BidirectionalForwardOptions = {},
  ): LayerExplanation[] {
    checkOptions('Bidirectional', options, optionNames);
    checkPair(h0);
    return passesOf(this, h0, options).flatMap(({ run, options: each }) => explainCells(run, x, each, 'pieces'));
  }
}

/** The passes of the two cells. */
function passesOf<S extends Tensors>(
  self: Bidirectional<S>,
  h0: readonly [forward: S, backward: S] | undefined,
  { record, ...rows }: BidirectionalForwardOptions,
): readonly [CellPass, CellPass] {
  checkRecord('Bidirectional', record);
  const own = record?.filter((name) => !name.endsWith(REVERSE));
  const all = record?.map((name) => (name.endsWith(REVERSE) ? name.slice(0, -REVERSE.length) : name));
  const { batchFirst, forwardCell, backwardCell } = self;
  const pass = (name: string, cell: Cell<S>, first: S | undefined, learned: LearnedState | undefined): CellRun => ({
    owner: 'Bidirectional',
    layers: [{ name, cell, h0: first, learned }],
    batchFirst,
    dropout: 0,
  });
  return [
    { run: pass('forwardCell', forwardCell, h0?.[0], self.h0), options: { ...rows, record: own } },
    {
      run: pass('backwardCell', backwardCell, h0?.[1], self.h0_reverse),
      options: { ...rows, record: all && [...new Set(all)], reverse: true },
    },
  ];
}

function merged<S extends Tensors>(self: Bidirectional<S>, there: Tensor, back: Tensor): Tensor {
  const { merge } = self;
  if (merge === 'concat') return concat([there, back], -1);
  if (!sameShape(there.shape, back.shape)) {
    refuse(ShapeError, 'Bidirectional', 'backwardCell', {
      part: 'the output',
      has: 'shape',
      received: showShape(back.shape),
      expected: `${showShape(there.shape)}, that of forwardCell, for merge '${merge}'`,
      hint: "use cells of one size, or merge 'concat'",
    });
  }
  if (merge === 'mul') return mul(there, back);
  const sum = add(there, back);
  return merge === 'sum' ? sum : mul(sum, 0.5);
}

/**
 * Refuses anything but one state for each cell: a tensor of both, as PyTorch has it, would go
 * unnoticed.
 */
function checkPair(h0: unknown): void {
  if (h0 === undefined || (Array.isArray(h0) && h0.length === 2)) return;
  refuse(ArgumentError, 'Bidirectional', 'h0', {
    value: h0,
    expected: 'the array [forward, backward] of the two states',
    hint: 'leave it out (undefined, not null) for what the cells start from',
  });
}

/** What one cell of the two gets. */
interface CellPass {
  readonly run: CellRun;
  readonly options: CellRunOptions;
}
