/** Parts that are picked and put by whole index vectors. Indices are needed on the host. */
import { add, concat, fromData, indexSelect, maximum, minimum, mul, sizeOf, type Shape, type Tensor } from '@rnn/core';
import { denseStrides } from '../host-array.js';
import type { Node } from '../node.js';
import { needed, type Operator, type Operators } from '../operator.js';
import type { Kernel, Surroundings } from '../plan.js';
import type { Value } from '../value.js';
import { axisOf, device, host, placeOf, staysOnHost } from './common.js';

/**
 * The rows of a tensor that index vectors `[..., r]` name: the first r dimensions, behind those of
 * the batch.
 */
function rowsOf(node: Node, indices: Value, shape: Shape, batch: number): number[] {
  const depth = indices.shape[indices.shape.length - 1] ?? 0;
  const sizes = shape.slice(batch, batch + depth);
  if (depth < 1 || sizes.length < depth)
    node.fail(`index vectors of ${depth} numbers do not fit [${shape.join(', ')}]`);
  const { numbers } = indices.host;
  const strides = denseStrides(sizes);
  const count = numbers.length / depth;
  const perBatch = count / sizeOf(shape.slice(0, batch));
  return Array.from({ length: count }, (_, i) => {
    let row = Math.floor(i / perBatch) * sizeOf(sizes);
    sizes.forEach((size, k) => {
      row += placeOf(node, numbers[i * depth + k], size) * strides[k];
    });
    return row;
  });
}

function picked(x: Tensor, rows: readonly number[], { backend }: Surroundings): Tensor {
  return indexSelect(x, 0, fromData(Int32Array.from(rows), [rows.length], { dtype: 'int32', backend }));
}

function gatherParts(node: Node): Kernel {
  const batch = node.int('batch_dims', 0);
  return {
    onHost: [1],
    run(inputs, around) {
      const [x, indices] = [needed(node, inputs, 0), needed(node, inputs, 1)];
      const rows = rowsOf(node, indices, x.shape, batch);
      const rest = x.shape.slice(batch + indices.shape[indices.shape.length - 1]);
      const [shape, size] = [[...indices.shape.slice(0, -1), ...rest], sizeOf(rest)];
      if (staysOnHost([x], sizeOf(shape))) {
        const { numbers } = x.host;
        const values = rows.flatMap((row) => Array.from({ length: size }, (_, i) => numbers[row * size + i]));
        return host(x.type, shape, values);
      }
      return device(x.type, picked(x.on(around.backend).reshape([-1, size]), rows, around).reshape(shape));
    },
  };
}

/** How what is put joins what is there. */
const joins: Readonly<Record<string, (there: Tensor, put: Tensor) => Tensor>> = {
  none: (_, put) => put,
  add,
  mul,
  max: maximum,
  min: minimum,
};
const reductions = ['none', 'add', 'mul', 'max', 'min'] as const;

/**
 * Rows of a tensor replaced by, or joined with, others. A row that is named again comes in a round
 * of its own.
 */
function put(node: Node, x: Tensor, rows: readonly number[], updates: Tensor, around: Surroundings): Tensor {
  const join = joins[node.choice('reduction', 'none', reductions)];
  const rounds: number[][] = [];
  const seen = new Map<number, number>();
  rows.forEach((row, i) => {
    const round = seen.get(row) ?? 0;
    seen.set(row, round + 1);
    (rounds[round] ??= []).push(i);
  });
  let result = x;
  for (const round of rounds) {
    const targets = round.map((i) => rows[i]);
    const values = join(picked(result, targets, around), picked(updates, round, around));
    // Each row from where it is now: among the old ones, or behind them among the new.
    const sources = Array.from({ length: x.shape[0] }, (_, row) => row);
    targets.forEach((row, i) => (sources[row] = x.shape[0] + i));
    result = picked(concat([result, values]), sources, around);
  }
  return result;
}

const scatterParts: Operator = (node) => ({
  onHost: [1],
  run(inputs, around) {
    const [x, indices, updates] = [0, 1, 2].map((i) => needed(node, inputs, i));
    const rows = rowsOf(node, indices, x.shape, 0);
    const size = sizeOf(x.shape.slice(indices.shape[indices.shape.length - 1]));
    const [from, values] = [x, updates].map((value) => value.on(around.backend).reshape([-1, size]));
    return device(x.type, put(node, from, rows, values, around).reshape(x.shape));
  },
});

/** Single elements, whose places along one axis are given. */
function scatterElements(node: Node): Kernel {
  return {
    onHost: [1],
    run(inputs, around) {
      const [x, indices, updates] = [0, 1, 2].map((i) => needed(node, inputs, i));
      const axis = axisOf(node, node.int('axis', 0), x.shape.length);
      const size = x.shape[axis];
      const [from, to] = [denseStrides(indices.shape), denseStrides(x.shape)];
      const rows = Array.from(indices.host.numbers, (index, i) => {
        const own = placeOf(node, index, size);
        return to.reduce(
          (row, stride, k) => row + (k === axis ? own : Math.floor(i / from[k]) % indices.shape[k]) * stride,
          0,
        );
      });
      const [elements, values] = [x, updates].map((value) => value.on(around.backend).reshape([-1, 1]));
      return device(x.type, put(node, elements, rows, values, around).reshape(x.shape));
    },
  };
}

/** The places of what is not 0, one column each. */
const nonZero: Operator = (node) => ({
  onHost: [0],
  run(inputs) {
    const x = needed(node, inputs, 0);
    const { numbers } = x.host;
    const places = Array.from({ length: x.size }, (_, i) => i).filter((i) => numbers[i] !== 0);
    const strides = denseStrides(x.shape);
    const columns = x.shape.flatMap((size, k) => places.map((at) => Math.floor(at / strides[k]) % size));
    return host('int64', [x.shape.length, places.length], columns);
  },
});

export const scatters: Operators = {
  GatherND: gatherParts,
  ScatterND: scatterParts,
  ScatterElements: scatterElements,
  NonZero: nonZero,
};
