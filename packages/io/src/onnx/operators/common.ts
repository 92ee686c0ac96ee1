/** What operators share: choosing between host and device, axes, shapes. */
import { sizeOf, type Shape, type Tensor } from '@rnn/core';
import type { ElementType } from '../element-types.js';
import { expanded, HOST_LIMIT } from '../host-array.js';
import type { Node } from '../node.js';
import type { Inputs, Surroundings } from '../plan.js';
import { Value } from '../value.js';

/** An operand of an elementwise function: a single number of the host needs no tensor. */
export type Operand = Tensor | number;

/** The common shape of broadcast operands. */
export function broadcast(node: Node, shapes: readonly Shape[]): Shape {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, i) => {
    let joint = 1;
    for (const shape of shapes) {
      const size = shape[i - rank + shape.length] ?? 1;
      if (size === 1 || size === joint) continue;
      if (joint !== 1) node.fail(`shapes ${shapes.map((s) => `[${s.join(', ')}]`).join(' and ')} do not broadcast`);
      joint = size;
    }
    return joint;
  });
}

/**
 * Whether a node is to be computed on the host: all of its inputs are there, and the result is
 * small.
 */
export function staysOnHost(inputs: Inputs, size: number): boolean {
  return size <= HOST_LIMIT && inputs.every((value) => value === undefined || value.isHost);
}

/** An elementwise function of host arrays under broadcasting. */
export function onHost(
  node: Node,
  values: readonly Value[],
  type: ElementType,
  fn: (...numbers: number[]) => number,
): Value {
  const shape = broadcast(
    node,
    values.map((value) => value.shape),
  );
  const all = values.map((value) => expanded(value.host, shape).numbers);
  const numbers = Array.from({ length: sizeOf(shape) }, (_, i) => fn(...all.map((list) => list[i])));
  return Value.of(type, shape, numbers);
}

/** The operands of an elementwise function: tensors, and at most all but one numbers. */
export function operands(values: readonly Value[], around: Surroundings): Operand[] {
  const rank = Math.max(...values.map((value) => value.shape.length));
  const isNumber = (value: Value): boolean => value.isHost && value.size === 1;
  // The shape of the result comes from a tensor, so one of them stands for it.
  const bearer = values.findIndex((value) => !isNumber(value) && value.shape.length === rank);
  return values.map((value, i) =>
    bearer >= 0 && i !== bearer && isNumber(value) ? value.host.numbers[0] : value.on(around.backend),
  );
}

/** Truth values are float32 on a device. */
export function asTruth(x: Tensor): Tensor {
  return x.to('float32');
}

/** An axis counted from the front. */
export function axisOf(node: Node, axis: number, rank: number): number {
  const at = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || at < 0 || at >= rank)
    node.fail(`the axis ${axis} does not exist in ${rank} dimensions`);
  return at;
}

/** The same with one axis in front of the others. */
export function toFront(tensor: Tensor, axis: number): Tensor {
  return axis === 0 ? tensor : tensor.permute([axis, ...tensor.shape.map((_, i) => i).filter((i) => i !== axis)]);
}

/** A place of a dimension by its index, which may count from the end. */
export function placeOf(node: Node, index: number, size: number): number {
  if (!(index >= -size && index < size)) node.fail(`the index ${index} does not exist in a dimension of ${size}`);
  return index < 0 ? index + size : index;
}

/** Axes as an attribute or as an input, which is where newer versions have them. */
export function axesOf(node: Node, inputs: Inputs, position: number): number[] | undefined {
  const value = inputs[position];
  return value === undefined ? node.ints('axes') : Array.from(value.host.numbers);
}

/** One result. */
export function device(type: ElementType, tensor: Tensor): readonly Value[] {
  return [Value.device(type, tensor)];
}

export function host(type: ElementType, shape: Shape, numbers: ArrayLike<number>): readonly Value[] {
  return [Value.of(type, shape, numbers)];
}
