/**
 * Products of matrices that are more than a row by a matrix of the model: each column, or each row,
 * of each matrix by itself.
 */
import { sizeOf, type MatmulSizes } from '@rnn/core';
import type { Flow, FlowValue, Matrix } from './flow.js';
import { OverTime, placesOf } from './row-walk.js';

/** One side of a product. */
export interface Side {
  /** Of a side that changes. */
  readonly value: FlowValue | undefined;
  readonly batchStrides: readonly number[];
  readonly transposed: boolean;
  /** Of a side that belongs to the model: `[n, k]`, the matrix that begins at a place. */
  readonly matrix: (at: number, rows: number, columns: number, isTransposed: boolean) => Matrix;
}

/**
 * @param sizes - `[...batch, m, k] x [...batch, k, n]`; over a sequence its steps are the first of
 *   the batch
 * @param steps - of the sequence
 * @returns `[...batch, m, n]` without the steps
 */
export function productOf(flow: Flow, a: Side, b: Side, sizes: MatmulSizes, steps: number): FlowValue {
  const { m, k, n } = sizes;
  const isRow = [a, b].some(({ value }) => value?.domain === 'row');
  if (isRow && sizes.batch[0] !== steps) throw new OverTime('multiplies along time');
  const batch = sizes.batch.slice(isRow ? 1 : 0);
  const [left, right] = [a, b].map((side) => {
    const [first, ...rest] = side.batchStrides;
    const step = side.value?.domain === 'row' ? side.value.width : 0;
    if (isRow && first !== step) throw new OverTime('multiplies one step of the sequence by another');
    const strides = isRow ? rest : side.batchStrides;
    return { ...side, places: placesOf({ offset: 0, sizes: batch, strides }) };
  });
  const count = sizeOf(batch);
  const { value: x } = left;
  const { value: y } = right;
  const aStrides = a.transposed ? [1, m] : [k, 1];
  const bStrides = b.transposed ? [1, k] : [n, 1];
  if (x !== undefined && y !== undefined) {
    // All terms of the sums side by side, `[batch, m, n, k]`, then their sums.
    const terms = (value: FlowValue, places: readonly number[], strides: readonly number[]): FlowValue =>
      flow.pick(
        value,
        places.flatMap((offset) => placesOf({ offset, sizes: [m, n, k], strides })),
      );
    const width = count * m * n;
    const p = terms(x, left.places, [aStrides[0], 0, aStrides[1]]);
    const q = terms(y, right.places, [0, bStrides[1], bStrides[0]]);
    const product = flow.make({ kind: 'binary', op: 'mul', a: p, b: q }, width * k, !isRow);
    return flow.make({ kind: 'reduce', op: 'sum', x: product, outer: width, size: k, inner: 1 }, width, !isRow);
  }
  const isLeft = x !== undefined;
  const value = (x ?? y) as FlowValue;
  const [moving, fixed] = isLeft ? [left, right] : [right, left];
  // Rows of the left side, or columns of the right one.
  const [lines, stride, along] = isLeft ? [m, ...aStrides] : [n, bStrides[1], bStrides[0]];
  const parts = moving.places.flatMap((offset, i) => {
    const at = fixed.places[i];
    const weight = isLeft
      ? right.matrix(at, b.transposed ? n : k, b.transposed ? k : n, b.transposed)
      : left.matrix(at, a.transposed ? k : m, a.transposed ? m : k, !a.transposed);
    return Array.from({ length: lines }, (_, line) => {
      const own = flow.pick(value, placesOf({ offset: offset + line * stride, sizes: [k], strides: [along] }));
      return flow.make({ kind: 'matmul', x: own, weight, init: undefined }, weight.n, !isRow);
    });
  });
  const all = flow.concat(parts, !isRow);
  // Columns lie one after another, [batch, n, m].
  if (isLeft || n === 1 || m === 1) return all;
  return flow.pick(all, placesOf({ offset: 0, sizes: [count, m, n], strides: [m * n, 1, m] }));
}
