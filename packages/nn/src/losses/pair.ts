import { sameShape, ShapeError, showShape, type Tensor } from '@rnn/core';
import { checkNotEmpty, checkPlace, checkTensor } from '../input-checks.js';

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
    throw new ShapeError(
      `${owner}: input has shape ${showShape(input.shape)} and target ${showShape(target.shape)}, expected the same shape; reshape one of them`,
      { argument: 'target', expected: showShape(input.shape), received: showShape(target.shape) },
    );
  }
  checkNotEmpty(owner, input, 'any shape');
  checkPlace(owner, 'target', target, input);
}

/** Refuses a factor that is not of the input's type and place, or does not broadcast to its shape. */
export function checkFactor(owner: string, argument: string, factor: Tensor, input: Tensor): void {
  checkTensor(owner, argument, factor);
  checkPlace(owner, argument, factor, input);
  const lead = input.rank - factor.rank;
  if (lead >= 0 && factor.shape.every((size, i) => size === 1 || size === input.shape[lead + i])) return;
  throw new ShapeError(
    `${owner}: ${argument} has shape ${showShape(factor.shape)}, expected one that broadcasts to the input's ${showShape(input.shape)}`,
    { argument, received: showShape(factor.shape) },
  );
}
