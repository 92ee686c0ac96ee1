import {
  ArgumentError,
  checkLengths,
  scan,
  scope,
  ShapeError,
  showShape,
  Tensor,
  tensor,
  type Lengths,
  type ScanOptions,
  type Tensors,
} from '@rnn/core';
import type { Cell } from '../cells/recurrent-cell.js';
import { checkTensor } from '../input-checks.js';
import { Module } from '../module.js';
import { checkFlag, checkOptions } from '../options.js';

/** What `Recurrent` takes. */
export interface RecurrentOptions {
  /** Input and output are `[B, T, ...]`. */
  readonly batchFirst?: boolean;
}

/** What a forward pass of `Recurrent` takes besides. */
export interface RecurrentForwardOptions {
  /** Valid steps of each row, from 0 to T. Padding enters neither states nor gradients; outputs past the end are zero. */
  readonly lengths?: Lengths;
  /** From each row's last valid step to its first. */
  readonly reverse?: boolean;
  /** `[T, B]` (`[B, T]` if batch first): where not 0, the row's state is the initial one again before that step. */
  readonly resets?: ScanOptions['resets'];
}

/**
 * Runs any cell over a sequence, one's own too: whatever goes from an input and a state to the next state.
 *
 * @example
 * ```ts
 * const layer = new Recurrent(new LSTMCell(3, 2));
 * const [output, [hN, cN]] = layer.forward(ones([7, 5, 3]), undefined, { lengths: [7, 4, 4, 1, 0] });   // [7, 5, 2], [5, 2], [5, 2]
 * ```
 * @param cell - a module with `forward(x, state)`; the state is a tensor or a list of tensors, and the first of them is the output
 * @param options - `batchFirst` (false)
 * @throws ArgumentError when the cell has no forward, or for unknown options
 *
 * The cell's parameters stand under `cell.` in the state dict. PyTorch has no such thing: there, a cell of one's own is a loop in Python.
 */
export class Recurrent<S extends Tensors = Tensor> extends Module {
  readonly cell: Cell<S>;
  readonly batchFirst: boolean;

  constructor(cell: Cell<S>, options: RecurrentOptions = {}) {
    super();
    checkOptions('Recurrent', options, ['batchFirst']);
    const { batchFirst = false } = options;
    checkFlag('Recurrent', 'batchFirst', batchFirst);
    checkCell('Recurrent', 'cell', cell);
    this.cell = cell;
    this.batchFirst = batchFirst;
  }

  /**
   * @param x - `[T, B, ...]`, `[B, T, ...]` if batch first, or `[T, I]` for a single sequence
   * @param h0 - the state before the first step, as the cell takes it; what `cell.initialState(B)` gives unless it is given
   * @param options - `lengths`, `reverse`, `resets`
   * @returns `output` `[T, B, ...]` in the form of the input: the first tensor of each step's state; and the state after the last step
   * @throws ShapeError, ArgumentError when input, state, lengths and resets do not fit, or the state is missing
   */
  forward(x: Tensor, h0?: S, options: RecurrentForwardOptions = {}): [output: Tensor, last: S] {
    checkOptions('Recurrent', options, ['lengths', 'reverse', 'resets']);
    return runCell({ owner: 'Recurrent', cell: this.cell, batchFirst: this.batchFirst }, x, h0, options);
  }
}

/** A cell and how its sequences lie. */
export interface CellRun<S extends Tensors> {
  /** Whose call it is, for messages. */
  readonly owner: string;
  readonly cell: Cell<S>;
  readonly batchFirst: boolean;
}

/** Refuses what cannot be called as a cell. */
export function checkCell(owner: string, argument: string, cell: unknown): void {
  if (typeof (cell as Partial<Cell> | undefined)?.forward === 'function') return;
  throw new ArgumentError(`${owner}: ${argument} has no forward(x, state), expected a module such as LSTMCell`, {
    argument,
  });
}

/** One pass of a cell over a sequence; see `Recurrent`. */
export function runCell<S extends Tensors>(
  { owner, cell, batchFirst }: CellRun<S>,
  x: Tensor,
  h0: S | undefined,
  { lengths, resets, reverse }: RecurrentForwardOptions,
): [output: Tensor, last: S] {
  checkTensor(owner, 'input', x);
  // Two dimensions are a single sequence, unless something tells that there is a batch.
  const batched =
    x.rank > 2 || lengths !== undefined || resets !== undefined || (h0 !== undefined && first(h0).rank > 1);
  const form = batched ? (batchFirst ? '[B, T, ...]' : '[T, B, ...]') : '[T, I]';
  if (x.rank < 2 || x.size === 0) {
    throw new ShapeError(
      `${owner}: input has shape ${showShape(x.shape)}, expected ${form} with every size at least 1`,
      {
        argument: 'input',
        expected: form,
        received: showShape(x.shape),
      },
    );
  }
  const turned = batched && batchFirst;
  const batch = batched ? x.shape[turned ? 0 : 1] : undefined;
  const valid = lengths && checkLengths(owner, lengths, x.shape[turned ? 0 : 1], x.shape[turned ? 1 : 0]);
  return scope(() => {
    const state = h0 ?? initialState(owner, cell, batch);
    const [output, last] = scan(
      (input: Tensor, before: S) => {
        const after = cell.forward(input, before);
        return [first(after), after] as const;
      },
      turned ? x.transpose(0, 1) : x,
      state,
      { lengths: valid, reverse, resets: turned ? resets && turnedMarks(resets, x) : resets },
    );
    return [turned ? output.transpose(0, 1) : output, last];
  });
}

function initialState<S extends Tensors>(owner: string, cell: Cell<S>, batch: number | undefined): S {
  if (cell.initialState !== undefined) return cell.initialState(batch);
  throw new ArgumentError(
    `${owner}: ${cell.constructor.name} has no initialState(batch), so the first state has to be given: forward(x, h0)`,
    { argument: 'h0' },
  );
}

/** `resets` as `scan` takes them, `[T, B]`, from `[B, T]`. */
function turnedMarks(resets: NonNullable<ScanOptions['resets']>, { backend }: Tensor): Tensor {
  return (resets instanceof Tensor ? resets : tensor(resets, { backend })).transpose(0, 1);
}

function first(state: Tensors): Tensor {
  return state instanceof Tensor ? state : state[0];
}
