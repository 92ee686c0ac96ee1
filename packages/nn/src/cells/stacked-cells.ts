import { ArgumentError, scope, type Tensor, type Tensors } from '@rnn/core';
import { checkList, checkTensor, refuse } from '@rnn/core/checks';
import { Module } from '../module.js';
import { checkCell, firstOf, initialStateOf, type Cell } from './cell.js';

/** The states of several cells, one for each. */
export type StackedState = readonly Tensors[] | [];

/** One cell for each state of a list. */
export type CellsOf<S> = { readonly [K in keyof S]: UncheckedCell<S[K]> };

/** `Cell` of whatever state. */
interface UncheckedCell<S> {
  forward(x: Tensor, state: NoInfer<S>): S;
}

/**
 * Cells on top of each other as one cell: each takes the output of the one below. `Recurrent` makes
 * one of a list of cells and runs it layer by layer; by itself it takes single steps.
 *
 * @example
 * ```ts
 * const cells = new StackedCells([new LSTMCell(3, 4), new GRUCell(4, 2)]);
 * const [[h1, c1], h2] = cells.forward(ones([5, 3]), cells.initialState(5)); // [5, 4], [5, 4], [5, 2]
 * ```
 * @param cells - at least one; their states may differ in kind and size
 * @throws ArgumentError when one of them is no cell
 *
 * The cells stand under `0.`, `1.` and so on in the state dict.
 */
export class StackedCells<S extends StackedState = StackedState> extends Module {
  [index: number]: Cell<Tensors>;
  readonly length: number;

  constructor(cells: CellsOf<S>) {
    super();
    const list = cells as readonly unknown[];
    checkList('StackedCells', 'cells', list, 'cell', 1);
    list.forEach((cell, i) => {
      checkCell('StackedCells', `cells[${i}]`, cell);
      this[i] = cell as Cell<Tensors>;
    });
    this.length = list.length;
  }

  /**
   * The cells from the lowest to the highest.
   *
   * @example
   * ```ts
   * new StackedCells([new LSTMCell(3, 4), new GRUCell(4, 2)]).list().length; // 2
   * ```
   */
  list(): Cell<Tensors>[] {
    return Array.from({ length: this.length }, (_, i) => this[i]);
  }

  /** The state before the first step of every cell, for a batch or for a single sequence. */
  initialState(batch?: number): S {
    return this.list().map((cell) => initialStateOf('StackedCells', cell, batch)) as StackedState as S;
  }

  /**
   * One step of every cell.
   *
   * @param x - `[B, ...]` or without the batch, as the lowest cell takes it
   * @param state - one state for each cell
   * @returns the states after; the output is the first tensor of the last of them
   * @throws ArgumentError when there is not one state for each cell; whatever the cells throw
   */
  forward(x: Tensor, state: S): S {
    checkTensor('StackedCells', 'input', x);
    checkStack('StackedCells', 'state', state, this.length);
    return scope(() => {
      let below = x;
      return this.list().map((cell, i) => {
        const after = cell.forward(below, state[i]);
        below = firstOf(after);
        return after;
      }) as StackedState as S;
    });
  }
}

/** Refuses anything but one state for each cell of a stack. */
export function checkStack(owner: string, argument: string, state: unknown, count: number): void {
  if (Array.isArray(state) && state.length === count) return;
  refuse(ArgumentError, owner, argument, {
    ...(Array.isArray(state) ? { has: 'length', received: String(state.length) } : { value: state }),
    expected: Array.isArray(state) ? `${count}, one state for each cell` : 'an array with one state for each cell',
  });
}
