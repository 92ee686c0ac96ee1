import { concat, scope, type Lengths, type Tensor, type Tensors } from '@rnn/core';
import type { Cell } from '../cells/recurrent-cell.js';
import { Module } from '../module.js';
import { checkFlag, checkOptions } from '../options.js';
import { checkCell, runCell, type RecurrentOptions } from './recurrent.js';

/** What a forward pass of `Bidirectional` takes besides. */
export interface BidirectionalForwardOptions {
  /** Valid steps of each row, from 0 to T. */
  readonly lengths?: Lengths;
}

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
   * @param options - `lengths` of the rows
   * @returns `output` with the features of both side by side, and the last states of both
   * @throws ShapeError, ArgumentError when input, states and lengths do not fit, or states are missing
   */
  forward(
    x: Tensor,
    h0?: readonly [forward: S, backward: S],
    options: BidirectionalForwardOptions = {},
  ): [output: Tensor, last: [forward: S, backward: S]] {
    checkOptions('Bidirectional', options, ['lengths']);
    const owner = 'Bidirectional';
    const { batchFirst } = this;
    return scope(() => {
      const [there, lastThere] = runCell({ owner, cell: this.forwardCell, batchFirst }, x, h0?.[0], options);
      const [back, lastBack] = runCell({ owner, cell: this.backwardCell, batchFirst }, x, h0?.[1], {
        ...options,
        reverse: true,
      });
      return [concat([there, back], -1), [lastThere, lastBack]];
    });
  }
}
