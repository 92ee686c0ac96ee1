import { backward, grad } from './backward.js';
import { ArgumentError, AutogradError, DTypeError } from './errors.js';
import { enableGrad, noGrad } from './grad-mode.js';
import { fromData } from './ops/create.js';
import { mul } from './ops/arithmetic.js';
import { sum } from './ops/broadcast.js';
import { scope } from './scope.js';
import type { Tensor } from './tensor.js';
import { hostArray } from './dtype.js';

export interface GradcheckOptions {
  /** Width of the central differences. */
  readonly eps?: number;
  readonly atol?: number;
  readonly rtol?: number;
}

/**
 * Compares the recorded derivative of a function with central differences. For authors of new operations.
 *
 * @example
 * ```ts
 * gradcheck((x) => tanh(x), [randn([3], { dtype: 'float64' })]);   // true, or an error that says where
 * ```
 * @param fn - a function of float64 tensors; its result, one tensor or several, may have any shape
 * @param inputs - float64 tensors
 * @param options - `eps` 1e-6, `atol` 1e-5, `rtol` 1e-3, as in PyTorch
 * @returns true
 * @throws AutogradError with the input, the element and both numbers, at the first difference
 *
 * Differs from PyTorch: compares the derivative of a sum of all results with fixed uneven weights, not each result by itself.
 */
export function gradcheck(
  fn: (...inputs: Tensor[]) => Tensor | readonly Tensor[],
  inputs: readonly Tensor[],
  { eps = 1e-6, atol = 1e-5, rtol = 1e-3 }: GradcheckOptions = {},
): true {
  if (inputs.length === 0) throw new ArgumentError('gradcheck: expected at least one input', { argument: 'inputs' });
  for (const input of inputs) {
    if (input.dtype !== 'float64') {
      throw new DTypeError(`gradcheck: expected float64 inputs, received ${input.dtype}; differences of float32 are too coarse`, { argument: 'inputs' });
    }
  }
  const values = inputs.map((input) => input.dataSync());
  const at = (data: readonly (typeof values)[number][]): Tensor[] =>
    data.map((d, i) => fromData(d, inputs[i].shape, { backend: inputs[i].backend, requiresGrad: true }));
  const loss = (tensors: readonly Tensor[]): Tensor => {
    const out = fn(...tensors);
    return (Array.isArray(out) ? (out as readonly Tensor[]) : [out as Tensor]).map(weighted).reduce((a, b) => a.add(b));
  };
  scope(() => {
    const leaves = at(values);
    enableGrad(() => backward(loss(leaves)));
    const analytic = leaves.map((leaf) => leaf.grad?.dataSync() ?? hostArray('float64', leaf.size));
    noGrad(() => {
      values.forEach((value, i) => {
        for (let e = 0; e < value.length; e++) {
          const shifted = (by: number): number =>
            scope(() => loss(at(values.map((v, j) => (j === i ? v.map((x, k) => (k === e ? x + by : x)) : v)))).item());
          const numeric = (shifted(eps) - shifted(-eps)) / (2 * eps);
          const recorded = analytic[i][e];
          if (!(Math.abs(recorded - numeric) <= atol + rtol * Math.abs(numeric))) {
            throw new AutogradError(
              `gradcheck: the derivative with respect to element ${e} of input ${i} is ${recorded}, central differences give ${numeric}`,
              { expected: String(numeric), received: String(recorded) },
            );
          }
        }
      });
    });
  });
  return true;
}

/**
 * The same for the second derivative: checks that the recorded derivative is itself recorded rightly.
 *
 * @param fn - as for `gradcheck`
 * @param inputs - float64 tensors
 * @param options - as for `gradcheck`
 * @returns true
 */
export function gradgradcheck(
  fn: (...inputs: Tensor[]) => Tensor | readonly Tensor[],
  inputs: readonly Tensor[],
  options?: GradcheckOptions,
): true {
  return gradcheck(
    (...tensors) =>
      enableGrad(() => {
        const out = fn(...tensors);
        const loss = (Array.isArray(out) ? (out as readonly Tensor[]) : [out as Tensor]).map(weighted).reduce((a, b) => a.add(b));
        return grad(loss, tensors, { createGraph: true });
      }),
    inputs,
    options,
  );
}

/** A sum with weights that differ from element to element, so that errors cannot cancel. */
function weighted(x: Tensor): Tensor {
  const weights = hostArray(x.dtype, x.size).map((_, i) => 0.5 + ((i * 7) % 11) / 11);
  return sum(mul(x, fromData(weights, x.shape, { dtype: x.dtype, backend: x.backend })));
}
