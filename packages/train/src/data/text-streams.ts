import { ArgumentError, fromData, type Backend, type Tensor } from '@rnn/core';
import { checkBackend, checkCount, checkFlag, checkOptions, refuse } from '@rnn/core/checks';
import { hostArrayOf } from '../host-array.js';

export interface TextStreamOptions {
  /** Rows that are read side by side: the batch. */
  readonly rows: number;
  /** Steps that a batch goes on; the whole rows unless given, which `tbptt` of `fit` cuts. */
  readonly steps?: number;
  /** Whether the rows come before time; false unless given, as for the recurrent layers. */
  readonly batchFirst?: boolean;
  /** Whether to leave out a last batch with fewer steps; false unless given. */
  readonly dropLast?: boolean;
  /** Where to put the batches; the one of `setBackend` unless given. */
  readonly backend?: Backend;
}

/** Batches in their order, of a known number; each loop over them begins at the start. */
export interface TextStreams extends Iterable<[Tensor, Tensor]> {
  /** Number of batches. */
  readonly length: number;
  /**
   * Each batch goes on where the one before stopped, so that `tbptt` of `fit` carries the state
   * over.
   */
  readonly continues: true;
  readonly batchFirst: boolean;
}

/**
 * Cuts a long text into rows that are read side by side, a few steps at a time: each batch goes on
 * where the one before stopped, so that the state is carried from batch to batch (truncated
 * backpropagation through time). The target is the input one step later.
 *
 * @example
 * ```ts
 * const streams = textStreams(vocabulary.encode(text), { rows: 32 });
 * await fit(model, streams, {
 *   tbptt: 64,
 *   loss: (model, [input, target], state?: LSTMState) => {   // [64, 32] both, int32
 *     const [scores, next] = model.forward(input, state);
 *     return [crossEntropy(scores, target, { classDim: -1 }), next];
 *   },
 *   optimizer, epochs: 10,
 * });
 * ```
 * @param indices - the text, from a vocabulary
 * @param options - `rows`; `steps` all, `batchFirst` false, `dropLast` false, `backend`
 * @returns batches `[input, target]`, each [steps, rows] or with `batchFirst` [rows, steps]; the
 *   last may have fewer steps
 * @throws ArgumentError when the text is too short for two steps of each row, or an option makes no
 *   sense
 *
 * Rows are of one length; what is left over at the end of the text, fewer than `rows` steps, is not
 * read.
 *
 * Differs from PyTorch: `batchify` and `get_batch` of its word language model example, in one.
 */
export function textStreams(indices: Int32Array | readonly number[], options: TextStreamOptions): TextStreams {
  const owner = 'textStreams';
  const { shape, data } = hostArrayOf(owner, 'indices', indices);
  checkOptions(owner, options, ['rows', 'steps', 'batchFirst', 'dropLast', 'backend']);
  const { rows, batchFirst = false, dropLast = false, backend } = options;
  checkCount(owner, 'rows', rows, 1);
  if (options.steps !== undefined) checkCount(owner, 'steps', options.steps, 1);
  checkFlag(owner, 'batchFirst', batchFirst);
  checkFlag(owner, 'dropLast', dropLast);
  if (backend !== undefined) checkBackend(owner, 'backend', backend);
  const text = Int32Array.from(data);
  const odd = text.findIndex((index, i) => index !== data[i] || index < 0);
  if (odd >= 0)
    refuse(ArgumentError, owner, 'indices', { part: `element ${odd}`, value: data[odd], expected: 'an index' });
  const rowLength = Math.floor(text.length / rows);
  if (shape.length !== 1 || rowLength < 2) {
    const expected = `one text of at least ${2 * rows} indices, two for each row`;
    refuse(ArgumentError, owner, 'indices', { has: 'shape', received: `[${shape.join(', ')}]`, expected });
  }
  // The last step of a row is a target only.
  const { steps = rowLength - 1 } = options;
  const length = dropLast ? Math.floor((rowLength - 1) / steps) : Math.ceil((rowLength - 1) / steps);
  /** The place of step `t` of a row of a batch with so many steps. */
  const at = (row: number, t: number, count: number): number => (batchFirst ? row * count + t : t * rows + row);
  const cut = (start: number, count: number): Tensor => {
    const values = new Int32Array(count * rows);
    for (let row = 0; row < rows; row++) {
      for (let t = 0; t < count; t++) values[at(row, t, count)] = text[row * rowLength + start + t];
    }
    return fromData(values, batchFirst ? [rows, count] : [count, rows], { backend });
  };
  return {
    length,
    continues: true,
    batchFirst,
    *[Symbol.iterator](): Iterator<[Tensor, Tensor]> {
      for (let i = 0; i < length; i++) {
        const start = i * steps;
        const count = Math.min(steps, rowLength - 1 - start);
        yield [cut(start, count), cut(start + 1, count)];
      }
    },
  };
}
