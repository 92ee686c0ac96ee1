import type { MatmulSizes } from '@rnn/core';
import type { Device, DeviceArray, DeviceKernel } from '../device.js';
import { reduce } from './reduce.js';
import { divide, rankOf, walkCode, walkNumbers } from './walk.js';

/** One side of a product: dense matrices. */
export interface Side {
  readonly array: DeviceArray;
  readonly batchStrides: readonly number[];
  readonly transposed: boolean;
}

/** Products longer than this are cut into pieces of this length, which are added up afterwards. */
const LONGEST = 512;
/** Not where the pieces would take more than this many elements. */
const MOST = 2 ** 22;

/** Batched matrix product. */
export function matmul(device: Device, a: Side, b: Side, { batch, m, k, n }: MatmulSizes): DeviceArray {
  const rank = batch.length === 0 ? 1 : rankOf(batch);
  const sizes = batch.length === 0 ? [1] : batch;
  const strides = (side: Side) => ({ offset: 0, strides: batch.length === 0 ? [0] : side.batchStrides });
  let size = m * n;
  for (const each of batch) size *= each;
  const pieces = k > LONGEST && Math.ceil(k / LONGEST) * size <= MOST ? Math.ceil(k / LONGEST) : 1;
  const length = Math.ceil(k / pieces);
  // Steps from row to row, from column to column, and along what is summed up, in either way of storing a matrix.
  const [rowA, alongA] = a.transposed ? [1, m] : [k, 1];
  const [columnB, alongB] = b.transposed ? [k, 1] : [1, n];
  const numbers = [m, n, size, k, length, Math.ceil(length / 16), rowA, alongA, columnB, alongB];
  const result = device.run(
    product(device, rank),
    size * pieces,
    [a.array, b.array],
    [...numbers, ...walkNumbers(rank, sizes, [strides(a), strides(b)])],
  );
  if (pieces === 1) return result;
  const total = reduce(device, 'sum', result, 1, pieces, size);
  device.release(result);
  return total;
}

/** An element of a piece: sums of sixteen, added up; one running sum of many terms would lose digits. */
function product(device: Device, rank: number): DeviceKernel {
  return device.kernel(`matmul ${rank}`, () => {
    const { ints, code } = walkCode(rank, ['a', 'b'], 'matrix');
    return {
      tensors: ['a', 'b'],
      ints: ['m', 'n', 'size', 'k', 'length', 'blocks', 'rowA', 'alongA', 'columnB', 'alongB', ...ints],
      body: `
        let x = this.thread.x + 0.0;
        ${divide('x', 'size', 'piece', 'element')}
        ${divide('element', 'n', 'line', 'column')}
        ${divide('line', 'm', 'matrix', 'row')}
        ${code}
        let at = piece * length;
        let end = Math.min(at + length, k);
        let p = ap + row * rowA + at * alongA;
        let q = bp + column * columnB + at * alongB;
        let total = 0.0;
        let part = 0.0;
        for (let j = 0; j < blocks; j++) {
          part = 0.0;
          for (let i = 0; i < 16; i++) {
            if (at < end) { part += a[p] * b[q]; }
            at += 1.0;
            p = p + alongA;
            q = q + alongB;
          }
          total += part;
        }
        return total;`,
    };
  });
}
