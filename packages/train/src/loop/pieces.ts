import { ArgumentError } from '@rnn/core';
import { isIterable, refuse } from '@rnn/core/checks';
import { disposeTree, keptTree, leavesOf } from '../tree.js';
import { cutBatch, stepsOf } from './cut-batch.js';
import { tbpttOf, type TbpttOptions } from './tbptt-options.js';

/** Batches that come at once or one by one, again for each pass. */
export type Batches<B> = Iterable<B> | AsyncIterable<B>;

/** A batch, the rest of which is still to be taken. */
interface Rest<B> {
  readonly batch: B;
  readonly steps: number;
  from: number;
}

/** What is done with a piece; `begins` says that no state is carried to it. */
export type Use<B, R> = (piece: B, begins: boolean) => R;

/** One pass over data, batch by batch; with `tbptt` each batch is cut along time into pieces. */
export class Pieces<B> {
  private readonly owner: string;
  private readonly iterator: Iterator<B> | AsyncIterator<B>;
  private readonly isAsync: boolean;
  private readonly tbptt: Required<TbpttOptions> | undefined;
  /** Runs synchronous work, in a scope. */
  private readonly within: <R>(work: () => R) => R;
  private rest: Rest<B> | undefined;
  private hasBegun = false;

  constructor(
    owner: string,
    data: Batches<B>,
    tbptt: number | TbpttOptions | undefined,
    within: <R>(work: () => R) => R,
  ) {
    this.owner = owner;
    this.isAsync = !isIterable(data);
    this.iterator = isIterable(data) ? (data as Iterable<B>)[Symbol.iterator]() : data[Symbol.asyncIterator]();
    this.tbptt = tbpttOf(data, tbptt);
    this.within = within;
  }

  /**
   * Takes the next piece. It lives until `use` is over.
   *
   * @returns what `use` returned; `undefined` when the pass is over
   */
  async take<R>(use: Use<B, R>): Promise<R | undefined> {
    const { rest } = this;
    if (rest !== undefined) return this.within(() => this.goOn(rest, use));
    if (!this.isAsync) {
      return this.within(() => {
        const item = this.iterator.next() as IteratorResult<B>;
        return item.done === true ? undefined : this.begin(item.value, use);
      });
    }
    const item = await this.iterator.next();
    if (item.done === true) return undefined;
    const batch = item.value;
    this.checkAlive(batch);
    try {
      return this.within(() => this.begin(batch, use));
    } finally {
      // Nobody else can know when a batch that was made between two steps is done with.
      disposeTree(batch);
    }
  }

  /** Ends the pass, over or not. */
  async close(): Promise<void> {
    if (this.rest !== undefined) disposeTree(this.rest.batch);
    this.rest = undefined;
    await this.iterator.return?.();
  }

  private begin<R>(batch: B, use: Use<B, R>): R {
    const { tbptt } = this;
    const begins = !(this.hasBegun && tbptt?.carry === true);
    this.hasBegun = true;
    if (tbptt === undefined) return use(batch, begins);
    const { steps: length, batchFirst } = tbptt;
    const steps = stepsOf(this.owner, leavesOf(batch), batchFirst);
    if (steps <= length) return use(batch, begins);
    this.rest = { batch: keptTree(batch), steps, from: length };
    return use(cutBatch(batch, { from: 0, to: length, steps, batchFirst }), begins);
  }

  private goOn<R>(rest: Rest<B>, use: Use<B, R>): R {
    const { steps: length, batchFirst } = this.tbptt as Required<TbpttOptions>;
    const { batch, from, steps } = rest;
    rest.from += length;
    try {
      return use(cutBatch(batch, { from, to: Math.min(from + length, steps), steps, batchFirst }), false);
    } finally {
      if (rest.from >= steps) {
        this.rest = undefined;
        disposeTree(batch);
      }
    }
  }

  private checkAlive(batch: B): void {
    const tensor = leavesOf(batch).find(({ isDisposed }) => isDisposed);
    if (tensor === undefined) return;
    refuse(ArgumentError, this.owner, 'data', {
      part: 'a batch',
      received: 'a tensor that is freed',
      expected: 'tensors of its own, as those of an asynchronous iterable are freed after their step',
      hint: 'yield tensor.detach() of what is to live on',
    });
  }
}

/** Refuses what gives no batches. */
export function checkBatches(owner: string, argument: string, data: unknown): void {
  if (isIterable(data) || isAsyncIterable(data)) return;
  const expected =
    'batches that can be gone through again and again, such as a DataLoader, an array or an asynchronous iterable';
  refuse(ArgumentError, owner, argument, { value: data, expected });
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof (value as Partial<AsyncIterable<unknown>> | null | undefined)?.[Symbol.asyncIterator] === 'function';
}
