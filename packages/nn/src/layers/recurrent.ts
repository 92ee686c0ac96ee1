import { ArgumentError, type CompileMode, type Records, type ScanOptions, type Tensor, type Tensors } from '@rnn/core';
import { checkFlag, checkNumber, checkOptions, refuse } from '@rnn/core/checks';
import { checkCell, firstOf, type Cell, type CellState } from '../cells/cell.js';
import { learnedStateOf, type LearnedState } from '../cells/learned-state.js';
import { checkStack, StackedCells, type CellsOf, type StackedState } from '../cells/stacked-cells.js';
import { Module } from '../module.js';
import type { RowOptions } from '../sequences/sequence-rows.js';
import { explainCells, runCells, type CellLayer, type CellRun } from './cell-runs.js';
import type { LayerExplanation } from './layer-explanation.js';
import type { RecordingOptions } from './layer-options.js';

/** What `Recurrent` takes. */
export interface RecurrentOptions {
  /** Input and output are `[B, T, ...]`. */
  readonly batchFirst?: boolean;
  /**
   * Of several cells: the share of each one's output, but for the last one's, that is dropped in
   * training mode.
   */
  readonly dropout?: number;
  /**
   * Whether the state before the first step, where none is given, is learned. It begins as what the
   * cell starts from, as the parameter `h0`.
   */
  readonly learnInitialState?: boolean;
}

/** What a forward pass of `Recurrent` takes besides. */
export interface RecurrentForwardOptions extends Pick<RowOptions, 'lengths' | 'mask' | 'resetTo'> {
  /** From each row's last valid step to its first. */
  readonly reverse?: boolean;
  /**
   * `[T, B]` (`[B, T]` if batch first): where not 0, the row's state is the first one again before
   * that step (see `resetTo`). At a step that is masked, the mark holds for the next one that is
   * not.
   */
  readonly resets?: ScanOptions['resets'];
  /**
   * Names of inner values, which the cell gives by `tap`, that are to be returned for every step.
   * Of several cells all of them, under names such as `h_l0` and `h_l1`; `h_l1` stands for that of
   * one.
   */
  readonly record?: readonly string[];
  /**
   * What to do where the step cannot be compiled: `'auto'` (run it by single operations),
   * `'required'` (throw a TraceError that says why) or `'never'` (do not try). What
   * `setCompileMode` says unless given, which is `'auto'`.
   */
  readonly compile?: CompileMode;
}

/** The names of `RecurrentForwardOptions`, for `checkOptions`. */
export const recurrentOptions: readonly string[] = [
  'lengths',
  'mask',
  'reverse',
  'resets',
  'resetTo',
  'record',
  'compile',
];

/**
 * Runs any cell over a sequence, one's own too: whatever goes from an input and a state to the next
 * state. A list of cells are layers, each over the output of the one below.
 *
 * @example
 * ```ts
 * const layer = new Recurrent(new LSTMCell(3, 2));
 * const [output, [hN, cN]] = layer.forward(ones([7, 5, 3]), undefined, {
 *   lengths: [7, 4, 4, 1, 0],
 * }); // [7, 5, 2], [5, 2], [5, 2]
 * const layers = new Recurrent([new LSTMCell(3, 4), new GRUCell(4, 2)], { dropout: 0.2 });
 * const [y, [[h1, c1], h2]] = layers.forward(ones([7, 5, 3])); // [7, 5, 2], [5, 4], [5, 4], [5, 2]
 * ```
 * @param cell - a module with `forward(x, state)`, or a list of such; the state is a tensor or a
 *   list of tensors, and the first of them is the output
 * @param options - `batchFirst` (false), `dropout` between several cells (0), `learnInitialState`
 *   (false)
 * @throws ArgumentError when a cell has no forward, or for unknown options
 *
 * The cell's step is traced and runs as one compiled loop where it can: `explain` says whether. It
 * is traced at each call, unless the cell says `pure`. The cell's parameters stand under
 * `cell.` in the state dict, those of several cells under `cell.0.`, `cell.1.` and so on.
 * PyTorch has no such thing: there, a cell of one's own is a loop in Python.
 */
export class Recurrent<S extends CellState = Tensor> extends Module {
  /** Of a list of cells, all of them as one: see `StackedCells`. */
  readonly cell: Cell<S>;
  readonly batchFirst: boolean;
  readonly dropout: number;
  /** The learned state before the first step; a list of them for several cells. */
  readonly h0: LearnedState | readonly LearnedState[] | undefined;

  constructor(cell: Cell<S>, options?: RecurrentOptions);
  constructor(cells: CellsOf<S>, options?: RecurrentOptions);
  constructor(cell: Cell<S> | CellsOf<S>, options: RecurrentOptions = {}) {
    super();
    checkOptions('Recurrent', options, ['batchFirst', 'dropout', 'learnInitialState']);
    const { batchFirst = false, dropout = 0, learnInitialState = false } = options;
    checkFlag('Recurrent', 'batchFirst', batchFirst);
    checkNumber('Recurrent', 'dropout', dropout, { from: 0, to: 1 });
    checkFlag('Recurrent', 'learnInitialState', learnInitialState);
    const one = (Array.isArray(cell) ? new StackedCells(cell) : cell) as Cell<S>;
    checkCell('Recurrent', 'cell', one);
    const isSingle = !(one instanceof StackedCells) || one.length === 1;
    if (dropout > 0 && isSingle) {
      const hint = 'use a Dropout after it, or a cell with recurrentDropout';
      refuse(ArgumentError, 'Recurrent', 'dropout', { value: dropout, expected: '0 for a single cell', hint });
    }
    this.cell = one;
    this.batchFirst = batchFirst;
    this.dropout = dropout;
    if (learnInitialState) {
      const learned = cellsOf(this).map((each) => learnedStateOf('Recurrent', each));
      this.h0 = one instanceof StackedCells ? learned : learned[0];
    } else this.h0 = undefined;
  }

  /**
   * @param x - `[T, B, ...]`, `[B, T, ...]` if batch first, or `[T, I]` for a single sequence
   * @param h0 - the state before the first step, as the cell takes it, or a list with one state for
   *   each cell; what was learned, or else what `cell.initialState(B)` gives, unless it is given
   * @param options - `lengths`, `mask`, `reverse`, `resets`, `resetTo`, `record`, `compile`
   * @returns `output` `[T, B, ...]` in the form of the input: the first tensor of each step's
   *   state; the state after the last step; with `record` also an object with the named values,
   *   `[T, B, ...]` each in the form of the output, zero past the end of a row
   * @throws ShapeError, ArgumentError when input, state, lengths, mask and resets do not fit, the
   *   state is missing, or the cell taps no such name
   */
  forward(
    x: Tensor,
    h0: S | undefined,
    options: RecordingOptions<RecurrentForwardOptions>,
  ): [output: Tensor, last: S, records: Records];
  forward(x: Tensor, h0?: S, options?: RecurrentForwardOptions): [output: Tensor, last: S];
  forward(x: Tensor, h0?: S, options: RecurrentForwardOptions = {}): [output: Tensor, last: S, records?: Records] {
    checkOptions('Recurrent', options, recurrentOptions);
    const [output, states, records] = runCells(runOf(this, h0), x, options);
    const last = (this.cell instanceof StackedCells ? states : states[0]) as CellState as S;
    return options.record === undefined ? [output, last] : [output, last, records];
  }

  /**
   * The output after the last step of each row: the hidden state, or whatever comes first in the
   * state of the (last) cell.
   *
   * @example
   * ```ts
   * const layer = new Recurrent(new LSTMCell(3, 4));
   * const [, last] = layer.forward(ones([7, 5, 3]));
   * layer.lastHidden(last).shape; // [5, 4]
   * ```
   * @param last - the state that `forward` gave
   * @returns `[B, ...]`
   */
  lastHidden(last: S): Tensor {
    const own = this.cell instanceof StackedCells ? (last as StackedState)[this.cell.length - 1] : (last as Tensors);
    return firstOf(own);
  }

  /**
   * Says which mode the cell runs in, with the programs that run. Nothing is computed.
   *
   * @example
   * ```ts
   * const [{ mode, reason }] = new Recurrent(new GRUCell(3, 2)).explain(ones([7, 5, 3])); // 'compiled', undefined
   * ```
   * @param x - as for `forward`
   * @param h0 - as for `forward`
   * @param options - as for `forward`
   * @returns one entry for each cell: name (`cell`, or `cell.0` and so on), mode, reason, products,
   *   carry and text
   * @throws what `forward` throws, but for errors of the cell itself, which are the reason of the
   *   eager mode
   */
  explain(x: Tensor, h0?: S, options: RecurrentForwardOptions = {}): LayerExplanation[] {
    checkOptions('Recurrent', options, recurrentOptions);
    return explainCells(runOf(this, h0), x, options);
  }
}

function cellsOf<S extends CellState>(self: Recurrent<S>): readonly Cell<Tensors>[] {
  const cell = self.cell as unknown;
  return cell instanceof StackedCells ? cell.list() : [cell as Cell<Tensors>];
}

function runOf<S extends CellState>(self: Recurrent<S>, h0: S | undefined): CellRun {
  const cells = cellsOf(self);
  const isStack = self.cell instanceof StackedCells;
  if (isStack && h0 !== undefined) checkStack('Recurrent', 'h0', h0, cells.length);
  const layers = cells.map((cell, i): CellLayer => ({
    name: isStack ? `cell.${i}` : 'cell',
    cell,
    h0: (isStack ? (h0 as StackedState | undefined)?.[i] : h0) as Tensors | undefined,
    learned: (isStack ? (self.h0 as readonly LearnedState[] | undefined)?.[i] : self.h0) as LearnedState | undefined,
  }));
  const { batchFirst, dropout, training } = self;
  return { owner: 'Recurrent', layers, batchFirst, dropout: training ? dropout : 0 };
}
