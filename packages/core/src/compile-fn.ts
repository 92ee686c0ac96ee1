import { ShapeError } from './errors.js';
import { checkTensors } from './ops/operands.js';
import { OneStep } from './recurrence/one-step.js';
import { listOf, type StepParameters, type Tensors } from './recurrence/scan-arguments.js';
import { placeOf } from './record.js';
import { showShape } from './shape.js';
import { Tensor } from './tensor.js';

/** A function of tensors in which every row is independent of the others; it sees matrices `[rows, features]`. */
export type RowwiseFunction<X extends Tensors, Y extends Tensors, P extends StepParameters = StepParameters> = (
  x: X,
  parameters: P,
) => Y;

/** What `compileFn` makes. */
export type CompiledFunction<X extends Tensors, Y extends Tensors, P extends StepParameters = StepParameters> = (
  x: X,
  parameters?: P,
) => Y;

/**
 * Makes one operation of a chain of operations. The function is called once for each signature of its arguments, on symbols, and what it
 * computes becomes one program, forward and backward. On a backend without `compile`, and where a function does what a program cannot
 * (see `scan`), it runs by single operations with the same numbers.
 *
 * @example
 * ```ts
 * const gelu = compileFn((x: Tensor) => x.mul(x.mul(1.702).sigmoid()));
 * gelu(randn([7, 5, 3]));                                                       // [7, 5, 3]
 * const scaled = compileFn(([x, y]: readonly Tensor[], { w }: { w: Tensor }) => x.mul(w).add(y));
 * scaled([randn([5, 3]), randn([5, 3])], { w: randn([3]) });                    // [5, 3]
 * ```
 * @param fn - a function of one tensor or a list of them. It is called with matrices: the last dimension of each tensor as its features,
 *   all dimensions in front as rows. It must treat all rows alike, and return `[rows, ...]`, one tensor or a list
 * @returns the function on tensors `[..., features]` with common leading dimensions, and parameters: an object, such as a module, whose
 *   tensors are the same for all rows. Everything else in it (numbers, flags) is a constant of the trace, so a number that changes from
 *   call to call had better be a tensor. A function that uses tensors from around it, not from its arguments, is traced at each call
 *
 * The compiled function returns `[..., ...]`: the leading dimensions, then what a row makes. It is recorded as one operation, may be
 * differentiated again, and throws ShapeError when the leading dimensions differ, or a tensor has no dimension; BackendError
 * (`ERR_MIXED_BACKENDS`) or DTypeError (`ERR_MIXED_DTYPES`) for tensors of two backends or types.
 *
 * Differs from PyTorch: `torch.compile` there takes any function.
 */
export function compileFn<X extends Tensors, Y extends Tensors, P extends StepParameters = StepParameters>(
  fn: RowwiseFunction<X, Y, P>,
): CompiledFunction<X, Y, P> {
  const name = fn.name === '' ? 'compiled function' : fn.name;
  const single = new OneStep(name, ([x], parameters) => made(fn(x as X, parameters as P)));
  const several = new OneStep(name, (x, parameters) => made(fn(x as X, parameters as P)));
  return (x, parameters) => {
    const inputs = listOf(x);
    checkInputs(name, inputs);
    const { outputs, isSingle } = (x instanceof Tensor ? single : several).run(inputs, parameters ?? noParameters);
    return (isSingle ? outputs[0] : outputs) as Y;
  };
}

const noParameters: StepParameters = {};

function made(result: Tensors): { readonly outputs: readonly Tensor[]; readonly isSingle: boolean } {
  return { outputs: listOf(result), isSingle: result instanceof Tensor };
}

function checkInputs(operation: string, inputs: readonly Tensor[]): void {
  checkTensors(operation, inputs);
  placeOf(operation, inputs);
  const { shape } = inputs[0];
  for (let i = 0; i < inputs.length; i++) {
    const other = inputs[i].shape;
    let isFit = other.length > 0 && other.length === shape.length;
    for (let dim = 0; isFit && dim < shape.length - 1; dim++) isFit = shape[dim] === other[dim];
    if (isFit) continue;
    throw new ShapeError(
      `${operation}: x has shape${inputs.length > 1 ? 's' : ''} ${inputs.map((input) => showShape(input.shape)).join(', ')}, expected [..., features] with the same dimensions in front`,
      { argument: 'x', expected: '[..., features]', received: showShape(other) },
    );
  }
}
