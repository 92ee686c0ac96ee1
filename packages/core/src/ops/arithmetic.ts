/** The four operations and what is close to them; each derivative stands beside its function. */
import { checkFloating, checkTensor } from '../checks/tensors.js';
import type { Tensor } from '../tensor.js';
import { eq, gt, lt, where } from './comparison.js';
import { anyFunction, binaryFunction, realFunction } from './elementwise.js';

const passed = (grad: Tensor): Tensor => grad;

/**
 * The sum of two tensors, or of a tensor and a number, element by element with broadcasting.
 *
 * @example
 * ```ts
 * add(tensor([[1, 2], [3, 4]]), tensor([10, 20]));   // [[11, 22], [13, 24]]
 * ```
 * @param a - any shape, or a number
 * @param b - a shape that broadcasts with `a`'s, the same type and backend, or a number
 * @returns the broadcast shape
 * @throws ShapeError when the shapes do not broadcast; DTypeError (`ERR_MIXED_DTYPES`) for two
 *   types, or for a fraction beside int32;
 *   BackendError (`ERR_MIXED_BACKENDS`) for operands on two backends
 *
 * Differs from PyTorch: types are never promoted.
 */
export function add(a: Tensor | number, b: Tensor | number): Tensor {
  return binaryFunction('add', a, b, 'nothing', passed, passed);
}

/**
 * The difference `a - b`; see `add`.
 *
 * @example
 * ```ts
 * sub(10, tensor([1, 2])); // [9, 8]
 * ```
 */
export function sub(a: Tensor | number, b: Tensor | number): Tensor {
  return binaryFunction('sub', a, b, 'nothing', passed, neg);
}

/**
 * The product `a * b`, element by element; see `add`.
 *
 * @example
 * ```ts
 * mul(tensor([[1], [2]]), tensor([10, 20])); // [[10, 20], [20, 40]]
 * ```
 */
export function mul(a: Tensor | number, b: Tensor | number): Tensor {
  return binaryFunction(
    'mul',
    a,
    b,
    'operands',
    (grad, _a, b) => mul(grad, b),
    (grad, a) => mul(grad, a),
  );
}

/**
 * The quotient `a / b`; see `add`. Whole numbers are refused: convert them first.
 *
 * @example
 * ```ts
 * div(tensor([[1, 2], [3, 4]]), tensor([2, 4])); // [[0.5, 0.5], [1.5, 1]]
 * ```
 */
export function div(a: Tensor | number, b: Tensor | number): Tensor {
  checkReal('div', a, b);
  // d(a/b) = da / b;  d(a/b) = -(a/b) / b db
  return binaryFunction(
    'div',
    a,
    b,
    'operands',
    (grad, _a, b) => div(grad, b),
    (grad, a, b) => neg(div(mul(grad, div(a, b)), b)),
  );
}

/** Refuses int32 operands. */
export function checkReal(operation: string, a: Tensor | number, b: Tensor | number): void {
  checkRealOperand(operation, 'a', a);
  checkRealOperand(operation, 'b', b);
}

function checkRealOperand(operation: string, argument: string, x: Tensor | number): void {
  if (typeof x === 'number') return;
  checkTensor(operation, argument, x);
  checkFloating(operation, argument, x);
}

/**
 * The larger of two, element by element; a NaN wins. Where both are equal the gradient is shared by
 * halves, as in PyTorch. See `add`.
 *
 * @example
 * ```ts
 * maximum(tensor([1, 5]), tensor([3, 2])); // [3, 5]
 * ```
 */
export function maximum(a: Tensor | number, b: Tensor | number): Tensor {
  return binaryFunction(
    'maximum',
    a,
    b,
    'operands',
    (grad, a, b) => share(grad, lt(a, b), eq(a, b)),
    (grad, a, b) => share(grad, lt(b, a), eq(a, b)),
  );
}

/**
 * The smaller of two, element by element; see `maximum`.
 *
 * @example
 * ```ts
 * minimum(tensor([1, 5]), tensor([3, 2])); // [1, 2]
 * ```
 */
export function minimum(a: Tensor | number, b: Tensor | number): Tensor {
  return binaryFunction(
    'minimum',
    a,
    b,
    'operands',
    (grad, a, b) => share(grad, gt(a, b), eq(a, b)),
    (grad, a, b) => share(grad, gt(b, a), eq(a, b)),
  );
}

/** The gradient for a competitor: nothing where it lost, half on a tie. */
function share(grad: Tensor, lost: Tensor, tied: Tensor): Tensor {
  return where(lost, 0, where(tied, mul(grad, 0.5), grad));
}

/**
 * `-x`.
 *
 * @example
 * ```ts
 * neg(tensor([1, -2]));   // [-1, 2]
 * ```
 * @param x - any shape and type
 * @returns the same shape
 */
export function neg(x: Tensor): Tensor {
  return anyFunction('neg', x, 'nothing', neg);
}

/**
 * `x * x`; see `neg`.
 *
 * @example
 * ```ts
 * square(tensor([-2, 3])); // [4, 9]
 * ```
 */
export function square(x: Tensor): Tensor {
  return anyFunction('square', x, 'x', (grad, x) => mul(grad, mul(x, 2)));
}

/**
 * `1 / x` of float32 or float64; infinite at 0.
 *
 * @example
 * ```ts
 * reciprocal(tensor([2, 4])); // [0.5, 0.25]
 * ```
 */
export function reciprocal(x: Tensor): Tensor {
  return realFunction('reciprocal', x, 'y', (grad, y) => neg(mul(grad, square(y))));
}
