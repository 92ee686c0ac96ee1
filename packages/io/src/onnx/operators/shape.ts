/** Shapes as numbers, constants, and conversions of type. */
import { arange, eq, full, sizeOf, where, type Tensor } from '@rnn/core';
import { deviceType, elementType, isReal, wrapped, type ElementType } from '../element-types.js';
import { HOST_LIMIT } from '../host-array.js';
import type { Node } from '../node.js';
import { needed, wholeNumbers, type Operator, type Operators } from '../operator.js';
import type { Kernel, Surroundings } from '../plan.js';
import { Value } from '../value.js';
import { asTruth, axisOf, device, host, onHost, staysOnHost } from './common.js';

/** Real numbers of more elements than that are filled on the device. */
const REALS_ON_HOST = 64;

const shapeOf: Operator = (node) => ({
  readsShapes: true,
  run(inputs) {
    const { shape } = needed(node, inputs, 0);
    const part = shape.slice(node.int('start', 0), node.int('end', shape.length));
    return host('int64', [part.length], part);
  },
});

const size: Operator = (node) => ({
  readsShapes: true,
  run: (inputs) => host('int64', [], [needed(node, inputs, 0).size]),
});

function constant(node: Node): Kernel {
  const array = node.tensor('value');
  const [real, reals, whole, wholes] = [
    node.float('value_float'),
    node.floats('value_floats'),
    node.int('value_int'),
    node.ints('value_ints'),
  ];
  let value = array && Value.host(array);
  if (real !== undefined) value = Value.of('float32', [], [real]);
  if (reals !== undefined) value = Value.of('float32', [reals.length], reals);
  if (whole !== undefined) value = Value.of('int64', [], [whole]);
  if (wholes !== undefined) value = Value.of('int64', [wholes.length], wholes);
  const found = value ?? node.fail('it has no value of numbers');
  return { run: () => [found] };
}

function constantOfShape(node: Node): Kernel {
  const filling = node.tensor('value') ?? { type: 'float32', shape: [1], numbers: [0] };
  const [number] = Array.from(filling.numbers);
  return {
    onHost: [0],
    run(inputs, around) {
      const shape = wholeNumbers(inputs, 0) ?? node.fail('the shape is missing');
      return filled(filling.type, shape, number, around);
    },
  };
}

function filled(type: ElementType, shape: readonly number[], number: number, around: Surroundings): readonly Value[] {
  const count = sizeOf(shape);
  if (count <= (isReal(type) ? REALS_ON_HOST : HOST_LIMIT))
    return host(type, shape, new Array<number>(count).fill(number));
  const { backend } = around;
  return device(type, full(shape, number, { dtype: deviceType(type, backend.info.dtypes), backend }));
}

const range: Operator = (node) => ({
  onHost: [0, 1, 2],
  run(inputs, around) {
    const { type } = needed(node, inputs, 0);
    const [start, limit, delta] = [0, 1, 2].map((i) => needed(node, inputs, i).host.numbers[0]);
    const count = Math.max(0, Math.ceil((limit - start) / delta));
    if (!Number.isFinite(count)) node.fail(`the step ${delta} does not lead from ${start} to ${limit}`);
    if (count <= HOST_LIMIT)
      return host(
        type,
        [count],
        Array.from({ length: count }, (_, i) => start + i * delta),
      );
    const { backend } = around;
    return device(type, arange(start, limit, delta, { dtype: deviceType(type, backend.info.dtypes), backend }));
  },
});

/** A value in another type. */
function converted(node: Node, x: Value, type: ElementType, around: Surroundings): readonly Value[] {
  if (staysOnHost([x], x.size)) return [onHost(node, [x], type, (number) => numberAs(number, type))];
  const tensor = x.on(around.backend);
  return device(type, tensorAs(node, tensor, x.type, type, around));
}

function numberAs(number: number, type: ElementType): number {
  if (type === 'bool') return Number(number !== 0);
  if (isReal(type)) return type === 'float64' ? number : Math.fround(number);
  return wrapped(Math.trunc(number), type);
}

function tensorAs(node: Node, tensor: Tensor, from: ElementType, type: ElementType, around: Surroundings): Tensor {
  if (type === 'bool') return from === 'bool' ? tensor : asTruth(tensor.ne(0));
  const isNarrow = wrapped(65_536, type) !== 65_536;
  if (isNarrow && from !== 'bool' && from !== type)
    node.fail(`a tensor on a device is not converted to ${type}, only to types of 32 bits or more`);
  return tensor.to(deviceType(type, around.backend.info.dtypes));
}

function cast(node: Node): Kernel {
  const type = elementType(node.int('to', 0), `the target of ${node.title}`);
  return { run: (inputs, around) => converted(node, needed(node, inputs, 0), type, around) };
}

const castLike: Operator = (node) => ({
  run: (inputs, around) => converted(node, needed(node, inputs, 0), needed(node, inputs, 1).type, around),
});

const identity: Operator = (node) => ({ run: (inputs) => [needed(node, inputs, 0)] });

/** In inference it does nothing; its mask says that all is kept. */
function dropout(node: Node): Kernel {
  return {
    onHost: [2],
    run(inputs, around) {
      const x = needed(node, inputs, 0);
      if (inputs[2] !== undefined && inputs[2].host.numbers[0] !== 0)
        node.fail('training_mode is set, expected inference');
      return node.outputs.length > 1 ? [x, ...filled('bool', x.shape, 1, around)] : [x];
    },
  };
}

/** Ones on a diagonal. */
function eyeLike(node: Node): Kernel {
  const [shift, number] = [node.int('k', 0), node.int('dtype')];
  return {
    readsShapes: true,
    run(inputs) {
      const x = needed(node, inputs, 0);
      const [rows, columns] = x.shape;
      if (x.shape.length !== 2) node.fail(`the input has ${x.shape.length} dimensions, expected 2`);
      const type = number === undefined ? x.type : elementType(number, `the type of ${node.title}`);
      const numbers = new Float32Array(rows * columns);
      for (let row = Math.max(0, -shift); row < rows && row + shift < columns; row++)
        numbers[row * columns + row + shift] = 1;
      return host(type, [rows, columns], numbers);
    },
  };
}

/** Two values, off and on, at the places of indices along a new axis. */
function oneHotOf(node: Node): Kernel {
  const axis = node.int('axis', -1);
  return {
    onHost: [0, 1, 2],
    run(inputs, around) {
      const [indices, depth, values] = [0, 1, 2].map((i) => needed(node, inputs, i));
      const count = depth.host.numbers[0];
      const [off, on] = Array.from(values.host.numbers);
      const rank = indices.shape.length + 1;
      const at = axisOf(node, axis, rank);
      const { backend } = around;
      // An index that does not exist marks nothing.
      const numbers = Array.from(indices.host.numbers, (i) => (i < 0 ? i + count : i));
      const places = Value.of('int64', [...indices.shape, 1], numbers).on(backend);
      const marks = eq(places, arange(0, count, 1, { dtype: 'int32', backend }));
      const order = Array.from({ length: rank }, (_, i) => (i < at ? i : i === at ? rank - 1 : i - 1));
      const dtype = deviceType(values.type, backend.info.dtypes);
      return device(values.type, where(marks.to(dtype), on, off).permute(order));
    },
  };
}

export const shapes: Operators = {
  Shape: shapeOf,
  Size: size,
  Constant: constant,
  ConstantOfShape: constantOfShape,
  Range: range,
  Cast: cast,
  CastLike: castLike,
  Identity: identity,
  Dropout: dropout,
  EyeLike: eyeLike,
  OneHot: oneHotOf,
};
