import { add, ArgumentError, bernoulli, type Generator, mul, scope, sub, Tensor, type Tensors, where } from '@rnn/core';
import { checkList, checkNumber, checkOptions, checkTensor, generatorOf, refuse } from '@rnn/core/checks';
import { besideOf, putBeside } from '../beside.js';
import { Module } from '../module.js';
import { checkCell, checkState, initialStateOf, type Cell } from './cell.js';

/** What `ZoneoutCell` takes. */
export interface ZoneoutOptions {
  /**
   * The probability that a unit keeps its state in a step; a list has one for each tensor of the
   * state.
   */
  readonly p: number | readonly number[];
  /** Where the draws come from; the one that `manualSeed` seeds unless said otherwise. */
  readonly generator?: Generator;
}

/**
 * Zoneout around any cell: in each step of a training each unit of the state stays what it was with
 * probability p; in evaluation mode the state is the expected one.
 *
 *     training:    s' = d s + (1 - d) cell(x, s), with d drawn anew for each unit and step, 1 with
 *     probability p evaluation:  s' = p s + (1 - p) cell(x, s)
 *
 * @example
 * ```ts
 * const cell = new ZoneoutCell(new LSTMCell(3, 2), { p: [0.05, 0.5] });   // for h and for c
 * const [output, [hN, cN]] = new Recurrent(cell).forward(ones([7, 5, 3]));
 * ```
 * @param cell - whose state is a tensor or a list of tensors
 * @param options - `p`, and `generator`
 * @throws ArgumentError when a p does not lie within [0, 1], or the cell has no forward
 *
 * The cell's parameters stand under `cell.` in the state dict. Not in PyTorch. Source: Krueger et
 * al. 2017.
 */
export class ZoneoutCell<S extends Tensors = Tensor> extends Module {
  readonly cell: Cell<S>;
  readonly p: number | readonly number[];

  constructor(cell: Cell<S>, options: ZoneoutOptions) {
    super();
    checkCell('ZoneoutCell', 'cell', cell);
    checkOptions('ZoneoutCell', options, ['p', 'generator']);
    const { p } = options;
    if (Array.isArray(p)) checkList('ZoneoutCell', 'p', p, 'number', 1);
    for (const each of Array.isArray(p) ? (p as readonly unknown[]) : [p])
      checkNumber('ZoneoutCell', 'p', each, { from: 0, to: 1 });
    this.cell = cell;
    this.p = p;
    if (options.generator !== undefined) generatorOf('ZoneoutCell', options.generator);
    if (options.generator !== undefined) putBeside(this, options.generator);
  }

  /** What the cell has; there is none where the cell has none. */
  get initialState(): Cell<S>['initialState'] {
    if (this.cell.initialState === undefined) return undefined;
    // The same function each time, as a remembered trace compares it.
    let start = starts.get(this);
    if (start === undefined)
      starts.set(this, (start = (batch) => initialStateOf('ZoneoutCell', this.cell as Cell, batch)));
    return start as Cell<S>['initialState'];
  }

  /** As the cell says. */
  get pure(): boolean {
    return this.cell.pure === true;
  }

  /**
   * @param x - `[B, ...]` or without the batch, as the cell takes it
   * @param state - as the cell takes it; what the cell gives for the first step unless given
   * @returns the state after, in the form of the cell's
   * @throws ArgumentError when the list p has another length than the state; whatever the cell
   *   throws
   */
  forward(x: Tensor, state?: S): S {
    return scope(() => {
      checkTensor('ZoneoutCell', 'input', x);
      checkState('ZoneoutCell', 'state', state);
      const before = state ?? initialStateOf('ZoneoutCell', this.cell, x.rank > 1 ? x.shape[0] : undefined);
      const after = this.cell.forward(x, before);
      if (before instanceof Tensor) return mixed(this, before, after as Tensor, sharesOf(this, 1)[0]) as S;
      const shares = sharesOf(this, before.length);
      return (after as readonly Tensor[]).map((s, i) => mixed(this, before[i], s, shares[i])) as readonly Tensor[] as S;
    });
  }
}

/** The functions that cells gave out as their `initialState`. */
const starts = new WeakMap<object, (batch?: number) => Tensor>();

/** The probability of each tensor of the state. */
function sharesOf<S extends Tensors>(self: ZoneoutCell<S>, count: number): readonly number[] {
  const { p } = self;
  if (typeof p === 'number') return Array.from({ length: count }, () => p);
  if (p.length === count) return p;
  refuse(ArgumentError, 'ZoneoutCell', 'p', {
    has: 'length',
    received: String(p.length),
    expected: `${count}, one for each tensor of the cell's state, or a number`,
  });
}

function mixed<S extends Tensors>(self: ZoneoutCell<S>, before: Tensor, after: Tensor, p: number): Tensor {
  if (p === 0) return after;
  if (self.training)
    return where(bernoulli(before, p, { generator: besideOf(self) as Generator | undefined }), before, after);
  return add(after, mul(sub(before, after), p)); // p s + (1 - p) s' with one product
}
