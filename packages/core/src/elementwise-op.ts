/** Names of the functions that kernels and programs have in common. */

/**
 * Elementwise functions of one operand. `relu(x) = x < 0 ? 0 : x`, so that -0 and NaN stay
 * themselves;
 * `softplus(x) = log(1 + exp(x))`; `sign` of ±0 and NaN is +0; `round` goes to the nearest whole
 * number, of two to the even one.
 */
export type UnaryOp =
  | 'neg'
  | 'exp'
  | 'log'
  | 'sqrt'
  | 'square'
  | 'reciprocal'
  | 'abs'
  | 'sign'
  | 'tanh'
  | 'sigmoid'
  | 'relu'
  | 'softplus'
  | 'round';

/** Elementwise functions of two operands. Comparisons give 1 or 0 in the operands' own type. */
export type BinaryOp =
  | 'add'
  | 'sub'
  | 'mul'
  | 'div'
  | 'pow'
  | 'maximum'
  | 'minimum'
  | 'eq'
  | 'ne'
  | 'lt'
  | 'le'
  | 'gt'
  | 'ge';
