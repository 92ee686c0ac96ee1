/** How far values spread around their mean. */
import { checkOptions } from '../checks/options.js';
import { checkFloating, checkTensor } from '../checks/tensors.js';
import { checkNumber } from '../checks/values.js';
import { recordComposition } from '../record.js';
import { reducedDims } from '../shape.js';
import type { Tensor } from '../tensor.js';
import type { Dims, SpreadOptions } from '../tensor-methods.js';
import { div, mul, square, sub } from './arithmetic.js';
import { keepsDim, keptShape, reshape, sum } from './broadcast.js';
import { eq, where } from './comparison.js';
import { sqrt } from './functions.js';
import { mean } from './reduce.js';

/**
 * The variance over dimensions: the squares of the distances from the mean, added up and divided by
 * their number less `correction`. The module's name `var` is the same function; it must be renamed
 * where it is imported, as JavaScript keeps the word for itself.
 *
 * @example
 * ```ts
 * variance(tensor([1, 2, 3, 4]));                           // 1.6667
 * variance(tensor([1, 2, 3, 4]), 0, { correction: 0 });     // 1.25
 * ```
 * @param x - any shape; float32 or float64
 * @param dims - which dimensions; all of them when left out
 * @param options - `keepDim`: keep them with size 1, which a plain `true` says too; `correction`:
 *   what is taken from the number of values, 1 unless given
 * @returns the remaining dimensions; NaN or Infinity where no more than `correction` values are
 *   left
 * @throws DTypeError for int32; ArgumentError when a dimension does not exist or is named twice
 */
export function variance(x: Tensor, dims?: Dims, options: SpreadOptions = false): Tensor {
  return spread('var', x, dims, options);
}

/**
 * The standard deviation over dimensions, the square root of `variance`; see there for the
 * arguments.
 *
 * @example
 * ```ts
 * std(tensor([[1, 3], [2, 2]]), 1);   // [1.4142, 0.]
 * ```
 * @returns the remaining dimensions; where all values are equal the gradient is taken as 0, as in
 *   PyTorch
 */
export function std(x: Tensor, dims?: Dims, options: SpreadOptions = false): Tensor {
  return spread('std', x, dims, options);
}

function spread(name: 'var' | 'std', x: Tensor, dims: Dims | undefined, options: SpreadOptions): Tensor {
  checkTensor(name, 'x', x);
  checkFloating(name, 'x', x);
  const list = reducedDims(name, dims, x.rank);
  const { keepDim, correction } = settings(name, options);
  const kept = keptShape(x.shape, list);
  const count = list.reduce((product, dim) => product * x.shape[dim], 1);
  const freedom = Math.max(0, count - correction);
  return recordComposition({
    name,
    inputs: [x],
    forward: () => {
      const squares = div(sum(square(sub(x, mean(x, list, true))), list, keepDim), freedom);
      const result = name === 'var' ? squares : sqrt(squares);
      return { result, saved: name === 'var' ? [x] : [x, result] };
    },
    derivatives: [
      (grad, [x, y]) => {
        // d std = d var / (2 std), which has no limit where std is 0.
        const ofVariance = name === 'var' ? grad : where(eq(y, 0), 0, div(grad, mul(y, 2)));
        const middle = mean(x, list, true);
        const slope = freedom > 0 ? mul(sub(x, middle), 2 / freedom) : where(eq(x, middle), NaN, Infinity);
        return mul(reshape(ofVariance, kept), slope);
      },
    ],
  });
}

function settings(name: string, options: SpreadOptions): { keepDim: boolean; correction: number } {
  if (typeof options !== 'object') return { keepDim: keepsDim(name, options), correction: 1 };
  checkOptions(name, options, ['keepDim', 'correction']);
  const { keepDim = false, correction = 1 } = options;
  checkNumber(name, 'correction', correction);
  return { keepDim: keepsDim(name, keepDim), correction };
}
