import { ArgumentError, ShapeError, showShape, type Tensor } from '@rnn/core';
import { checkTensor, refuse } from '@rnn/core/checks';

/** How many inputs an output of a weight sees, and how many outputs an input reaches. */
export interface Fans {
  readonly fanIn: number;
  readonly fanOut: number;
}

/**
 * The fans of a weight `[out, in, ...]`: further dimensions count as a receptive field, as in
 * PyTorch.
 *
 * @param operation - for the message
 * @param tensor - rank 2 or more
 * @param gates - how many weights are stacked along the first dimension (4 in an LSTM, 3 in a GRU);
 *   the fans are those of one
 * @returns both fans
 */
export function fansOf(operation: string, tensor: Tensor, gates: number): Fans {
  checkTensor(operation, 'tensor', tensor);
  const [out, into, ...field] = tensor.shape;
  if (tensor.rank < 2) {
    refuse(ShapeError, operation, 'tensor', {
      has: 'shape',
      received: showShape(tensor.shape),
      expected: '[out, in] or more dimensions',
    });
  }
  checkGates(operation, tensor, gates);
  const receptive = field.reduce((product, size) => product * size, 1);
  return { fanIn: into * receptive, fanOut: (out / gates) * receptive };
}

/** Refuses a number of gates that does not divide the first dimension. */
export function checkGates(operation: string, tensor: Tensor, gates: number): void {
  if (Number.isInteger(gates) && gates >= 1 && tensor.shape[0] % gates === 0) return;
  const expected = `a whole number that divides the first dimension of ${showShape(tensor.shape)}`;
  refuse(ArgumentError, operation, 'gates', { value: gates, expected });
}
