import { type Backend, indexSelect, scope, ShapeError, Tensor, tensor, to } from '@rnn/core';
import { checkList, refuse } from '@rnn/core/checks';
import { hostArrayOf, uploadRows, type HostValues, type TypedHostArray } from '../host-array.js';
import { checkIndices, type Dataset } from './dataset.js';

/**
 * One part of every example, along the first dimension: a tensor, which stays on its device, or
 * values on the host.
 */
export type Column = Tensor | HostValues;

/** A column that is ready to be read from. */
export type Source = Tensor | TypedHostArray;

/**
 * Examples that lie side by side in tensors or host arrays of one length.
 *
 * @example
 * ```ts
 * const data = new TensorDataset(randn([100, 3]), new Int32Array(100));
 * const [x, y] = data.batch([0, 5, 7]);   // shapes [3, 3] and [3]
 * ```
 * @param columns - each with the examples along its first dimension: a tensor, a typed array, a
 *   list or nested list of numbers (float32), or `{ shape, data }`
 * @throws ShapeError when the columns differ in length or have no dimension
 *
 * Differs from PyTorch: a batch is taken at once, by a list of positions; columns may lie on the
 * host.
 */
export class TensorDataset<C extends readonly Column[]> implements Dataset<{ -readonly [K in keyof C]: Tensor }> {
  readonly length: number;
  private readonly sources: readonly Source[];

  constructor(...columns: C) {
    const owner = 'TensorDataset';
    checkList(owner, 'columns', columns, 'tensor or array', 1);
    this.sources = columns.map((column, i) => sourceOf(owner, `columns[${i}]`, column));
    const lengths = this.sources.map(({ shape }) => shape[0]);
    if (lengths.some((length) => length !== lengths[0])) {
      refuse(ShapeError, owner, 'columns', { has: 'lengths', received: lengths.join(', '), expected: 'one length' });
    }
    [this.length] = lengths;
  }

  /**
   * Some of the examples, in the given order.
   *
   * @param indices - positions, 0 to `length - 1`
   * @param backend - where to put them; a tensor's own backend, or the one of `setBackend`, when
   *   left out
   * @returns a tensor for each column, with the examples along the first dimension
   */
  batch(indices: ArrayLike<number>, backend?: Backend): { -readonly [K in keyof C]: Tensor } {
    checkIndices('TensorDataset', indices, this.length);
    return this.sources.map((source) => rowsOf(source, indices, backend)) as { -readonly [K in keyof C]: Tensor };
  }
}

/** A column in a form that rows can be taken from. */
export function sourceOf(owner: string, argument: string, column: Column): Source {
  const source = column instanceof Tensor ? column : hostArrayOf(owner, argument, column);
  if (source.shape.length === 0) {
    const expected = 'the examples along a first dimension';
    refuse(ShapeError, owner, argument, { received: 'a single number', expected });
  }
  return source;
}

/** Chosen rows of a column as a tensor. */
export function rowsOf(source: Source, indices: ArrayLike<number>, backend?: Backend): Tensor {
  if (!(source instanceof Tensor)) return uploadRows(source, indices, backend);
  return scope(() => {
    const rows = indexSelect(source, 0, tensor(Int32Array.from(indices), { backend: source.backend }));
    return backend === undefined ? rows : to(rows, backend);
  });
}
