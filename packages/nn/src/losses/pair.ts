import { sameShape, ShapeError, showShape, type Tensor } from '@rnn/core';
import { checkPlace, checkTensor, refuse } from '@rnn/core/checks';
import { checkNotEmpty } from '../input-checks.js';

/**
 * Refuses input and target that cannot be compared element by element.
 *
 * @param owner - for messages
 * @param input - any shape, not empty
 * @param target - the same shape, type and place
 */
export function checkPair(owner: string, input: Tensor, target: Tensor): void {
  checkTensor(owner, 'input', input);
  checkTensor(owner, 'target', target);
  if (!sameShape(input.shape, target.shape)) {
    const expected = `${showShape(input.shape)}, that of input`;
    const hint = 'reshape one of them';
    refuse(ShapeError, owner, 'target', { has: 'shape', received: showShape(target.shape), expected, hint });
  }
  checkNotEmpty(owner, input, 'any shape');
  checkPlace(owner, 'target', target, input);
}

/**
 * Refuses a factor that is not of the input's type and place, or does not broadcast to its shape.
 */
export function checkFactor(owner: string, argument: string, factor: Tensor, input: Tensor): void {
  checkTensor(owner, argument, factor);
  checkPlace(owner, argument, factor, input);
  const lead = input.rank - factor.rank;
  if (lead >= 0 && factor.shape.every((size, i) => size === 1 || size === input.shape[lead + i])) return;
  const expected = `one that broadcasts to the input's ${showShape(input.shape)}`;
  refuse(ShapeError, owner, argument, { has: 'shape', received: showShape(factor.shape), expected });
}
