/**
 * Convolutions as matrix products: for each place of the window a strided slice of the input, all
 * of them side by side as columns.
 *
 *     y[n, m, l] = Σ_c Σ_k W[m, c, k] x[n, c, l·stride + k·dilation]
 */
import { add, concat, matmul, mul, sizeOf, stack, zeros, type Tensor } from '@rnn/core';
import type { Node } from '../node.js';
import { needed } from '../operator.js';
import type { Kernel } from '../plan.js';
import { device } from './common.js';

/** What one dimension of a window does. */
interface Window {
  readonly size: number;
  readonly stride: number;
  readonly dilation: number;
  readonly before: number;
  readonly behind: number;
}

export function convolution(node: Node): Kernel {
  const groups = node.int('group', 1);
  return {
    run(inputs, around) {
      const { backend } = around;
      const [x, weight, bias] = [
        needed(node, inputs, 0).on(backend),
        needed(node, inputs, 1).on(backend),
        inputs[2]?.on(backend),
      ];
      if (
        x.rank < 3 ||
        weight.rank !== x.rank ||
        x.shape[1] !== weight.shape[1] * groups ||
        weight.shape[0] % groups !== 0
      ) {
        node.fail(`[${x.shape.join(', ')}] and the weight [${weight.shape.join(', ')}] of ${groups} groups do not fit`);
      }
      const windows = windowsOf(node, x.shape.slice(2), weight.shape.slice(2));
      const padded = windows.reduce((t, window, i) => padding(t, i + 2, window), x);
      const sizes = windows.map(
        (w, i) => Math.floor((padded.shape[i + 2] - (w.size - 1) * w.dilation - 1) / w.stride) + 1,
      );
      if (sizes.some((size) => size < 0)) node.fail(`the window is larger than the input [${x.shape.join(', ')}]`);
      const [batch, filters] = [x.shape[0], weight.shape[0]];
      const result = convolved(padded, weight, windows, sizes, groups);
      const shaped = result.reshape([batch, filters, ...sizes]);
      const y = bias === undefined ? shaped : add(shaped, bias.reshape([filters, ...sizes.map(() => 1)]));
      return device(needed(node, inputs, 0).type, y);
    },
  };
}

/** The way that moves the least data. */
function convolved(
  x: Tensor,
  weight: Tensor,
  windows: readonly Window[],
  sizes: readonly number[],
  groups: number,
): Tensor {
  const [channels] = weight.shape;
  if (sizes.includes(0)) return zeros([x.shape[0], channels, ...sizes], { dtype: x.dtype, backend: x.backend });
  if (groups > 1 && groups === x.shape[1] && channels === groups) return depthwise(x, weight, windows, sizes);
  const [{ size, stride, dilation }] = windows;
  const isLong = size >= FEW && size >= 2 * stride;
  return groups === 1 && windows.length === 1 && stride > 1 && dilation === 1 && isLong
    ? byPhases(x, weight, stride, sizes)
    : product(x, weight, windows, sizes, groups);
}

/** As many slices of the input cost less than moving it once more. */
const FEW = 8;

/**
 * A long window that moves by `stride`: blocks of `stride` places become channels, so that the
 * window is only as long as it has blocks and moves by one. That is one transposition instead of a
 * slice for each place (a short-time Fourier transform has hundreds).
 */
function byPhases(x: Tensor, weight: Tensor, stride: number, sizes: readonly number[]): Tensor {
  const [batch, channels, length] = x.shape;
  const [filters, , places] = weight.shape;
  const taps = Math.ceil(places / stride);
  const blocks = sizes[0] - 1 + taps;
  const whole = fitted(x, blocks * stride, length).reshape([batch, channels, blocks, stride]);
  const inner = channels * stride;
  const phases = whole.transpose(2, 3).reshape([batch, inner, blocks]);
  const factors = fitted(weight, taps * stride, places).reshape([filters, channels, taps, stride]);
  const window: Window = { size: taps, stride: 1, dilation: 1, before: 0, behind: 0 };
  return product(phases, factors.transpose(2, 3).reshape([filters, inner, taps]), [window], sizes, 1);
}

/** The last dimension cut, or lengthened by zeros. */
function fitted(x: Tensor, length: number, before: number): Tensor {
  if (length === before) return x;
  if (length < before) return x.slice(2, 0, length);
  return padding(x, 2, { size: 1, stride: 1, dilation: 1, before: 0, behind: length - before });
}

function windowsOf(node: Node, spatial: readonly number[], kernel: readonly number[]): Window[] {
  const ones = spatial.map(() => 1);
  const shape = node.ints('kernel_shape') ?? kernel;
  if (shape.some((size, i) => size !== kernel[i]))
    node.fail(`kernel_shape is [${shape.join(', ')}], the weight has [${kernel.join(', ')}]`);
  const [strides, dilations] = [node.ints('strides') ?? ones, node.ints('dilations') ?? ones];
  const pads = node.ints('pads') ?? [...ones, ...ones].fill(0);
  const auto = node.choice('auto_pad', 'NOTSET', ['NOTSET', 'VALID', 'SAME_UPPER', 'SAME_LOWER']);
  const rank = spatial.length;
  if (
    strides.length !== rank ||
    dilations.length !== rank ||
    pads.length !== 2 * rank ||
    [...strides, ...dilations].some((n) => n < 1)
  ) {
    node.fail(`strides, dilations and pads do not fit ${rank} dimensions`);
  }
  return spatial.map((length, i) => {
    const [size, stride, dilation] = [kernel[i], strides[i], dilations[i]];
    const window = { size, stride, dilation, before: pads[i], behind: pads[i + rank] };
    if (auto === 'NOTSET') return window;
    if (auto === 'VALID') return { ...window, before: 0, behind: 0 };
    const total = Math.max(0, (Math.ceil(length / stride) - 1) * stride + (size - 1) * dilation + 1 - length);
    const less = Math.floor(total / 2);
    return auto === 'SAME_UPPER'
      ? { ...window, before: less, behind: total - less }
      : { ...window, before: total - less, behind: less };
  });
}

function padding(x: Tensor, axis: number, { before, behind }: Window): Tensor {
  if (before === 0 && behind === 0) return x;
  const { dtype, backend } = x;
  const none = (count: number): Tensor[] => {
    if (count === 0) return [];
    const shape = x.shape.map((size, i) => (i === axis ? count : size));
    return [zeros(shape, { dtype, backend })];
  };
  return concat([...none(before), x, ...none(behind)], axis);
}

/**
 * What each place of the window sees: `[N, C, ...sizes]` each, in the order of the weight's places.
 */
function views(x: Tensor, windows: readonly Window[], sizes: readonly number[]): Tensor[] {
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

function product(
  x: Tensor,
  weight: Tensor,
  windows: readonly Window[],
  sizes: readonly number[],
  groups: number,
): Tensor {
  const [batch, channels] = x.shape;
  const length = sizeOf(sizes);
  const all = views(x, windows, sizes).map((t) => t.reshape([batch, channels, length]));
  const places = all.length;
  const inner = (channels / groups) * places;
  // [N, C, K, L]: channels and places of the window in the order of the weight's own.
  const columns = places === 1 ? all[0] : stack(all, 2);
  if (groups === 1) return matmul(weight.reshape([weight.shape[0], inner]), columns.reshape([batch, inner, length]));
  const filters = weight.shape[0] / groups;
  return matmul(weight.reshape([groups, filters, inner]), columns.reshape([batch, groups, inner, length]));
}

/** One filter a channel: no product of matrices, but a sum of scaled slices. */
function depthwise(x: Tensor, weight: Tensor, windows: readonly Window[], sizes: readonly number[]): Tensor {
  const [channels] = weight.shape;
  const factors = weight.reshape([channels, weight.size / channels]);
  const ones = sizes.map(() => 1);
  const terms = views(x, windows, sizes).map((t, k) => mul(t, factors.slice(1, k, k + 1).reshape([channels, ...ones])));
  return terms.reduce((a, b) => add(a, b));
}
