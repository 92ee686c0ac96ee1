import { scope, ShapeError, showShape, softmax, where, type Tensor } from '@rnn/core';
import { checkFloating, checkNumber, checkSameBackend, checkTensor, refuse } from '@rnn/core/checks';

/** Below every number that a score is, but finite, so that its derivative is zero and no NaN. */
const LOWEST = -3e38;

/**
 * `softmax` over the places that a mask leaves: the others get probability 0, whatever stands
 * there, even a NaN.
 *
 * @example
 * ```ts
 * maskedSoftmax(zeros([2, 3]), lengthsMask([3, 2], { batchFirst: true })); // [[0.3333, 0.3333, 0.3333], [0.5, 0.5, 0]]
 * ```
 * @param x - scores, any shape
 * @param mask - of the rank of `x`, each size that of `x` or 1; where 0, the place is left out
 * @param dim - along which the results add up to 1; the last one unless given
 * @returns the shape of `x`; all 0 where the mask leaves nothing
 * @throws ShapeError when the mask does not fit
 *
 * Differs from PyTorch: there it is a softmax of scores filled with -Infinity, which is NaN where
 * nothing is left.
 */
export function maskedSoftmax(x: Tensor, mask: Tensor, dim = -1): Tensor {
  const name = 'maskedSoftmax';
  checkTensor(name, 'x', x);
  checkFloating(name, 'x', x);
  checkTensor(name, 'mask', mask);
  checkNumber(name, 'dim', dim);
  checkSameBackend(name, 'mask', mask.backend, x.backend, 'x');
  const fits = mask.rank === x.rank && mask.shape.every((size, i) => size === 1 || size === x.shape[i]);
  if (!fits) {
    refuse(ShapeError, name, 'mask', {
      has: 'shape',
      received: showShape(mask.shape),
      expected: `${showShape(x.shape)}, or 1 in the place of a size`,
      hint: 'unsqueeze it where x has more dimensions',
    });
  }
  return scope(() => where(mask, softmax(where(mask, x, LOWEST), dim), 0));
}
