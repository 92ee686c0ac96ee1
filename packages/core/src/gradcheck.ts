import { withDefaults } from './checks/options.js';
import { refuse } from './checks/refusal.js';
import { checkTensors } from './checks/tensors.js';
import { checkFunction, checkNumber } from './checks/values.js';
import { backward, grad } from './backward.js';
import { hostArray, type TypedArray } from './dtype.js';
import { AutogradError, DTypeError } from './errors.js';
import { enableGrad, noGrad } from './grad-mode.js';
import { add, mul } from './ops/arithmetic.js';
import { sum } from './ops/broadcast.js';
import { fromData } from './ops/create.js';
import { scope } from './scope.js';
import { Tensor } from './tensor.js';

/** A function to differentiate: its result may be one tensor or several. */
type Differentiable = (...inputs: Tensor[]) => Tensor | readonly Tensor[];

export interface GradcheckOptions {
  /** Width of the central differences; 1e-6 unless said otherwise, as in PyTorch. */
  readonly eps?: number;
  /** Largest absolute difference, 1e-5 unless said otherwise. */
  readonly atol?: number;
  /**
   * Largest difference relative to the central difference, added to `atol`; 1e-3 unless said
   * otherwise.
   */
  readonly rtol?: number;
}

/**
 * Compares the recorded derivative of a function with central differences. For authors of new
 * operations.
 *
 * @example
 * ```ts
 * gradcheck((x) => tanh(x), [randn([3], { dtype: 'float64' })]); // true, or an error that says where
 * ```
 * @param fn - a function of float64 tensors; its results may have any shape
 * @param inputs - float64 tensors
 * @param options - `eps`, `atol`, `rtol`
 * @returns true
 * @throws AutogradError with the input, the element and both numbers, at the first difference;
 *   DTypeError for coarser types
 *
 * Differs from PyTorch: compares the derivative of a sum of all results with fixed uneven weights,
 * not each result by itself.
 */
export function gradcheck(fn: Differentiable, inputs: readonly Tensor[], options: GradcheckOptions = {}): true {
  checkFunction('gradcheck', 'fn', fn, '(...inputs) => Tensor | Tensor[]');
  checkInputs('gradcheck', inputs);
  const { eps, atol, rtol } = withDefaults('gradcheck', { eps: 1e-6, atol: 1e-5, rtol: 1e-3 }, options);
  checkNumber('gradcheck', 'eps', eps, { above: 0 });
  checkNumber('gradcheck', 'atol', atol, { from: 0 });
  checkNumber('gradcheck', 'rtol', rtol, { from: 0 });
  const values = inputs.map((input) => input.dataSync());
  const tensorsOf = (data: readonly TypedArray[]): Tensor[] =>
    data.map((d, i) => fromData(d, inputs[i].shape, { backend: inputs[i].backend, requiresGrad: true }));
  const analytic = scope(() => {
    const leaves = tensorsOf(values);
    const loss = enableGrad(() => weightedSum(fn(...leaves)));
    if (loss.requiresGrad) backward(loss); // if not, the recorded derivative is zero
    return leaves.map((leaf) => leaf.grad?.dataSync() ?? hostArray('float64', leaf.size));
  });
  const lossAt = (input: number, element: number, by: number): number => {
    const shifted = values.map((value, i) => (i === input ? value.map((x, e) => (e === element ? x + by : x)) : value));
    return scope(() => noGrad(() => weightedSum(fn(...tensorsOf(shifted)))).item());
  };
  values.forEach((value, i) => {
    for (let e = 0; e < value.length; e++) {
      const numeric = (lossAt(i, e, eps) - lossAt(i, e, -eps)) / (2 * eps);
      const recorded = analytic[i][e];
      if (Math.abs(recorded - numeric) <= atol + rtol * Math.abs(numeric)) continue;
      refuse(AutogradError, 'gradcheck', `the derivative with respect to element ${e} of input ${i}`, {
        received: String(recorded),
        expected: `${numeric} by central differences`,
      });
    }
  });
  return true;
}

/**
 * The same for the second derivative: checks that the recorded derivative is itself recorded
 * rightly, with respect to the inputs and to the gradients that come from behind.
 *
 * @example
 * ```ts
 * gradgradcheck((x) => x.tanh().mul(x), [randn([3], { dtype: 'float64' })]); // true
 * ```
 * @param fn - as for `gradcheck`
 * @param inputs - float64 tensors
 * @param options - as for `gradcheck`
 * @returns true
 * @throws AutogradError, DTypeError as `gradcheck`
 */
export function gradgradcheck(fn: Differentiable, inputs: readonly Tensor[], options?: GradcheckOptions): true {
  checkFunction('gradgradcheck', 'fn', fn, '(...inputs) => Tensor | Tensor[]');
  checkInputs('gradgradcheck', inputs);
  return scope(() => {
    const behind = noGrad(() => listOf(fn(...inputs)).map((result) => unevenLike(result)));
    const derivative = (...all: Tensor[]): Tensor[] =>
      enableGrad(() => {
        const variables = all.slice(0, inputs.length);
        const gradients = all.slice(inputs.length);
        return grad(total(listOf(fn(...variables)).map((result, i) => mul(result, gradients[i]))), variables, {
          createGraph: true,
        });
      });
    return gradcheck(derivative, [...inputs, ...behind], options);
  });
}

function checkInputs(operation: string, inputs: readonly Tensor[]): void {
  checkTensors(operation, 'inputs', inputs);
  inputs.forEach(({ dtype }, i) => {
    if (dtype === 'float64') return;
    const hint = 'differences of coarser numbers say nothing';
    refuse(DTypeError, operation, `inputs[${i}]`, { received: dtype, expected: 'float64', hint });
  });
}

function listOf(results: Tensor | readonly Tensor[]): readonly Tensor[] {
  const list = results instanceof Tensor ? [results] : results;
  checkTensors('gradcheck', 'what fn returned', list);
  return list;
}

function weightedSum(results: Tensor | readonly Tensor[]): Tensor {
  return total(listOf(results).map((result) => mul(result, unevenLike(result))));
}

function total(terms: readonly Tensor[]): Tensor {
  return terms.map((term) => sum(term)).reduce((a, b) => add(a, b));
}

/** Weights that differ from element to element, so that errors cannot cancel. */
function unevenLike({ dtype, size, shape, backend }: Tensor): Tensor {
  const weights = hostArray(dtype, size).map((_, i) => 0.5 + ((i * 7) % 11) / 11);
  return fromData(weights, shape, { backend });
}
