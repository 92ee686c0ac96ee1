import type { DType, ReduceOp } from '@rnn/core';
import type { Device, DeviceArray, DeviceKernel } from '../device.js';
import { binaryCode, returnCode } from './functions.js';
import { addTo, settleSum, startSum } from './sums.js';
import { divide } from './walk.js';

/** How many elements one element of a pass reduces. */
const BLOCK = 256;

/**
 * Reduces the middle dimension of `[outer, size, inner]`, in passes over blocks: a single loop over
 * a long line would leave all but a few of the device's processors idle.
 *
 * @param dtype - of `x`
 */
export function reduce(
  device: Device,
  op: ReduceOp,
  x: DeviceArray,
  dtype: DType,
  outer: number,
  size: number,
  inner: number,
): DeviceArray {
  if (op === 'argmax') return argmax(device, x, dtype, outer, size, inner);
  if (op === 'sum') return sum(device, x, dtype, outer, size, inner);
  let left = size;
  let array = x;
  do {
    const blocks = Math.ceil(left / BLOCK);
    const next = device.run(pass(device, op), outer * blocks * inner, [array], [left, inner, blocks]);
    if (array !== x) device.release(array);
    array = next;
    left = blocks;
  } while (left > 1);
  return array;
}

/** One pass over blocks of `[outer, size, inner]`. */
function pass(device: Device, op: 'max' | 'min'): DeviceKernel {
  return device.kernel(`reduce ${op}`, () => ({
    tensors: ['a'],
    ints: ['size', 'inner', 'blocks'],
    body: `
      let x = this.thread.x + 0.0;
      ${divide('x', 'inner', 'line', 'i')}
      ${divide('line', 'blocks', 'o', 'b')}
      let first = b * ${BLOCK}.0;
      let p = (o * size + first) * inner + i;
      let y = a[p];
      for (let k = 0; k < ${BLOCK}; k++) {
        if (first < size) {
          let v = a[p];
          ${binaryCode(op === 'max' ? 'maximum' : 'minimum', 'y', 'v', 'next')}
          y = next;
        }
        first += 1.0;
        p = p + inner;
      }
      return y;`,
  }));
}

/**
 * The sum of the middle dimension of `[outer, size, inner]`. A pass that is not the last one gives
 * two numbers for each block, the sum and what its rounding lost, both of which are terms of the
 * next pass: nothing is lost between passes.
 */
function sum(device: Device, x: DeviceArray, dtype: DType, outer: number, size: number, inner: number): DeviceArray {
  let left = size;
  let array = x;
  do {
    const blocks = Math.ceil(left / BLOCK);
    const parts = blocks === 1 ? 1 : 2;
    const kernel = sumPass(device, parts === 1 ? dtype : 'float32');
    const next = device.run(kernel, outer * blocks * parts * inner, [array], [left, inner, blocks, parts]);
    if (array !== x) device.release(array);
    array = next;
    left = blocks * parts;
  } while (left > 1);
  return array;
}

function sumPass(device: Device, dtype: DType): DeviceKernel {
  return device.kernel(`reduce sum ${dtype}`, () => ({
    tensors: ['a'],
    ints: ['size', 'inner', 'blocks', 'parts'],
    body: `
      let x = this.thread.x + 0.0;
      ${divide('x', 'inner', 'line', 'i')}
      ${divide('line', 'parts', 'block', 'part')}
      ${divide('block', 'blocks', 'o', 'b')}
      let first = b * ${BLOCK}.0;
      let p = (o * size + first) * inner + i;
      ${startSum('s')}
      for (let k = 0; k < ${BLOCK}; k++) {
        if (first < size) { ${addTo('s', 'a[p]')} }
        first += 1.0;
        p = p + inner;
      }
      ${settleSum('s')}
      if (part > 0.5) { s = sc; }
      ${returnCode(dtype, 's')}`,
  }));
}

/**
 * The first position of the largest value, or of a NaN: of each block, then of each block of these
 * positions, until one is left.
 */
function argmax(device: Device, x: DeviceArray, dtype: DType, outer: number, size: number, inner: number): DeviceArray {
  let left = size;
  let places: DeviceArray | undefined;
  do {
    const blocks = Math.ceil(left / BLOCK);
    const next = device.run(
      argmaxPass(device, dtype, places !== undefined),
      outer * blocks * inner,
      places === undefined ? [x] : [x, places],
      [size, inner, left, blocks, Math.min(left, BLOCK)],
    );
    if (places !== undefined) device.release(places);
    places = next;
    left = blocks;
  } while (left > 1);
  return places;
}

/** Candidates are all positions, or those that are left of the pass before. */
function argmaxPass(device: Device, dtype: DType, isLater: boolean): DeviceKernel {
  // In int32 a NaN is a number that is not known, and so the position is not known either.
  const unknown = dtype === 'int32' ? 'if (found > 0.5 && blocks < 1.5) { at = nan; }' : '';
  const place = isLater ? 'places[(o * left + candidate) * inner + i]' : 'candidate';
  return device.kernel(`argmax ${dtype}${isLater ? ' later' : ''}`, () => ({
    tensors: isLater ? ['a', 'places'] : ['a'],
    ints: ['size', 'inner', 'left', 'blocks', 'count'],
    body: `
      let x = this.thread.x + 0.0;
      ${divide('x', 'inner', 'line', 'i')}
      ${divide('line', 'blocks', 'o', 'b')}
      let candidate = b * ${BLOCK}.0;
      let at = ${place};
      let y = a[(o * size + at) * inner + i];
      let found = 0.0;
      for (let k = 0; k < count; k++) {
        if (candidate < left && found === 0) {
          let place = ${place};
          let v = a[(o * size + place) * inner + i];
          if (v > y) { y = v; at = place; }
          if (v < 0 || v >= 0) { found = 0.0; } else { at = place; found = 1.0; }
        }
        candidate += 1.0;
      }
      ${unknown}
      return at;`,
  }));
}
