import { checkFloating, checkTensor } from '../checks/tensors.js';
import { checkNumber } from '../checks/values.js';
import { recordComposition } from '../record.js';
import { reducedDims } from '../shape.js';
import type { Tensor } from '../tensor.js';
import type { Dims, KeepDim } from '../tensor-methods.js';
import { div, maximum, mul, square } from './arithmetic.js';
import { keepsDim, keptShape, reshape, sum } from './broadcast.js';
import { eq, ne, where } from './comparison.js';
import { zerosLike } from './fill.js';
import { abs, pow, sign, sqrt } from './functions.js';
import { amax, amin } from './reduce.js';

/**
 * The p-norm over dimensions: `sum(|x|^p)^(1/p)`. For p = Infinity it is the largest absolute
 * value, for -Infinity the smallest, and for 0 the number of values that are not 0.
 *
 * @example
 * ```ts
 * norm(tensor([3, -4]));                 // 5
 * norm(tensor([[3, -4], [6, 8]]), 1, 1); // [7, 14]
 * ```
 * @param x - any shape; float32 or float64
 * @param p - any number, 2 unless given (PyTorch's other names, 'fro' and 'nuc', are for matrices:
 *   'fro' over both dimensions is 2)
 * @param dims - which dimensions; all of them when left out
 * @param keepDim - keep them with size 1: true, or `{ keepDim: true }`
 * @returns the remaining dimensions; where the norm is 0 the gradient is taken as 0, as in PyTorch
 * @throws DTypeError for int32; ArgumentError for a NaN, or when a dimension does not exist or is
 *   named twice; ShapeError when there is nothing whose extreme an infinite p asks for
 */
export function norm(x: Tensor, p = 2, dims?: Dims, keepDim: KeepDim = false): Tensor {
  checkTensor('norm', 'x', x);
  checkFloating('norm', 'x', x);
  checkNumber('norm', 'p', p, { from: -Infinity, to: Infinity });
  const list = reducedDims('norm', dims, x.rank);
  const isKept = keepsDim('norm', keepDim);
  const kept = keptShape(x.shape, list);
  const extreme = p > 0 ? amax : amin;
  return recordComposition({
    name: 'norm',
    inputs: [x],
    forward: () => {
      const result = Number.isFinite(p) ? root(sum(powers(x, p), list, isKept), p) : extreme(abs(x), list, isKept);
      return { result, saved: [x, result] };
    },
    derivatives: [
      (grad, [x, y]) => {
        const [norms, grads] = [reshape(y, kept), reshape(grad, kept)];
        return Number.isFinite(p) ? slope(x, norms, grads, p) : shared(x, norms, grads, list);
      },
    ],
  });
}

function powers(x: Tensor, p: number): Tensor {
  if (p === 0) return ne(x, 0);
  if (p === 1) return abs(x);
  return p === 2 ? square(x) : pow(abs(x), p);
}

function root(total: Tensor, p: number): Tensor {
  if (p === 0 || p === 1) return total;
  return p === 2 ? sqrt(total) : pow(total, 1 / p);
}

/** `sign(x) |x|^(p-1) / y^(p-1)`, with 0 in the place of what the corner at 0 leaves open. */
function slope(x: Tensor, y: Tensor, grad: Tensor, p: number): Tensor {
  if (p === 0) return zerosLike(x);
  if (p === 1) return mul(sign(x), grad);
  if (p === 2) return mul(x, where(eq(y, 0), 0, div(grad, y)));
  if (p < 1) return mul(mul(sign(x), where(eq(x, 0), 0, pow(abs(x), p - 1))), mul(grad, pow(y, 1 - p)));
  const scale = where(eq(y, 0), 0, div(grad, pow(y, p - 1)));
  const direction = p < 2 ? mul(sign(x), pow(abs(x), p - 1)) : mul(x, pow(abs(x), p - 2));
  return mul(direction, scale);
}

/**
 * The gradient of the extreme absolute value, shared by those that have it; of NaN, whose sign is
 * 0, nothing comes.
 */
function shared(x: Tensor, y: Tensor, grad: Tensor, dims: readonly number[]): Tensor {
  const ties = maximum(eq(abs(x), y), mul(ne(x, x), ne(y, y)));
  return mul(mul(sign(x), div(ties, sum(ties, dims, true))), grad);
}
