/** Matrix products, convolutions, and normalisations with the statistics of a training. */
import { add, concat, indexSelect, fromData, full, linear, matmul, mul, type Tensor } from '@rnn/core';
import { layerNorm } from '@rnn/nn';
import type { Node } from '../node.js';
import { needed, wholeNumbers, type Operator, type Operators } from '../operator.js';
import type { Kernel } from '../plan.js';
import { Value } from '../value.js';
import { axesOf, axisOf, device, staysOnHost } from './common.js';
import { convolution } from './convolution.js';

const matrixProduct: Operator = (node) => ({
  run(inputs, around) {
    const [a, b] = [needed(node, inputs, 0), needed(node, inputs, 1)];
    return device(a.type, matmul(a.on(around.backend), b.on(around.backend)));
  },
});

/** alpha A B + beta C, where A and B may be transposed. */
const gemm: Operator = (node) => {
  const [alpha, beta] = [node.float('alpha', 1), node.float('beta', 1)];
  const [transposeA, transposeB] = [node.flag('transA'), node.flag('transB')];
  return {
    run(inputs, around) {
      const { backend } = around;
      const [a, b, c] = [
        needed(node, inputs, 0).on(backend),
        needed(node, inputs, 1).on(backend),
        inputs[2]?.on(backend),
      ];
      const { type } = needed(node, inputs, 0);
      const isAffine = alpha === 1 && beta === 1 && !transposeA && transposeB;
      if (isAffine && (c === undefined || (c.rank === 1 && c.size === b.shape[0])))
        return device(type, linear(a, b, c));
      const product = matmul(a, b, { transposeA, transposeB });
      const scaled = alpha === 1 ? product : mul(product, alpha);
      if (c === undefined || beta === 0) return device(type, scaled);
      return device(type, add(scaled, beta === 1 ? c : mul(c, beta)));
    },
  };
};

/** (x - mean) / sqrt(variance + epsilon) · scale + bias, for each channel. */
function batchNormalization(node: Node): Kernel {
  if (node.flag('training_mode')) node.fail('training_mode is set, expected inference with stored statistics');
  if (node.opset < 9 && !node.int('spatial', 1))
    node.fail('statistics of single activations (spatial = 0) are not supported');
  const epsilon = node.float('epsilon', 1e-5);
  return {
    run(inputs, around) {
      const [x, scale, bias, average, variance] = [0, 1, 2, 3, 4].map((i) =>
        needed(node, inputs, i).on(around.backend),
      );
      const factor = scale.div(variance.add(epsilon).sqrt());
      const channels = [factor.size, ...new Array<number>(Math.max(x.rank - 2, 0)).fill(1)];
      const summand = bias.sub(average.mul(factor));
      return device(needed(node, inputs, 0).type, x.mul(factor.reshape(channels)).add(summand.reshape(channels)));
    },
  };
}

/**
 * The dimensions from an axis on brought to mean 0 and variance 1; also the statistics, where they
 * are asked for.
 */
function layerNormalization(node: Node): Kernel {
  const eps = node.float('epsilon', 1e-5);
  return {
    run(inputs, around) {
      const { backend } = around;
      const value = needed(node, inputs, 0);
      const x = value.on(backend);
      const axis = axisOf(node, node.int('axis', -1), x.rank);
      const shape = x.shape.slice(axis);
      const [scale, bias] = [needed(node, inputs, 1).on(backend), inputs[2]?.on(backend)];
      const fits = (t: Tensor | undefined): boolean =>
        t === undefined || (t.rank === shape.length && t.shape.every((size, i) => size === shape[i]));
      const result =
        fits(scale) && fits(bias)
          ? layerNorm(x, shape, { weight: scale, bias, eps })
          : [scale, bias].reduce<Tensor>(
              (y, t, i) => (t === undefined ? y : i === 0 ? mul(y, t) : add(y, t)),
              layerNorm(x, shape, { eps }),
            );
      if (node.outputs.length === 1) return device(value.type, result);
      const dims = shape.map((_, i) => axis + i);
      const average = x.mean(dims, true);
      const deviation = x.sub(average).square().mean(dims, true).add(eps).sqrt().reciprocal();
      return [result, average, deviation].map((t) => Value.device(value.type, t));
    },
  };
}

/** x / sqrt(mean(x²) + epsilon) · scale over the dimensions from an axis on. */
const rmsNormalization: Operator = (node) => ({
  run(inputs, around) {
    const [value, scale] = [needed(node, inputs, 0), needed(node, inputs, 1)];
    const x = value.on(around.backend);
    const axis = axisOf(node, node.int('axis', -1), x.rank);
    const dims = x.shape.slice(axis).map((_, i) => axis + i);
    const size = x.square().mean(dims, true).add(node.float('epsilon', 1e-5)).sqrt();
    return device(value.type, x.div(size).mul(scale.on(around.backend)));
  },
});

/** Where each place of a padded dimension comes from. */
const sources: Readonly<Record<string, (i: number, size: number) => number>> = {
  edge: (i, size) => Math.min(Math.max(i, 0), size - 1),
  wrap: (i, size) => ((i % size) + size) % size,
  reflect(i, size) {
    const period = Math.max(2 * (size - 1), 1);
    const at = ((i % period) + period) % period;
    return at < size ? at : period - at;
  },
};

/** Places before and behind a dimension; negative numbers cut it. */
function pad(node: Node): Kernel {
  const mode = node.choice('mode', 'constant', ['constant', 'reflect', 'edge', 'wrap']);
  return {
    onHost: [1, 2, 3],
    run(inputs, around) {
      const { backend } = around;
      const x = needed(node, inputs, 0);
      const pads = wholeNumbers(inputs, 1) ?? node.ints('pads') ?? node.fail('the pads are missing');
      const filling = inputs[2]?.host.numbers[0] ?? node.float('value', 0);
      const axes =
        axesOf(node, inputs, 3)?.map((axis) => axisOf(node, axis, x.shape.length)) ?? x.shape.map((_, i) => i);
      if (pads.length !== 2 * axes.length) node.fail(`${pads.length} pads for ${axes.length} dimensions`);
      let result = x.on(backend);
      axes.forEach((axis, i) => {
        const [before, behind] = [pads[i], pads[i + axes.length]];
        if (before === 0 && behind === 0) return;
        const size = result.shape[axis];
        if (mode === 'constant') {
          const cut = result.slice(axis, Math.max(0, -before), size + Math.min(0, behind));
          const extra = (count: number): Tensor[] =>
            count <= 0
              ? []
              : [
                  full(
                    cut.shape.map((s, dim) => (dim === axis ? count : s)),
                    filling,
                    { dtype: cut.dtype, backend: cut.backend },
                  ),
                ];
          result = concat([...extra(before), cut, ...extra(behind)], axis);
          return;
        }
        const places = Int32Array.from({ length: Math.max(0, before + size + behind) }, (_, at) =>
          sources[mode](at - before, size),
        );
        result = indexSelect(result, axis, fromData(places, [places.length], { dtype: 'int32', backend }));
      });
      return device(x.type, result);
    },
  };
}

/** The mean of all places of each channel. */
const globalAverage: Operator = (node) => ({
  run(inputs, around) {
    const x = needed(node, inputs, 0);
    const dims = x.shape.slice(2).map((_, i) => i + 2);
    return device(x.type, x.on(around.backend).mean(dims, true));
  },
});

/** A triangle of matrices: what lies on the other side of a diagonal becomes 0. */
const triangle: Operator = (node) => ({
  onHost: [1],
  run(inputs, around) {
    const x = needed(node, inputs, 0);
    const [rows, columns] = x.shape.slice(-2);
    const k = wholeNumbers(inputs, 1)?.[0] ?? 0;
    const isUpper = node.int('upper', 1) !== 0;
    const keeps = (row: number, column: number): boolean => (isUpper ? column - row >= k : column - row <= k);
    const marks = Array.from({ length: rows * columns }, (_, i) => Number(keeps(Math.floor(i / columns), i % columns)));
    const mask = Value.host({ type: x.type, shape: [rows, columns], numbers: marks });
    if (staysOnHost([x], x.size)) {
      const { numbers } = x.host;
      return [
        Value.host({ ...x.host, numbers: Array.from(numbers, (n, i) => (marks[i % marks.length] === 0 ? 0 : n)) }),
      ];
    }
    return device(x.type, mul(x.on(around.backend), mask.on(around.backend)));
  },
});

export const products: Operators = {
  MatMul: matrixProduct,
  Gemm: gemm,
  Conv: convolution,
  Pad: pad,
  BatchNormalization: batchNormalization,
  LayerNormalization: layerNormalization,
  RMSNormalization: rmsNormalization,
  GlobalAveragePool: globalAverage,
  Trilu: triangle,
};
