import { ShapeError, showShape, type Tensor } from '@rnn/core';
import { refuse } from '@rnn/core/checks';

/** The size of a last dimension and where it was laid down. */
export interface FeatureRule {
  /** Number of features that the module was made for. */
  readonly size: number;
  /** The constructor's argument that says so. */
  readonly name: string;
  /** The form of the whole input, for the message. */
  readonly form: string;
}

/** Refuses an input whose last dimension is not the one that a module was made for. */
export function checkFeatures(owner: string, input: Tensor, { size, name, form }: FeatureRule): void {
  const features = input.shape[input.rank - 1];
  if (features === size) return;
  refuse(ShapeError, owner, 'input', {
    has: 'shape',
    received: showShape(input.shape),
    expected: form,
    hint: `${name} is ${size}, and the last dimension has ${features === undefined ? 'no' : features} features`,
  });
}

/** Refuses a rank other than the two that a recurrent module takes. */
export function checkRank(owner: string, input: Tensor, ranks: readonly number[], form: string): void {
  if (ranks.includes(input.rank)) return;
  refuse(ShapeError, owner, 'input', { has: 'shape', received: showShape(input.shape), expected: form });
}

/** Refuses an input without elements. */
export function checkNotEmpty(owner: string, input: Tensor, form: string): void {
  if (input.size > 0) return;
  const expected = `${form} with every size at least 1`;
  refuse(ShapeError, owner, 'input', { has: 'shape', received: showShape(input.shape), expected });
}
