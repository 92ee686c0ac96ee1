import { checkBackend, checkSupported } from '../checks/backends.js';
import { checkTensor } from '../checks/tensors.js';
import type { Backend } from '../backend.js';
import { isFloating, type DType } from '../dtype.js';
import { record, wrap } from '../record.js';
import { denseStrides } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { walked } from './join.js';

/**
 * The same numbers as another type, or on another backend.
 *
 * @example
 * ```ts
 * const indices = argmax(tensor([[1, 3], [4, 2]]), 1);    // int32: [1, 0]
 * const shares = to(indices, 'float32').mean();           // 0.5
 * ```
 * @param x - any shape
 * @param target - a type (float to int32 drops the fraction, takes the nearer limit of what lies
 *   beyond, and 0 for NaN) or a backend
 * @returns a tensor of that type or on that backend; `x` itself where nothing changes. Gradients
 *   flow back across both.
 * @throws DTypeError when the backend does not have the type; ArgumentError when `target` is
 *   neither a type nor a backend; BackendError when `x` lies on a backend that answers only later,
 *   which `moveTo` waits for
 */
export function to(x: Tensor, target: Backend | DType): Tensor {
  checkTensor('to', 'x', x);
  if (typeof target === 'string') return cast(x, target);
  checkBackend('to', 'target', target);
  return target === x.backend ? x : moved(x, target);
}

function moved(x: Tensor, target: Backend): Tensor {
  checkSupported('to', x.dtype, target, "convert with .to('float32') first");
  const home = x.backend;
  const result = wrap(target, target.upload(x.dataSync()), x.shape, x.held.bounds);
  return record(result, { name: 'toCopy', inputs: [x], derivatives: [(grad) => to(grad, home)] });
}

function cast(x: Tensor, dtype: DType): Tensor {
  checkSupported('to', dtype, x.backend);
  const from = x.dtype;
  if (dtype === from) return x;
  const result = walked(x, x.shape, 0, denseStrides(x.shape), { dtype });
  result.held.bounds = undefined;
  // Whole numbers have no derivative: neither their own, nor one that would go through them.
  return isFloating(dtype) && isFloating(from)
    ? record(result, { name: 'toCopy', inputs: [x], derivatives: [(grad) => to(grad, from)] })
    : result;
}
