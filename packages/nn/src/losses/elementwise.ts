import { compileFn, type RowwiseFunction, type Tensor } from '@rnn/core';

/**
 * A function of each element by itself as one operation, forward and backward, where the backend compiles programs.
 *
 * @param fn - elementwise, on tensors of one shape; what else it depends on comes in the second argument
 * @returns the same on tensors of any one shape
 */
export function elementwise<P extends object>(
  fn: RowwiseFunction<readonly Tensor[], Tensor, P>,
): (tensors: readonly Tensor[], parameters?: P) => Tensor {
  const compiled = compileFn(fn);
  // As rows of one feature: one program serves every shape.
  return (tensors, parameters) =>
    compiled(
      tensors.map((x) => x.reshape([x.size, 1])),
      parameters,
    ).reshape(tensors[0].shape);
}
