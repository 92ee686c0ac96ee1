import { checkOptions } from './checks/options.js';
import { refuse } from './checks/refusal.js';
import { checkTensor } from './checks/tensors.js';
import { checkFunction, checkList, checkText } from './checks/values.js';
import { ArgumentError, AutogradError } from './errors.js';
import { recordComposition, type Composition, type Derivative } from './record.js';
import { sameShape, showShape } from './shape.js';
import type { Tensor } from './tensor.js';

/** An operation made of others, with a derivative of its own. */
export type CustomOperation = Composition;

/**
 * An operation with a derivative of your own, where the one that would be recorded is not the one
 * to use. Check it with `gradcheck`.
 *
 * @example
 * ```ts
 * const cube = (x: Tensor) => customOperation({
 *   name: 'cube', inputs: [x],
 *   forward: () => ({ result: x.pow(3), saved: [x] }),
 *   derivatives: [(grad, [x]) => grad.mul(x.square()).mul(3)],
 * });
 * ```
 * @param operation - name, inputs, the computation, and one derivative an input, called only when
 *   that input wants a gradient;
 *   derivatives are written with operations, so that they run on any backend and can be
 *   differentiated again
 * @returns the result, recorded
 * @throws ArgumentError unless there is one derivative an input; in `backward`, AutogradError when
 *   a derivative gives another shape than its input's
 */
export function customOperation(operation: CustomOperation): Tensor {
  checkCustom(operation);
  const { name, inputs, forward, derivatives } = operation;
  if (derivatives.length !== inputs.length) {
    const [received, expected] = [String(derivatives.length), `${inputs.length}, one an input`];
    refuse(ArgumentError, name, 'derivatives', { has: 'length', received, expected });
  }
  const result = recordComposition({
    name,
    inputs,
    forward,
    derivatives: derivatives.map((rule, i) => ofForm(name, rule, inputs[i])),
  });
  if (result.edge !== undefined) result.edge.node.isCustom = true;
  return result;
}

function checkCustom(operation: CustomOperation): void {
  const owner = 'customOperation';
  checkOptions(owner, operation, ['name', 'inputs', 'forward', 'derivatives'], 'operation');
  const { name, inputs, forward, derivatives } = operation;
  checkText(owner, 'name', name);
  checkList(owner, 'inputs', inputs, 'Tensors');
  inputs.forEach((input, i) => checkTensor(name, `inputs[${i}]`, input));
  checkFunction(name, 'forward', forward, '() => { result, saved }');
  checkList(name, 'derivatives', derivatives, 'functions');
  derivatives.forEach((derivative, i) =>
    checkFunction(name, `derivatives[${i}]`, derivative, '(grad, saved) => Tensor'),
  );
}

/** A derivative whose result is held against the shape and the type of its input. */
function ofForm(name: string, derivative: Derivative, { shape, dtype }: Tensor): Derivative {
  return (grad, saved) => {
    const result = derivative(grad, saved);
    checkTensor(name, 'a derivative', result);
    if (result.dtype !== dtype) {
      const [received, expected] = [result.dtype, `the type of its input, ${dtype}`];
      refuse(AutogradError, name, 'a derivative', { received, expected });
    }
    if (sameShape(result.shape, shape)) return result;
    const [received, expected] = [showShape(result.shape), `that of its input, ${showShape(shape)}`];
    refuse(AutogradError, name, 'a derivative', { has: 'shape', received, expected });
  };
}
