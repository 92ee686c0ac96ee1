import type { IndexSizes } from '@rnn/core';
import type { Device, DeviceArray } from '../device.js';
import { divide, type Strides } from './walk.js';

/** An index array and how it is walked over `[outer, count, inner]`. */
export type Index = Strides & { readonly array: DeviceArray };

const NUMBERS = ['size', 'inner', 'count', 'offset', 'outerStep', 'countStep', 'innerStep'];

function numbersOf({ size, inner, count }: IndexSizes, { offset, strides }: Index): number[] {
  return [size, inner, count, offset, ...strides];
}

/** `result[o, c, i] = x[o, index[o, c, i], i]`. */
export function gather(device: Device, x: DeviceArray, index: Index, sizes: IndexSizes): DeviceArray {
  const kernel = device.kernel('gather', () => ({
    tensors: ['a', 'index'],
    ints: NUMBERS,
    body: `
      let x = this.thread.x + 0.0;
      ${divide('x', 'inner', 'line', 'i')}
      ${divide('line', 'count', 'o', 'c')}
      let pick = index[offset + o * outerStep + c * countStep + i * innerStep];
      return a[(o * size + pick) * inner + i];`,
  }));
  return device.run(kernel, sizes.outer * sizes.count * sizes.inner, [x, index.array], numbersOf(sizes, index));
}

/**
 * `result[o, index[o, c, i], i] += source[o, c, i]`. Nothing can be added to memory that other elements write to, so each element of the
 * result looks through all indices of its line.
 */
export function scatterAdd(device: Device, source: DeviceArray, index: Index, sizes: IndexSizes): DeviceArray {
  const kernel = device.kernel('scatterAdd', () => ({
    tensors: ['source', 'index'],
    ints: NUMBERS,
    // sums of sixteen blocks' worth at a time: a running total of many terms would lose digits
    body: `
      let x = this.thread.x + 0.0;
      ${divide('x', 'inner', 'line', 'i')}
      ${divide('line', 'size', 'o', 's')}
      let total = 0.0;
      let part = 0.0;
      let terms = 0.0;
      for (let k = 0; k < count; k++) {
        let pick = index[offset + o * outerStep + k * countStep + i * innerStep];
        if (pick === s) {
          part += source[(o * count + k) * inner + i];
          terms += 1.0;
          if (terms >= 64.0) { total += part; part = 0.0; terms = 0.0; }
        }
      }
      return total + part;`,
  }));
  return device.run(kernel, sizes.outer * sizes.size * sizes.inner, [source, index.array], numbersOf(sizes, index));
}
