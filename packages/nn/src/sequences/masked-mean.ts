import { div, maximum, ones, reshape, scope, ShapeError, showShape, sum, type Tensor, where } from '@rnn/core';
import { checkFlag, checkFloating, checkNumber, checkSameBackend, checkTensor, refuse } from '@rnn/core/checks';

/**
 * The mean over the places that a mask leaves, such as the mean of a layer's output over the valid
 * steps.
 *
 * @example
 * ```ts
 * maskedMean(output, lengthsMask(lengths));   // from [T, B, H] to [B, H]
 * ```
 * @param x - any shape
 * @param mask - of the first dimensions of `x`, as `[T, B]` is for `[T, B, H]`; a size may be 1;
 *   where 0, the place is left out, even a NaN
 * @param dim - the dimension that is averaged, one that the mask has; 0 unless given
 * @param keepDim - whether the dimension stays, with size 1
 * @returns the shape of `x` without the dimension; 0 where the mask leaves nothing
 * @throws ShapeError when the mask does not fit
 *
 * Differs from PyTorch: has no counterpart there; a masked tensor's mean comes near.
 */
export function maskedMean(x: Tensor, mask: Tensor, dim = 0, keepDim = false): Tensor {
  const name = 'maskedMean';
  checkTensor(name, 'x', x);
  checkFloating(name, 'x', x);
  checkTensor(name, 'mask', mask);
  checkNumber(name, 'dim', dim);
  checkFlag(name, 'keepDim', keepDim);
  checkSameBackend(name, 'mask', mask.backend, x.backend, 'x');
  const at = dim < 0 ? dim + x.rank : dim;
  const fits = mask.rank <= x.rank && mask.shape.every((size, i) => size === 1 || size === x.shape[i]);
  if (!fits || !Number.isInteger(at) || at < 0 || at >= mask.rank) {
    refuse(ShapeError, name, 'mask', {
      has: 'shape',
      received: showShape(mask.shape),
      expected: `the first sizes of ${showShape(x.shape)}, or 1 in the place of one, up to dimension ${dim}`,
    });
  }
  return scope(() => {
    const whole = reshape(mask, [...mask.shape, ...x.shape.slice(mask.rank).map(() => 1)]);
    const { dtype, backend } = x;
    // How many places are left, counted over the whole dimension even where the mask has size 1
    // there.
    const counted = where(
      whole,
      ones(
        x.shape.map((size, i) => (i === at ? size : whole.shape[i])),
        { dtype, backend },
      ),
      0,
    );
    return div(sum(where(whole, x, 0), at, keepDim), maximum(sum(counted, at, keepDim), 1));
  });
}
