/** Reductions, positions, order and running sums. */
import {
  abs,
  amax,
  amin,
  arange,
  argmax,
  argmin,
  cumsum,
  eq,
  fromData,
  full,
  gather,
  log,
  logSoftmax,
  logsumexp,
  mean,
  prod,
  softmax,
  sqrt,
  square,
  sum,
  type Tensor,
} from '@rnn/core';
import { isReal } from '../element-types.js';
import { denseStrides, walk } from '../host-array.js';
import type { Node } from '../node.js';
import { needed, wholeNumbers, type Operator, type Operators } from '../operator.js';
import type { Kernel } from '../plan.js';
import { Value } from '../value.js';
import { axesOf, axisOf, device, staysOnHost } from './common.js';

type Reduction = (x: Tensor, dims: readonly number[], keepDims: boolean) => Tensor;

/**
 * A reduction over some axes: all of them where none is named, unless the node says that then
 * nothing is done.
 */
function reduction(onDevice: Reduction, onHost: (numbers: readonly number[]) => number): Operator {
  return (node) => ({
    onHost: [1],
    run(inputs, around) {
      const x = needed(node, inputs, 0);
      const rank = x.shape.length;
      const named = axesOf(node, inputs, 1)?.map((axis) => axisOf(node, axis, rank)) ?? [];
      if (named.length === 0 && node.flag('noop_with_empty_axes')) return [x];
      const axes = named.length === 0 ? x.shape.map((_, i) => i) : named.sort((a, b) => a - b);
      const keepDims = node.int('keepdims', 1) !== 0;
      if (staysOnHost([x], x.size)) return [reducedOnHost(x, axes, keepDims, onHost)];
      return device(
        x.type,
        rank === 0
          ? onDevice(x.on(around.backend).reshape([1]), [0], false)
          : onDevice(x.on(around.backend), axes, keepDims),
      );
    },
  });
}

function reducedOnHost(
  x: Value,
  axes: readonly number[],
  keepDims: boolean,
  reduce: (numbers: readonly number[]) => number,
): Value {
  const dense = denseStrides(x.shape);
  const isReduced = (i: number): boolean => axes.includes(i);
  const outer = x.shape.filter((_, i) => !isReduced(i));
  const inner = x.shape.filter((_, i) => isReduced(i));
  const outerStrides = dense.filter((_, i) => !isReduced(i));
  const innerStrides = dense.filter((_, i) => isReduced(i));
  const { numbers } = x.host;
  const results: number[] = [];
  walk(outer, outerStrides, 0, (offset) => {
    const list: number[] = [];
    walk(inner, innerStrides, offset, (at) => list.push(numbers[at]));
    results.push(reduce(list));
  });
  const shape = keepDims ? x.shape.map((size, i) => (isReduced(i) ? 1 : size)) : outer;
  return Value.of(x.type, shape, results);
}

const total = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

/** The largest of nothing is the lowest number. */
function orLimit(fn: Reduction, limit: number): Reduction {
  return (x, dims, keepDims) => {
    if (!dims.some((dim) => x.shape[dim] === 0)) return fn(x, dims, keepDims);
    const { backend, dtype } = x;
    const kept = x.shape.map((size, i) => (dims.includes(i) ? 1 : size));
    return full(keepDims ? kept : kept.filter((_, i) => !dims.includes(i)), limit, { dtype, backend });
  };
}

/** The position of the first largest (or smallest), or of the last one. */
function position(
  find: (x: Tensor, dim: number, keepDim: boolean) => Tensor,
  isBetter: (a: number, b: number) => boolean,
): Operator {
  return (node) => ({
    run(inputs, around) {
      const x = needed(node, inputs, 0);
      const axis = axisOf(node, node.int('axis', 0), x.shape.length);
      const keepDims = node.int('keepdims', 1) !== 0;
      const isLast = node.flag('select_last_index');
      if (staysOnHost([x], x.size)) {
        const best = (numbers: readonly number[]): number =>
          numbers.reduce(
            (at, value, i) => (isBetter(value, numbers[at]) || (isLast && value === numbers[at]) ? i : at),
            0,
          );
        return [Value.host({ ...reducedOnHost(x, [axis], keepDims, best).host, type: 'int64' })];
      }
      const tensor = x.on(around.backend);
      if (!isLast) return device('int64', find(tensor, axis, keepDims));
      return device(
        'int64',
        find(tensor.flip(axis), axis, keepDims)
          .mul(-1)
          .add(x.shape[axis] - 1),
      );
    },
  });
}

/**
 * The K largest or smallest along an axis, with their positions; of equal ones the first comes
 * first.
 */
function topK(node: Node): Kernel {
  const isLargest = node.int('largest', 1) !== 0;
  return {
    onHost: [0, 1],
    run(inputs, around) {
      const x = needed(node, inputs, 0);
      const axis = axisOf(node, node.int('axis', -1), x.shape.length);
      const k = wholeNumbers(inputs, 1)?.[0] ?? node.int('k', 0);
      const size = x.shape[axis];
      if (!(k >= 0 && k <= size)) node.fail(`k is ${k}, expected at most the ${size} places of the axis`);
      const shape = x.shape.map((s, i) => (i === axis ? k : s));
      const places = new Int32Array(shape.reduce((a, b) => a * b, 1));
      const [from, to] = [denseStrides(x.shape), denseStrides(shape)];
      const outer = x.shape.map((s, i) => (i === axis ? 1 : s));
      const { numbers } = x.host;
      const targets: number[] = [];
      walk(outer, to, 0, (at) => targets.push(at));
      let row = 0;
      walk(outer, from, 0, (offset) => {
        const order = Array.from({ length: size }, (_, i) => i);
        const value = (i: number): number => numbers[offset + i * from[axis]];
        order.sort((a, b) => (isLargest ? value(b) - value(a) : value(a) - value(b)) || a - b);
        for (let i = 0; i < k; i++) places[targets[row] + i * to[axis]] = order[i];
        row++;
      });
      const { backend } = around;
      const values = gather(x.on(backend), axis, fromData(places, shape, { dtype: 'int32', backend }));
      return [Value.device(x.type, values), Value.of('int64', shape, places)];
    },
  };
}

/** Running sums, also from the end, and without the place itself. */
function cumulativeSum(node: Node): Kernel {
  return {
    onHost: [1],
    run(inputs, around) {
      const x = needed(node, inputs, 0);
      const axis = axisOf(node, needed(node, inputs, 1).host.numbers[0], x.shape.length);
      const isReverse = node.flag('reverse');
      let result = x.on(around.backend);
      if (isReverse) result = result.flip(axis);
      if (node.flag('exclusive')) result = result.narrow(axis, 0, Math.max(x.shape[axis] - 1, 0));
      result = cumsum(result, axis);
      const missing = x.shape[axis] - result.shape[axis];
      if (missing > 0) result = result.pad([...x.shape.slice(axis + 1).flatMap(() => [0, 0]), missing, 0]);
      return device(x.type, isReverse ? result.flip(axis) : result);
    },
  };
}

/** Until version 12 the axis and all behind it were one dimension. */
function normalised(fn: (x: Tensor, dim: number) => Tensor): Operator {
  return (node) => ({
    run(inputs, around) {
      const x = needed(node, inputs, 0);
      const isOld = node.opset < 13;
      const axis = axisOf(node, node.int('axis', isOld ? 1 : -1), x.shape.length);
      const tensor = x.on(around.backend);
      return device(x.type, isOld ? fn(tensor.flatten(axis), axis).reshape(x.shape) : fn(tensor, axis));
    },
  });
}

/** 1 at the first largest place, 0 elsewhere. */
function hardmax(x: Tensor, dim: number): Tensor {
  const places = arange(0, x.shape[dim], 1, { dtype: 'int32', backend: x.backend });
  const along = places.reshape(x.shape.map((size, i) => (i === dim ? size : 1)));
  return eq(argmax(x, dim, true), along).to(x.dtype);
}

/** The mean of whole numbers is cut to a whole number. */
const meanOf: Reduction = (x, dims, keepDims) =>
  isReal(x.dtype === 'int32' ? 'int32' : 'float32')
    ? mean(x, dims, keepDims)
    : mean(x.to('float32'), dims, keepDims).to('int32');

export const reduce: Operators = {
  ReduceSum: reduction(sum, total),
  ReduceMean: reduction(meanOf, (numbers) => total(numbers) / numbers.length),
  ReduceMax: reduction(orLimit(amax, -Infinity), (numbers) => Math.max(...numbers)),
  ReduceMin: reduction(orLimit(amin, Infinity), (numbers) => Math.min(...numbers)),
  ReduceProd: reduction(prod, (numbers) => numbers.reduce((a, b) => a * b, 1)),
  ReduceL1: reduction(
    (x, dims, keep) => sum(abs(x), dims, keep),
    (numbers) => total(numbers.map(Math.abs)),
  ),
  ReduceL2: reduction(
    (x, dims, keep) => sqrt(sum(square(x), dims, keep)),
    (numbers) => Math.hypot(...numbers),
  ),
  ReduceSumSquare: reduction(
    (x, dims, keep) => sum(square(x), dims, keep),
    (numbers) => total(numbers.map((x) => x * x)),
  ),
  ReduceLogSum: reduction(
    (x, dims, keep) => log(sum(x, dims, keep)),
    (numbers) => Math.log(total(numbers)),
  ),
  ReduceLogSumExp: reduction(logsumexp, (numbers) => Math.log(total(numbers.map(Math.exp)))),
  ArgMax: position(argmax, (a, b) => a > b),
  ArgMin: position(argmin, (a, b) => a < b),
  TopK: topK,
  CumSum: cumulativeSum,
  Softmax: normalised(softmax),
  LogSoftmax: normalised(logSoftmax),
  Hardmax: normalised(hardmax),
};
