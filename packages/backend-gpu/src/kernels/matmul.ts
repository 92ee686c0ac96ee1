import type { MatmulSizes } from '@rnn/core';
import type { Device, DeviceArray, DeviceKernel } from '../device.js';
import { copy } from './elementwise.js';
import { reduce } from './reduce.js';
import { addTo, marksOf, settleSum, startSum, UNROLLED } from './sums.js';
import { divide, rankOf, walkCode, walkNumbers } from './walk.js';

/** One side of a product: dense matrices. */
export interface Side {
  readonly array: DeviceArray;
  readonly batchStrides: readonly number[];
  readonly transposed: boolean;
}

/** Products longer than this are cut into pieces of this length, which are added up afterwards, */
const LONGEST = 512;
/**
 * where the pieces are at most this many elements: more than that keep every processor of a card
 * busy anyway.
 */
const MOST = 2 ** 16;

/**
 * The rows of a product from which on a right side that is stored transposed is turned first, if it
 * is not small. Neighbours among the elements of a product read neighbours in a row of the right
 * side; in a transposed one these are `k` apart, and a card fetches a whole line of its memory for
 * each: a product of 2048 x 2048 took five times as long.
 */
export const ROWS_WORTH_TURNING = 16;
const ELEMENTS_WORTH_TURNING = 4096;

/** Whether a right side of `k` x `n` is large enough to be turned. */
export function isWorthTurning(k: number, n: number): boolean {
  return k * n >= ELEMENTS_WORTH_TURNING;
}

/** Dense matrices `[n, k]`, one after another, as `[k, n]`. */
export function turned(device: Device, array: DeviceArray, k: number, n: number): DeviceArray {
  const walk = { array, offset: 0, strides: [n * k, 1, k] };
  return copy(device, walk, 'float32', 'float32', [array.size / (n * k), k, n]);
}

/** Batched matrix product. */
export function matmul(device: Device, a: Side, b: Side, sizes: MatmulSizes): DeviceArray {
  const { m, k, n } = sizes;
  if (!b.transposed || m < ROWS_WORTH_TURNING || !isWorthTurning(k, n)) return multiply(device, a, b, sizes);
  const array = turned(device, b.array, k, n);
  try {
    return multiply(device, a, { ...b, array, transposed: false }, sizes);
  } finally {
    device.release(array);
  }
}

function multiply(device: Device, a: Side, b: Side, { batch, m, k, n }: MatmulSizes): DeviceArray {
  const rank = batch.length === 0 ? 1 : rankOf(batch);
  const sizes = batch.length === 0 ? [1] : batch;
  const strides = (side: Side) => ({ offset: 0, strides: batch.length === 0 ? [0] : side.batchStrides });
  let size = m * n;
  for (const each of batch) size *= each;
  const cuts = Math.ceil(k / LONGEST);
  // Of a piece both the sum and what its rounding lost are handed on.
  const parts = cuts > 1 && 2 * cuts * size <= MOST ? 2 : 1;
  const pieces = parts === 2 ? cuts : 1;
  const length = Math.ceil(k / pieces);
  // Steps from row to row, from column to column, and along what is summed up, in either way of
  // storing a matrix.
  const [rowA, alongA] = a.transposed ? [1, m] : [k, 1];
  const [columnB, alongB] = b.transposed ? [k, 1] : [1, n];
  const numbers = [m, n, size, parts, k, length, rowA, alongA, columnB, alongB];
  const result = device.run(
    product(device, rank),
    size * pieces * parts,
    [a.array, b.array],
    [...numbers, ...walkNumbers(rank, sizes, [strides(a), strides(b)])],
  );
  if (pieces === 1) return result;
  const total = reduce(device, 'sum', result, 'float32', 1, pieces * parts, size);
  device.release(result);
  return total;
}

/** Adds the next `count` terms. */
function turn(count: number, name: string): string {
  const marks = marksOf(count, name);
  return [
    ...marks.map((mark) => `let x${mark} = a[p] * b[q]; p = p + alongA; q = q + alongB;`),
    ...marks.map((mark) => addTo('s', `x${mark}`, mark)),
  ].join(' ');
}

/** An element of a piece, or what its rounding lost. */
function product(device: Device, rank: number): DeviceKernel {
  return device.kernel(`matmul ${rank}`, () => {
    const { ints, code } = walkCode(rank, ['a', 'b'], 'matrix');
    return {
      tensors: ['a', 'b'],
      ints: ['m', 'n', 'size', 'parts', 'k', 'length', 'rowA', 'alongA', 'columnB', 'alongB', ...ints],
      body: `
        let x = this.thread.x + 0.0;
        ${divide('x', 'size', 'half', 'element')}
        ${divide('half', 'parts', 'piece', 'part')}
        ${divide('element', 'n', 'line', 'column')}
        ${divide('line', 'm', 'matrix', 'row')}
        ${code}
        let at = piece * length;
        let p = ap + row * rowA + at * alongA;
        let q = bp + column * columnB + at * alongB;
        let count = Math.min(length, k - at);
        let turns = Math.floor(count / ${UNROLLED}.0);
        let rest = count - turns * ${UNROLLED}.0;
        ${startSum('s')}
        for (let j = 0; j < turns; j++) { ${turn(UNROLLED, 'j')} }
        for (let i = 0; i < rest; i++) { ${turn(1, 'i')} }
        ${settleSum('s')}
        if (part > 0.5) { s = sc; }
        return s;`,
    };
  });
}
