/** Normalisations: by the values themselves, or by the statistics of a training. */
import { add, mul, sizeOf, type Tensor } from '@rnn/core';
import { layerNorm } from '@rnn/nn';
import type { Node } from '../node.js';
import { needed, type Operator, type Operators } from '../operator.js';
import type { Kernel } from '../plan.js';
import { Value } from '../value.js';
import { axisOf, device } from './common.js';

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

/**
 * The places of each channel, or of each group of channels, brought to mean 0 and variance 1. Scale
 * and bias are those of channels; in version 18 of GroupNormalization those of groups.
 */
function groupNormalization(node: Node, groups?: number): Kernel {
  const eps = node.float('epsilon', 1e-5);
  return {
    run(inputs, around) {
      const value = needed(node, inputs, 0);
      const x = value.on(around.backend);
      const [batch, channels] = x.shape;
      const count = groups ?? channels;
      if (channels % count !== 0) node.fail(`${channels} channels do not make ${count} groups`);
      const places = sizeOf(x.shape.slice(2));
      const size = (channels / count) * places;
      const normal = layerNorm(x.reshape([batch, count, size]), [size], { eps });
      const [scale, bias] = [1, 2].map((i) => needed(node, inputs, i).on(around.backend));
      // By channels, or by groups: whichever they have one number for.
      const shape = scale.size === count ? normal.shape : [batch, channels, places];
      const y = add(mul(normal.reshape(shape), scale.reshape([-1, 1])), bias.reshape([-1, 1]));
      return device(value.type, y.reshape(x.shape));
    },
  };
}

export const normalisation: Operators = {
  BatchNormalization: batchNormalization,
  LayerNormalization: layerNormalization,
  RMSNormalization: rmsNormalization,
  InstanceNormalization: (node) => groupNormalization(node),
  GroupNormalization: (node) => groupNormalization(node, node.int('num_groups') ?? node.fail('num_groups is missing')),
};
