/**
 * Numbers on the host. Shapes, axes, counts and other small whole numbers of a graph never go to a
 * device: they decide what is computed, so they are needed here. All are JavaScript numbers; whole
 * ones are exact to 2^53, and what lies beyond (the "to the end" of slices) only says that it is
 * large.
 */
import { sizeOf, type Shape } from '@rnn/core';
import type { ElementType } from './element-types.js';

export interface HostArray {
  readonly type: ElementType;
  readonly shape: Shape;
  /** In row-major order. */
  readonly numbers: ArrayLike<number>;
}

/** More numbers than that are for a device. */
export const HOST_LIMIT = 65_536;

/** Strides of a dense array. */
export function denseStrides(shape: Shape): number[] {
  const strides = shape.slice();
  for (let i = shape.length - 1, step = 1; i >= 0; step *= shape[i--]) strides[i] = step;
  return strides;
}

/** Strides with which an array is walked when it is broadcast to a shape. */
export function broadcastStrides(shape: Shape, target: Shape): number[] {
  const dense = denseStrides(shape);
  const lead = target.length - shape.length;
  return target.map((_, i) => (i < lead || shape[i - lead] === 1 ? 0 : dense[i - lead]));
}

/** Calls a function with the place of each element of a walk, in row-major order. */
export function walk(shape: Shape, strides: readonly number[], offset: number, visit: (at: number) => void): void {
  const size = sizeOf(shape);
  const index = shape.map(() => 0);
  let at = offset;
  for (let i = 0; i < size; i++) {
    visit(at);
    for (let dim = shape.length - 1; dim >= 0; dim--) {
      at += strides[dim];
      if (++index[dim] < shape[dim]) break;
      at -= strides[dim] * shape[dim];
      index[dim] = 0;
    }
  }
}

/** The elements of a walk over an array, as an array of that shape. */
export function walked(x: HostArray, shape: Shape, strides: readonly number[], offset = 0): HostArray {
  const numbers: number[] = [];
  walk(shape, strides, offset, (at) => numbers.push(x.numbers[at]));
  return { type: x.type, shape, numbers };
}

/** An array broadcast to a shape. */
export function expanded(x: HostArray, shape: Shape): HostArray {
  return walked(x, shape, broadcastStrides(x.shape, shape));
}
