/** Windows that move over dimensions: what convolutions and pools have in common. */
import { concat, full, type Tensor } from '@rnn/core';
import type { Node } from '../node.js';

/** How the places of one dimension of a window lie. */
export interface Steps {
  readonly size: number;
  readonly stride: number;
  readonly dilation: number;
}

/** What one dimension of a window does. */
export interface Window extends Steps {
  /** Places that are added to the dimension. */
  readonly before: number;
  readonly behind: number;
  /** Places behind those that only `ceil_mode` adds. */
  readonly over: number;
  /** In how many places the window stands. */
  readonly count: number;
}

interface WindowAttributes {
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly pads: readonly number[];
  readonly auto: 'NOTSET' | 'VALID' | 'SAME_UPPER' | 'SAME_LOWER';
}

export function windowAttributes(node: Node, rank: number, kernel: readonly number[]): WindowAttributes {
  const ones = new Array<number>(rank).fill(1);
  const shape = node.ints('kernel_shape') ?? kernel;
  if (shape.length !== kernel.length || shape.some((size, i) => size !== kernel[i]))
    node.fail(`kernel_shape is [${shape.join(', ')}], the weight has [${kernel.join(', ')}]`);
  const [strides, dilations] = [node.ints('strides') ?? ones, node.ints('dilations') ?? ones];
  const auto = node.choice('auto_pad', 'NOTSET', ['NOTSET', 'VALID', 'SAME_UPPER', 'SAME_LOWER']);
  const none = [...ones, ...ones].fill(0);
  const pads = (auto === 'NOTSET' ? node.ints('pads') : none) ?? none;
  if (
    strides.length !== rank ||
    dilations.length !== rank ||
    pads.length !== 2 * rank ||
    kernel.length !== rank ||
    [...strides, ...dilations, ...kernel].some((n) => n < 1)
  ) {
    node.fail(`strides, dilations and pads do not fit ${rank} dimensions`);
  }
  return { strides, dilations, pads, auto };
}

/**
 * A window of a size over dimensions, by a node's attributes. With `ceil_mode` it may stand over
 * the end.
 */
export function windowsOf(node: Node, spatial: readonly number[], kernel: readonly number[]): Window[] {
  const rank = spatial.length;
  const { strides, dilations, pads, auto } = windowAttributes(node, rank, kernel);
  const isOver = node.flag('ceil_mode');
  return spatial.map((length, i) => {
    const [size, stride, dilation] = [kernel[i], strides[i], dilations[i]];
    const reach = (size - 1) * dilation;
    let [before, behind] = [pads[i], pads[i + rank]];
    if (auto.startsWith('SAME')) {
      const total = Math.max(0, (Math.ceil(length / stride) - 1) * stride + reach + 1 - length);
      const less = Math.floor(total / 2);
      [before, behind] = auto === 'SAME_UPPER' ? [less, total - less] : [total - less, less];
    }
    const free = before + length + behind - reach - 1;
    if (free + stride < 0) node.fail(`the window is larger than the input [${spatial.join(', ')}]`);
    let count = Math.max(0, (isOver ? Math.ceil(free / stride) : Math.floor(free / stride)) + 1);
    // One that would only see what is added behind does not count.
    if (isOver && (count - 1) * stride >= before + length) count--;
    const over = Math.max(0, (count - 1) * stride + reach + 1 - before - length - behind);
    return { size, stride, dilation, before, behind, over, count };
  });
}

/** A dimension with places added at its ends, or with negative numbers cut. */
export function padding(x: Tensor, axis: number, before: number, behind: number, filling: number): Tensor {
  if (before === 0 && behind === 0) return x;
  const { dtype, backend, shape } = x;
  const none = (count: number): Tensor[] =>
    count <= 0
      ? []
      : [
          full(
            shape.map((size, i) => (i === axis ? count : size)),
            filling,
            { dtype, backend },
          ),
        ];
  const cut = x.slice(axis, Math.max(0, -before), shape[axis] + Math.min(0, behind));
  return concat([...none(before), cut, ...none(behind)], axis);
}

/**
 * What each place of the window sees: `[N, C, ...sizes]` each, in the order of the weight's places.
 */
export function views(x: Tensor, windows: readonly Steps[], sizes: readonly number[]): Tensor[] {
  return windows.reduce<Tensor[]>(
    (tensors, { size, stride, dilation }, i) =>
      tensors.flatMap((t) =>
        Array.from({ length: size }, (_, k) => {
          const from = k * dilation;
          return size === 1 && stride === 1 ? t : t.slice(i + 2, from, from + (sizes[i] - 1) * stride + 1, stride);
        }),
      ),
    [x],
  );
}
