/**
 * Dimensions in another order, joined, cut, added and dropped. On the host all of these are walks
 * over numbers.
 */
import { concat, expand, permute, sizeOf, type Shape, type Tensor } from '@rnn/core';
import { broadcastStrides, denseStrides, walked } from '../host-array.js';
import type { Node } from '../node.js';
import { needed, wholeNumbers, type Operator, type Operators } from '../operator.js';
import type { Kernel, Surroundings } from '../plan.js';
import { Value } from '../value.js';
import { axesOf, axisOf, broadcast, staysOnHost } from './common.js';

/** The same elements in another shape. */
function reshaped(x: Value, shape: Shape, around: Surroundings): Value {
  if (x.isHost) return Value.host({ ...x.host, shape });
  void around.backend; // there is none while constants are folded
  return Value.view(x, shape);
}

/** A movement: on the host by a walk, on a device by an operation. */
function moved(
  x: Value,
  shape: Shape,
  around: Surroundings,
  walk: () => { readonly strides: readonly number[]; readonly offset?: number },
  onDevice: (x: Tensor) => Tensor,
): Value {
  if (staysOnHost([x], sizeOf(shape))) {
    const { strides, offset } = walk();
    return Value.host(walked(x.host, shape, strides, offset));
  }
  return Value.device(x.type, onDevice(x.on(around.backend)));
}

/** 0 keeps a size (unless `allowzero`), -1 stands for the rest. */
const reshapeTo: Operator = (node) => ({
  onHost: [1],
  run(inputs, around) {
    const x = needed(node, inputs, 0);
    const wanted = wholeNumbers(inputs, 1) ?? node.ints('shape') ?? node.fail('the shape is missing');
    const keepsZeros = node.flag('allowzero');
    const shape = wanted.map((size, i) => (size === 0 && !keepsZeros ? (x.shape[i] ?? 0) : size));
    const open = shape.indexOf(-1);
    if (open >= 0) {
      const rest = sizeOf(shape.filter((_, i) => i !== open));
      shape[open] = rest === 0 ? 0 : x.size / rest;
    }
    if (sizeOf(shape) !== x.size || shape.some((size) => !Number.isInteger(size) || size < 0)) {
      node.fail(`[${x.shape.join(', ')}] does not make [${wanted.join(', ')}]`);
    }
    return [reshaped(x, shape, around)];
  },
});

const flatten: Operator = (node) => ({
  run(inputs, around) {
    const x = needed(node, inputs, 0);
    const axis = node.int('axis', 1);
    const at = axis < 0 ? axis + x.shape.length : axis;
    return [reshaped(x, [sizeOf(x.shape.slice(0, at)), sizeOf(x.shape.slice(at))], around)];
  },
});

const squeeze: Operator = (node) => ({
  onHost: [1],
  run(inputs, around) {
    const x = needed(node, inputs, 0);
    const axes = axesOf(node, inputs, 1)?.map((axis) => axisOf(node, axis, x.shape.length));
    const odd = axes?.find((axis) => x.shape[axis] !== 1);
    if (odd !== undefined) node.fail(`the dimension ${odd} of [${x.shape.join(', ')}] is not 1`);
    const isDropped = (size: number, i: number): boolean => (axes === undefined ? size === 1 : axes.includes(i));
    return [
      reshaped(
        x,
        x.shape.filter((size, i) => !isDropped(size, i)),
        around,
      ),
    ];
  },
});

const unsqueeze: Operator = (node) => ({
  onHost: [1],
  run(inputs, around) {
    const x = needed(node, inputs, 0);
    const given = axesOf(node, inputs, 1) ?? node.fail('the axes are missing');
    const rank = x.shape.length + given.length;
    const axes = new Set(given.map((axis) => axisOf(node, axis, rank)));
    if (axes.size !== given.length) node.fail(`the axes [${given.join(', ')}] name one twice`);
    let next = 0;
    const shape = Array.from({ length: rank }, (_, i) => (axes.has(i) ? 1 : x.shape[next++]));
    return [reshaped(x, shape, around)];
  },
});

const transpose: Operator = (node) => ({
  run(inputs, around) {
    const x = needed(node, inputs, 0);
    const rank = x.shape.length;
    const order = node.ints('perm') ?? x.shape.map((_, i) => rank - 1 - i);
    if (order.length !== rank || new Set(order).size !== rank || order.some((dim) => !(dim >= 0 && dim < rank))) {
      node.fail(`perm is [${order.join(', ')}], expected each of ${rank} dimensions once`);
    }
    const shape = order.map((dim) => x.shape[dim]);
    const isStill = order.every((dim, i) => dim === i);
    if (isStill) return [x];
    // Where at most one dimension is larger than 1, or those keep their order, nothing has to move.
    const large = order.filter((dim) => x.shape[dim] !== 1);
    if (large.every((dim, i) => i === 0 || dim > large[i - 1])) return [reshaped(x, shape, around)];
    const strides = (): { strides: number[] } => {
      const dense = denseStrides(x.shape);
      return { strides: order.map((dim) => dense[dim]) };
    };
    return [moved(x, shape, around, strides, (t) => permute(t, order))];
  },
});

const expandTo: Operator = (node) => ({
  onHost: [1],
  run(inputs, around) {
    const x = needed(node, inputs, 0);
    const shape = broadcast(node, [x.shape, wholeNumbers(inputs, 1) ?? node.fail('the shape is missing')]);
    return [
      moved(
        x,
        shape,
        around,
        () => ({ strides: broadcastStrides(x.shape, shape) }),
        (t) => expand(t, shape),
      ),
    ];
  },
});

/** Each dimension repeated as a whole. */
const tile: Operator = (node) => ({
  onHost: [1],
  run(inputs, around) {
    const x = needed(node, inputs, 0);
    const repeats = wholeNumbers(inputs, 1) ?? node.fail('the repeats are missing');
    // [a, b] -> [1, a, 1, b] -> [r, a, s, b] -> [r a, s b]
    const apart = x.shape.flatMap((size) => [1, size]);
    const spread = x.shape.flatMap((size, i) => [repeats[i], size]);
    const once = reshaped(x, apart, around);
    const all = moved(
      once,
      spread,
      around,
      () => ({ strides: broadcastStrides(apart, spread) }),
      (t) => expand(t, spread),
    );
    return [
      reshaped(
        all,
        x.shape.map((size, i) => size * repeats[i]),
        around,
      ),
    ];
  },
});

const join: Operator = (node) => ({
  run(inputs, around) {
    const values = node.inputs.map((_, i) => needed(node, inputs, i));
    const [first] = values;
    const axis = axisOf(node, node.int('axis', 1), first.shape.length);
    if (values.length === 1) return [first];
    const total = values.reduce((sum, value) => sum + value.shape[axis], 0);
    const shape = first.shape.map((size, i) => (i === axis ? total : size));
    if (!staysOnHost(values, sizeOf(shape))) {
      return [
        Value.device(
          first.type,
          concat(
            values.map((value) => value.on(around.backend)),
            axis,
          ),
        ),
      ];
    }
    const numbers: number[] = [];
    const outer = sizeOf(shape.slice(0, axis));
    for (let row = 0; row < outer; row++) {
      for (const { size, host } of values) {
        const run = size / outer;
        for (let i = 0; i < run; i++) numbers.push(host.numbers[row * run + i]);
      }
    }
    return [Value.of(first.type, shape, numbers)];
  },
});

/** One range of a dimension. */
interface Range {
  readonly axis: number;
  readonly start: number;
  readonly count: number;
  readonly step: number;
}

/** Ranges of dimensions. Ends beyond a dimension are cut to it. */
const slice: Operator = (node) => ({
  onHost: [1, 2, 3, 4],
  run(inputs, around) {
    const x = needed(node, inputs, 0);
    const starts = wholeNumbers(inputs, 1) ?? node.ints('starts') ?? node.fail('the starts are missing');
    const ends = wholeNumbers(inputs, 2) ?? node.ints('ends') ?? node.fail('the ends are missing');
    const axes = axesOf(node, inputs, 3) ?? starts.map((_, i) => i);
    const steps = wholeNumbers(inputs, 4) ?? starts.map(() => 1);
    const ranges = starts.map((start, i): Range => {
      const axis = axisOf(node, axes[i], x.shape.length);
      return { axis, ...placesOf(node, x.shape[axis], start, ends[i], steps[i]) };
    });
    return [sliced(x, ranges, around)];
  },
});

function placesOf(node: Node, size: number, start: number, end: number, step: number): Omit<Range, 'axis'> {
  if (!Number.isInteger(step) || step === 0) node.fail(`the step is ${step}, expected a whole number other than 0`);
  const place = (value: number, low: number, high: number): number =>
    Math.min(Math.max(value < 0 ? value + size : value, low), high);
  const from = step > 0 ? place(start, 0, size) : place(start, 0, size - 1);
  const to = step > 0 ? place(end, 0, size) : place(end, -1, size - 1);
  return { start: from, step, count: Math.max(0, Math.ceil((to - from) / step)) };
}

/** Ranges of a value, one dimension after another. */
function sliced(x: Value, ranges: readonly Range[], around: Surroundings): Value {
  let result = x;
  for (const { axis, start, count, step } of ranges) {
    if (count === result.shape[axis] && step === 1) continue;
    const shape = result.shape.map((size, i) => (i === axis ? count : size));
    const before = result;
    const walk = (): { strides: number[]; offset: number } => {
      const dense = denseStrides(before.shape);
      return { strides: dense.map((stride, i) => (i === axis ? stride * step : stride)), offset: start * dense[axis] };
    };
    result = moved(result, shape, around, walk, (t) => {
      if (count === 0) return t.slice(axis, 0, 0);
      if (step > 0) return t.slice(axis, start, start + (count - 1) * step + 1, step);
      const first = start + (count - 1) * step;
      return t.slice(axis, first, start + 1, -step).flip(axis);
    });
  }
  return result;
}

function split(node: Node): Kernel {
  const parts = node.outputs.length;
  return {
    onHost: [1],
    run(inputs, around) {
      const x = needed(node, inputs, 0);
      const axis = axisOf(node, node.int('axis', 0), x.shape.length);
      const size = x.shape[axis];
      const even = Math.ceil(size / node.int('num_outputs', parts));
      const sizes =
        wholeNumbers(inputs, 1) ??
        node.ints('split') ??
        Array.from({ length: parts }, (_, i) => Math.max(0, Math.min(even, size - i * even)));
      if (sizes.length !== parts || sizes.reduce((sum, part) => sum + part, 0) !== size) {
        node.fail(`the parts [${sizes.join(', ')}] do not make up ${size}`);
      }
      if (!x.isHost)
        return x
          .on(around.backend)
          .split(sizes, axis)
          .map((part) => Value.device(x.type, part));
      let start = 0;
      return sizes.map((count) => {
        const part = sliced(x, [{ axis, start, count, step: 1 }], around);
        start += count;
        return part;
      });
    },
  };
}

export const movement: Operators = {
  Reshape: reshapeTo,
  Flatten: flatten,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Transpose: transpose,
  Expand: expandTo,
  Tile: tile,
  Concat: join,
  Slice: slice,
  Split: split,
};
