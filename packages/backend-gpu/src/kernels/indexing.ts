import type { DType, IndexSizes } from '@rnn/core';
import type { Device, DeviceArray } from '../device.js';
import { returnCode } from './functions.js';
import { addTo, settleSum, startSum } from './sums.js';
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
 * `result[o, index[o, c, i], i] += source[o, c, i]`. No two elements can be added to one place of
 * the memory at once, so each element of the result looks through all indices of its line.
 *
 * @param dtype - of `source`
 */
export function scatterAdd(
  device: Device,
  source: DeviceArray,
  dtype: DType,
  index: Index,
  sizes: IndexSizes,
): DeviceArray {
  const kernel = device.kernel(`scatterAdd ${dtype}`, () => ({
    tensors: ['source', 'index'],
    ints: NUMBERS,
    body: `
      let x = this.thread.x + 0.0;
      ${divide('x', 'inner', 'line', 'i')}
      ${divide('line', 'size', 'o', 'own')}
      ${startSum('s')}
      for (let k = 0; k < count; k++) {
        let pick = index[offset + o * outerStep + k * countStep + i * innerStep];
        if (pick === own) { ${addTo('s', 'source[(o * count + k) * inner + i]')} ${settleSum('s')} }
      }
      ${returnCode(dtype, 's')}`,
  }));
  return device.run(kernel, sizes.outer * sizes.size * sizes.inner, [source, index.array], numbersOf(sizes, index));
}
