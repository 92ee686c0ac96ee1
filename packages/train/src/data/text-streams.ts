import { ArgumentError, fromData, type Backend, type Tensor } from '@rnn/core';
import { checkBackend, checkCount, checkFlag, checkOptions, refuse } from '@rnn/core/checks';
import { hostArrayOf } from '../host-array.js';

export interface TextStreamOptions {
  /** Rows that are read side by side: the batch. */
  readonly rows: number;
  /** Steps that a batch goes on; the whole rows unless given, which `tbptt` of `fit` cuts. */
  readonly steps?: number;
  /**
   * The token after which another document begins: each batch then says as its third part where the
   * state is to begin anew.
   */
  readonly documentEnd?: number;
  /** Whether the rows come before time; false unless given, as for the recurrent layers. */
  readonly batchFirst?: boolean;
  /** Whether to leave out a last batch with fewer steps; false unless given. */
  readonly dropLast?: boolean;
  /** Where to put the batches; the one of `setBackend` unless given. */
  readonly backend?: Backend;
}

/** Batches in their order, of a known number; each loop over them begins at the start. */
export interface TextStreams<B = [Tensor, Tensor]> extends Iterable<B> {
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
 * Where the text is many documents, `documentEnd` is the token after each of them: their states
 * begin anew, row by row.
 *
 * @example
 * ```ts
 * const documents = textStreams(indices, { rows: 32, documentEnd: vocabulary.encode('\n')[0] });
 * const loss = (model, [input, target, resets], state) => {
 *   const x = model.embedding.forward(input);
 *   const [output, next] = model.lstm.forward(x, state, { resets, resetTo: 'initial' });
 *   return [crossEntropy(model.head.forward(output), target, { classDim: -1 }), next];
 * };
 * ```
 * @param indices - the text, from a vocabulary
 * @param options - `rows`; `steps` all, `documentEnd`, `batchFirst` false, `dropLast` false,
 *   `backend`
 * @returns batches `[input, target]`, each [steps, rows] or with `batchFirst` [rows, steps]; the
 *   last may have fewer steps. With `documentEnd` `[input, target, resets]`, the last as the layers
 *   take it: 1 at the first step of each document
 * @throws ArgumentError when the text is too short for two steps of each row, or an option makes no
 *   sense
 *
 * Rows are of one length; what is left over at the end of the text, fewer than `rows` steps, is not
 * read.
 *
 * Differs from PyTorch: `batchify` and `get_batch` of its word language model example, in one.
 */
export function textStreams(
  indices: Int32Array | readonly number[],
  options: TextStreamOptions & { readonly documentEnd: number },
): TextStreams<[input: Tensor, target: Tensor, resets: number[][]]>;
export function textStreams(indices: Int32Array | readonly number[], options: TextStreamOptions): TextStreams;
export function textStreams(
  indices: Int32Array | readonly number[],
  options: TextStreamOptions,
): TextStreams<[input: Tensor, target: Tensor, resets?: number[][]]> {
  const owner = 'textStreams';
  const { shape, data } = hostArrayOf(owner, 'indices', indices);
  checkOptions(owner, options, ['rows', 'steps', 'documentEnd', 'batchFirst', 'dropLast', 'backend']);
  const { rows, documentEnd, batchFirst = false, dropLast = false, backend } = options;
  checkCount(owner, 'rows', rows, 1);
  if (options.steps !== undefined) checkCount(owner, 'steps', options.steps, 1);
  if (documentEnd !== undefined) checkCount(owner, 'documentEnd', documentEnd);
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
  const resetsAt = (start: number, count: number): number[][] => {
    // The first step of a pass has no state that could be reset.
    const mark = (row: number, t: number): number =>
      start + t > 0 && text[row * rowLength + start + t - 1] === documentEnd ? 1 : 0;
    const [outer, inner] = batchFirst ? [rows, count] : [count, rows];
    return Array.from({ length: outer }, (_, i) =>
      Array.from({ length: inner }, (_, j) => (batchFirst ? mark(i, j) : mark(j, i))),
    );
  };
  return {
    length,
    continues: true,
    batchFirst,
    *[Symbol.iterator](): Iterator<[Tensor, Tensor, number[][]?]> {
      for (let i = 0; i < length; i++) {
        const start = i * steps;
        const count = Math.min(steps, rowLength - 1 - start);
        const pair: [Tensor, Tensor] = [cut(start, count), cut(start + 1, count)];
        yield documentEnd === undefined ? pair : [...pair, resetsAt(start, count)];
      }
    },
  };
}
