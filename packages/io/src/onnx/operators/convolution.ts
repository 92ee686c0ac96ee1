/**
 * Convolutions as matrix products: for each place of the window a strided slice of the input, all
 * of them side by side as columns.
 *
 *     y[n, m, l] = Σ_c Σ_k W[m, c, k] x[n, c, l·stride + k·dilation]
 */
import { add, matmul, mul, sizeOf, stack, zeros, type Tensor } from '@rnn/core';
import type { Node } from '../node.js';
import { needed } from '../operator.js';
import type { Kernel } from '../plan.js';
import { device } from './common.js';
import { padding, views, windowsOf, windowAttributes, type Steps } from './windows.js';

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
      checkWeight(node, x, weight, groups, weight.shape[1] * groups);
      const windows = windowsOf(node, x.shape.slice(2), weight.shape.slice(2));
      const sizes = windows.map((window) => window.count);
      const padded = windows.reduce((t, { before, behind }, i) => padding(t, i + 2, before, behind, 0), x);
      const [batch, filters] = [x.shape[0], weight.shape[0]];
      const y = convolved(padded, weight, windows, sizes, groups).reshape([batch, filters, ...sizes]);
      return device(needed(node, inputs, 0).type, withBias(y, bias));
    },
  };
}

/**
 * The transpose of a convolution: every place of x adds the weight, scaled by it, to the places of
 * a window of y. As a convolution: `stride - 1` zeros between the places of x, and the weight
 * turned around.
 */
export function transposedConvolution(node: Node): Kernel {
  const groups = node.int('group', 1);
  return {
    run(inputs, around) {
      const { backend } = around;
      const value = needed(node, inputs, 0);
      const [x, weight, bias] = [value.on(backend), needed(node, inputs, 1).on(backend), inputs[2]?.on(backend)];
      checkWeight(node, x, weight, groups, weight.shape[0]);
      const [spatial, kernel] = [x.shape.slice(2), weight.shape.slice(2)];
      const { strides, dilations, pads, auto } = windowAttributes(node, spatial.length, kernel);
      const extra = node.ints('output_padding') ?? spatial.map(() => 0);
      const wanted = node.ints('output_shape');
      let spread = x;
      const sizes = spatial.map((length, i) => {
        const reach = (kernel[i] - 1) * dilations[i];
        const whole = (length - 1) * strides[i] + reach + 1 + extra[i];
        let [before, behind] = [pads[i], pads[i + spatial.length]];
        if (wanted !== undefined || auto.startsWith('SAME')) {
          const total = whole - (wanted?.slice(-spatial.length)[i] ?? length * strides[i]);
          const less = Math.floor(total / 2);
          [before, behind] = auto === 'SAME_UPPER' ? [less, total - less] : [total - less, less];
        }
        spread = padding(apart(spread, i + 2, strides[i]), i + 2, reach - before, reach - behind + extra[i], 0);
        return whole - before - behind;
      });
      const [channels, perGroup] = weight.shape;
      const filters = perGroup * groups;
      // [C, M / groups, ...] -> [M, C / groups, ...], each window from its end.
      const byGroups = weight.reshape([groups, channels / groups, perGroup, ...kernel]).transpose(1, 2);
      const turned = kernel.reduce(
        (t, _, i) => t.flip(i + 2),
        byGroups.reshape([filters, channels / groups, ...kernel]),
      );
      const windows = kernel.map((size, i) => ({ size, stride: 1, dilation: dilations[i] }));
      const y = convolved(spread, turned, windows, sizes, groups).reshape([x.shape[0], filters, ...sizes]);
      return device(value.type, withBias(y, bias));
    },
  };
}

function withBias(y: Tensor, bias: Tensor | undefined): Tensor {
  return bias === undefined ? y : add(y, bias.reshape([bias.size, ...y.shape.slice(2).fill(1)]));
}

/** Refuses a weight that is not made for x: one of groups, and of so many channels. */
function checkWeight(node: Node, x: Tensor, weight: Tensor, groups: number, channels: number): void {
  if (x.rank < 3 || weight.rank !== x.rank || x.shape[1] !== channels || weight.shape[0] % groups !== 0)
    node.fail(`[${x.shape.join(', ')}] and the weight [${weight.shape.join(', ')}] of ${groups} groups do not fit`);
}

/** Zeros between the places of a dimension. */
function apart(x: Tensor, axis: number, stride: number): Tensor {
  if (stride === 1) return x;
  const [outer, length, inner] = [x.shape.slice(0, axis), x.shape[axis], x.shape.slice(axis + 1)];
  const rows = padding(x.reshape([...outer, length, 1, ...inner]), axis + 1, 0, stride - 1, 0);
  return rows.reshape([...outer, length * stride, ...inner]).slice(axis, 0, (length - 1) * stride + 1);
}

/** The way that moves the least data. */
function convolved(
  x: Tensor,
  weight: Tensor,
  windows: readonly Steps[],
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
  const whole = padding(x, 2, 0, blocks * stride - length, 0).reshape([batch, channels, blocks, stride]);
  const inner = channels * stride;
  const phases = whole.transpose(2, 3).reshape([batch, inner, blocks]);
  const factors = padding(weight, 2, 0, taps * stride - places, 0).reshape([filters, channels, taps, stride]);
  const kernel = factors.transpose(2, 3).reshape([filters, inner, taps]);
  return product(phases, kernel, [{ size: taps, stride: 1, dilation: 1 }], sizes, 1);
}

function product(
  x: Tensor,
  weight: Tensor,
  windows: readonly Steps[],
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
function depthwise(x: Tensor, weight: Tensor, windows: readonly Steps[], sizes: readonly number[]): Tensor {
  const [channels] = weight.shape;
  const factors = weight.reshape([channels, weight.size / channels]);
  const ones = sizes.map(() => 1);
  const terms = views(x, windows, sizes).map((t, k) => mul(t, factors.slice(1, k, k + 1).reshape([channels, ...ones])));
  return terms.reduce((a, b) => add(a, b));
}
