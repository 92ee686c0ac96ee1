/** The functions that recurrent operators may name as activations. */
import {
  abs,
  add,
  clamp,
  div,
  exp,
  minimum,
  mul,
  relu,
  sigmoid,
  softplus,
  sub,
  tanh,
  where,
  type Tensor,
} from '@rnn/core';

export type Activation = (x: Tensor) => Tensor;

/** Which numbers an activation takes, with their defaults. */
export const activationNumbers: Readonly<Record<string, { readonly alpha?: number; readonly beta?: number }>> = {
  relu: {},
  tanh: {},
  sigmoid: {},
  softsign: {},
  softplus: {},
  affine: { alpha: 1, beta: 0 },
  leakyrelu: { alpha: 0.01 },
  thresholdedrelu: { alpha: 1 },
  scaledtanh: { alpha: 1, beta: 1 },
  hardsigmoid: { alpha: 0.2, beta: 0.5 },
  elu: { alpha: 1 },
};

/**
 * An activation by its name in ONNX, in any case of letters; `undefined` for one that is not known.
 */
export function activation(name: string, alpha: number, beta: number): Activation | undefined {
  switch (name.toLowerCase()) {
    case 'relu':
      return relu;
    case 'tanh':
      return tanh;
    case 'sigmoid':
      return sigmoid;
    case 'softplus':
      return softplus;
    case 'softsign':
      return (x) => div(x, add(abs(x), 1));
    case 'affine':
      return (x) => add(mul(x, alpha), beta);
    case 'leakyrelu':
      return (x) => where(x.lt(0), mul(x, alpha), x);
    case 'thresholdedrelu':
      return (x) => where(x.gt(alpha), x, 0);
    case 'scaledtanh':
      return (x) => mul(tanh(mul(x, beta)), alpha);
    case 'hardsigmoid':
      return (x) => clamp(add(mul(x, alpha), beta), 0, 1);
    case 'elu':
      // The exponential of what is not picked must not overflow: its gradient would be NaN.
      return (x) => where(x.lt(0), mul(sub(exp(minimum(x, 0)), 1), alpha), x);
    default:
      return undefined;
  }
}
