/** Inputs of a run, held against what the model says of them. */
import { ArgumentError, Tensor, tensor, type Backend, type TensorLike } from '@rnn/core';
import { deviceType, type ElementType } from './element-types.js';
import { Value } from './value.js';

/** An input or output of a model. */
export interface OnnxValueInfo {
  readonly name: string;
  /** ONNX's name of the element type, such as `float32` or `int64`. */
  readonly dtype: string;
  /** Sizes; a free dimension has its name, or '?' without one. */
  readonly shape: readonly (number | string)[];
}

/**
 * What an input may be given as: a tensor, or numbers, which stay on the host where they say what
 * to compute.
 */
export type OnnxInput = Tensor | TensorLike;

/** An input as a value; whole numbers that are given as numbers stay on the host. */
export function inputValue(info: OnnxValueInfo, input: OnnxInput, backend: Backend): Value {
  const type = info.dtype as ElementType;
  const wanted = deviceType(type, backend.info.dtypes);
  if (input instanceof Tensor) {
    if (input.dtype !== wanted && type !== 'bool')
      refuse(info, `a tensor of ${input.dtype}`, `${wanted}; convert it with .to('${wanted}')`);
    checkShape(info, input.shape);
    return Value.device(type, input);
  }
  const numbers: number[] = [];
  const shape: number[] = [];
  flatten(info, input, 0, shape, numbers);
  checkShape(info, shape);
  if (wanted !== 'int32' && type !== 'bool') {
    const value = Value.device(type, tensor(input, { dtype: wanted, backend }));
    value.isOwned = true;
    return value;
  }
  return Value.of(type, shape, numbers);
}

function flatten(info: OnnxValueInfo, level: TensorLike, depth: number, shape: number[], out: number[]): void {
  if (typeof level === 'number' || typeof level === 'boolean') {
    if (depth !== shape.length) refuse(info, 'numbers nested unevenly', 'lists of equal lengths');
    out.push(Number(level));
    return;
  }
  if (depth === shape.length && out.length === 0) shape.push(level.length);
  if (shape[depth] !== level.length) refuse(info, 'numbers nested unevenly', 'lists of equal lengths');
  for (const part of level) flatten(info, part, depth + 1, shape, out);
}

function checkShape(info: OnnxValueInfo, shape: readonly number[]): void {
  const fits =
    shape.length === info.shape.length && info.shape.every((size, i) => typeof size === 'string' || size === shape[i]);
  if (!fits) refuse(info, `the shape [${shape.join(', ')}]`, `[${info.shape.join(', ')}]`);
}

function refuse({ name }: OnnxValueInfo, received: string, expected: string): never {
  throw new ArgumentError(`run: input '${name}' is given as ${received}, expected ${expected}`, {
    argument: name,
    expected,
    received,
  });
}
