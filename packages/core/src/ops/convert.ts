import type { Backend } from '../backend.js';
import { isFloating, type DType } from '../dtype.js';
import { DTypeError } from '../errors.js';
import { record, wrap } from '../record.js';
import { denseStrides } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { checkSupported } from './fill.js';
import { walked } from './join.js';
import { checkTensor } from './operands.js';

/**
 * The same numbers as another type, or on another backend.
 *
 * @example
 * ```ts
 * const indices = logits.argmax(-1);                     // int32
 * const share = indices.eq(labels).to('float32').mean();
 * const there = logits.to(await cpu());
 * ```
 * @param x - any shape
 * @param target - a type (float to int32 truncates) or a backend
 * @returns a tensor of that type or on that backend; `x` itself where nothing changes. Gradients flow back across both.
 */
export function to(x: Tensor, target: Backend | DType): Tensor {
  checkTensor('to', 'x', x);
  if (typeof target === 'string') return cast(x, target);
  if (target === x.backend) return x;
  checkSupported('to', x.dtype, target);
  const home = x.backend;
  const result = wrap(target, target.upload(x.dataSync()), x.shape, x.held.bounds);
  return record(result, { name: 'to', inputs: [x], derivatives: [(grad) => to(grad, home)] });
}

function cast(x: Tensor, dtype: DType): Tensor {
  if (dtype === x.dtype) return x;
  checkSupported('to', dtype, x.backend);
  const result = walked(x, x.shape, 0, denseStrides(x.shape), dtype);
  result.held.bounds = undefined;
  if (!isFloating(dtype)) return result;
  if (!isFloating(x.dtype)) {
    if (x.requiresGrad) throw new DTypeError('to: int32 has no gradient');
    return result;
  }
  const from = x.dtype;
  return record(result, { name: 'to', inputs: [x], derivatives: [(grad) => to(grad, from)] });
}
