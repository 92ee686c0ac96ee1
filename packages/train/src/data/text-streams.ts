import { ArgumentError, fromData, type Backend, type Tensor } from '@rnn/core';
import { checkBackend, checkCount, checkFlag, checkOptions, refuse } from '@rnn/core/checks';
import { hostArrayOf } from '../host-array.js';

export interface TextStreamOptions {
  /** Rows that are read side by side: the batch. */
  readonly rows: number;
  /** Steps that a batch goes on: how far truncated backpropagation through time looks back. */
  readonly steps: number;
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
}

/**
 * Cuts a long text into rows that are read side by side, a few steps at a time: each batch goes on where the one before stopped, so that the
 * state is carried from batch to batch (truncated backpropagation through time). The target is the input one step later.
 *
 * @example
 * ```ts
 * const streams = textStreams(vocabulary.encode(text), { rows: 32, steps: 64 });
 * let state: Tensor | undefined;   // begins anew with each pass
 * for (const [input, target] of streams) {   // [64, 32] both, int32
 *   const [output, next] = gru.forward(embedding.forward(input), state);
 *   state = next.detach();
 * }
 * ```
 * @param indices - the text, from a vocabulary
 * @param options - `rows`, `steps`; `batchFirst` false, `dropLast` false, `backend`
 * @returns batches `[input, target]`, each [steps, rows] or with `batchFirst` [rows, steps]; the last may have fewer steps
 * @throws ArgumentError when the text is too short for two steps of each row, or an option makes no sense
 *
 * Rows are of one length; what is left over at the end of the text, fewer than `rows` steps, is not read.
 *
 * Differs from PyTorch: `batchify` and `get_batch` of its word language model example, in one.
 */
export function textStreams(indices: Int32Array | readonly number[], options: TextStreamOptions): TextStreams {
  const owner = 'textStreams';
  const { shape, data } = hostArrayOf(owner, 'indices', indices);
  checkOptions(owner, options, ['rows', 'steps', 'batchFirst', 'dropLast', 'backend']);
  const { rows, steps, batchFirst = false, dropLast = false, backend } = options;
  checkCount(owner, 'rows', rows, 1);
  checkCount(owner, 'steps', steps, 1);
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
  const length = dropLast ? Math.floor((rowLength - 1) / steps) : Math.ceil((rowLength - 1) / steps);
  const cut = (start: number, count: number): Tensor => {
    const values = new Int32Array(count * rows);
    for (let row = 0; row < rows; row++) {
      for (let t = 0; t < count; t++) {
        values[batchFirst ? row * count + t : t * rows + row] = text[row * rowLength + start + t];
      }
    }
    return fromData(values, batchFirst ? [rows, count] : [count, rows], { backend });
  };
  return {
    length,
    *[Symbol.iterator](): Iterator<[Tensor, Tensor]> {
      for (let i = 0; i < length; i++) {
        const count = Math.min(steps, rowLength - 1 - i * steps);
        yield [cut(i * steps, count), cut(i * steps + 1, count)];
      }
    },
  };
}
