import {
  ArgumentError,
  concat,
  scope,
  type CompileMode,
  type Lengths,
  type Records,
  type Tensor,
  type Tensors,
} from '@rnn/core';
import { checkFlag, checkOptions, refuse } from '@rnn/core/checks';
import { checkCell, type Cell } from '../cells/cell.js';
import { Module } from '../module.js';
import type { LayerExplanation } from './layer-explanation.js';
import type { RecordingOptions } from './layer-options.js';
import { checkRecord } from './layer-records.js';
import {
  explainCell,
  runCell,
  type CellRun,
  type RecurrentForwardOptions,
  type RecurrentOptions,
} from './recurrent.js';

/** What a forward pass of `Bidirectional` takes besides. */
export interface BidirectionalForwardOptions {
  /** Valid steps of each row, from 0 to T. */
  readonly lengths?: Lengths;
  /** Names of inner values, which the cells give by `tap`, that are to be returned for every step. */
  readonly record?: readonly string[];
  /**
   * What to do where the step cannot be compiled: `'auto'` (run it by single operations), `'required'` (throw a TraceError that says why) or
   * `'never'` (do not try). What `setCompileMode` says unless given, which is `'auto'`.
   */
  readonly compile?: CompileMode;
}

/** The end of a name that means the direction from the end to the beginning. */
const REVERSE = '_reverse';

/**
 * Two cells over one sequence: one from its beginning to its end, one from its end to its beginning.
 *
 * @example
 * ```ts
 * const both = new Bidirectional(new GRUCell(3, 2), new GRUCell(3, 2));
 * const [output, [hForward, hBackward]] = both.forward(ones([7, 5, 3]));   // [7, 5, 4], [5, 2], [5, 2]
 * ```
 * @param forwardCell - see `Recurrent`
 * @param backwardCell - a cell with a state of the same kind, its sizes may differ
 * @param options - `batchFirst` (false)
 * @throws ArgumentError when a cell has no forward, or for unknown options
 */
export class Bidirectional<S extends Tensors = Tensor> extends Module {
  readonly forwardCell: Cell<S>;
  readonly backwardCell: Cell<S>;
  readonly batchFirst: boolean;

  constructor(forwardCell: Cell<S>, backwardCell: Cell<S>, options: RecurrentOptions = {}) {
    super();
    checkOptions('Bidirectional', options, ['batchFirst']);
    const { batchFirst = false } = options;
    checkFlag('Bidirectional', 'batchFirst', batchFirst);
    checkCell('Bidirectional', 'forwardCell', forwardCell);
    checkCell('Bidirectional', 'backwardCell', backwardCell);
    this.forwardCell = forwardCell;
    this.backwardCell = backwardCell;
    this.batchFirst = batchFirst;
  }

  /**
   * @param x - `[T, B, ...]`, `[B, T, ...]` if batch first, or `[T, I]` for a single sequence
   * @param h0 - the first states of both cells; what their `initialState(B)` gives unless given
   * @param options - `lengths` of the rows, `record`, `compile`
   * @returns `output` with the features of both side by side, and the last states of both; with `record` also an object with the named
   *   values, those of the second cell under names that end in `_reverse`. A name asks for the values of both cells, and one with
   *   `_reverse` for those of the second
   * @throws ShapeError, ArgumentError when input, states and lengths do not fit, states are missing, or a cell taps no such name
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
    checkOptions('Bidirectional', options, ['lengths', 'record', 'compile']);
    checkPair(h0);
    return scope(() => {
      const [first, second] = this.#runs(options);
      const [there, lastThere, records] = runCell(first.run, x, h0?.[0], first.options);
      const [back, lastBack, others] = runCell(second.run, x, h0?.[1], second.options);
      const output = concat([there, back], -1);
      if (options.record === undefined) return [output, [lastThere, lastBack]];
      const named = Object.entries(others).map(([name, value]) => [`${name}${REVERSE}`, value] as const);
      return [output, [lastThere, lastBack], { ...records, ...Object.fromEntries(named) }];
    });
  }

  /**
   * Says which road each cell takes, with the programs that run. Nothing is computed.
   *
   * @param x - as for `forward`
   * @param h0 - as for `forward`
   * @param options - as for `forward`
   * @returns two entries: name (`forwardCell`, `backwardCell`), road, reason, products and text
   * @throws what `forward` throws, but for errors of the cells themselves, which are the reason of the eager road
   */
  explain(
    x: Tensor,
    h0?: readonly [forward: S, backward: S],
    options: BidirectionalForwardOptions = {},
  ): LayerExplanation[] {
    checkOptions('Bidirectional', options, ['lengths', 'record', 'compile']);
    checkPair(h0);
    return this.#runs(options).map(({ name, run, options: each }, i) => ({
      name,
      ...explainCell(run, x, h0?.[i], each),
    }));
  }

  /** The passes of the two cells. */
  #runs({ lengths, record, compile }: BidirectionalForwardOptions): readonly [CellPass<S>, CellPass<S>] {
    const owner = 'Bidirectional';
    const { batchFirst, forwardCell, backwardCell } = this;
    checkRecord(owner, record);
    const own = record?.filter((name) => !name.endsWith(REVERSE));
    const all = record?.map((name) => (name.endsWith(REVERSE) ? name.slice(0, -REVERSE.length) : name));
    return [
      {
        name: 'forwardCell',
        run: { owner, cell: forwardCell, batchFirst },
        options: { lengths, record: own, compile },
      },
      {
        name: 'backwardCell',
        run: { owner, cell: backwardCell, batchFirst },
        options: { lengths, record: all && [...new Set(all)], reverse: true, compile },
      },
    ];
  }
}

/** Refuses anything but one state for each cell: a tensor of both, as PyTorch has it, would go unnoticed. */
function checkPair(h0: unknown): void {
  if (h0 === undefined || (Array.isArray(h0) && h0.length === 2)) return;
  refuse(ArgumentError, 'Bidirectional', 'h0', {
    value: h0,
    expected: 'the array [forward, backward] of the two states',
    hint: 'leave it out (undefined, not null) for what the cells start from',
  });
}

/** What one cell of the two gets. */
interface CellPass<S extends Tensors> {
  readonly name: string;
  readonly run: CellRun<S>;
  readonly options: RecurrentForwardOptions;
}
