import type { ReduceOp } from '@rnn/core';
import type { Device, DeviceArray } from '../device.js';
import { divide } from './walk.js';

/** How many elements one element of a pass reduces. */
const BLOCK = 256;

/**
 * Reduces the middle dimension of `[outer, size, inner]`, in passes over blocks: a single loop over a long line would leave the device idle but
 * for a few elements, and a running sum would lose digits.
 */
export function reduce(
  device: Device,
  op: ReduceOp,
  x: DeviceArray,
  outer: number,
  size: number,
  inner: number,
): DeviceArray {
  if (op === 'argmax') return argmax(device, x, outer, size, inner);
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

/** The first element of a block is taken as it is; a NaN stays where it is met. */
const steps: Readonly<Record<'max' | 'min', string>> = {
  max: 'if (v > y) { y = v; } if (v < 0 || v >= 0) { } else { y = v; hasNan = 1.0; }',
  min: 'if (v < y) { y = v; } if (v < 0 || v >= 0) { } else { y = v; hasNan = 1.0; }',
};

function pass(device: Device, op: 'sum' | 'max' | 'min'): ReturnType<Device['kernel']> {
  return device.kernel(`reduce ${op}`, () => ({
    tensors: ['a'],
    ints: ['size', 'inner', 'blocks'],
    body: `
      let x = this.thread.x + 0.0;
      ${divide('x', 'inner', 'line', 'i')}
      ${divide('line', 'blocks', 'o', 'b')}
      let first = b * ${BLOCK}.0;
      let p = (o * size + first) * inner + i;
      ${op === 'sum' ? SUM : extremeOf(op)}`,
  }));
}

const SUM = `
      let y = 0.0;
      let part = 0.0;
      for (let j = 0; j < 16; j++) {
        part = 0.0;
        for (let k = 0; k < 16; k++) {
          if (first < size) { part += a[p]; }
          first += 1.0;
          p = p + inner;
        }
        y += part;
      }
      return y;`;

function extremeOf(op: 'max' | 'min'): string {
  return `
      let y = a[p];
      let hasNan = 0.0;
      for (let k = 0; k < ${BLOCK}; k++) {
        if (first < size && hasNan === 0) {
          let v = a[p];
          ${steps[op]}
        }
        first += 1.0;
        p = p + inner;
      }
      return y;`;
}

/** The first position of the largest value, or of a NaN: of each block, then of each block of these positions, until one is left. */
function argmax(device: Device, x: DeviceArray, outer: number, size: number, inner: number): DeviceArray {
  let left = size;
  let places: DeviceArray | undefined;
  do {
    const blocks = Math.ceil(left / BLOCK);
    const next = device.run(
      argmaxPass(device, places !== undefined),
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
function argmaxPass(device: Device, isLater: boolean): ReturnType<Device['kernel']> {
  const place = isLater ? 'places[(o * left + candidate) * inner + i]' : 'candidate';
  return device.kernel(isLater ? 'argmax later' : 'argmax', () => ({
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
      return at;`,
  }));
}
