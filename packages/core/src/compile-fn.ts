import { checkOptions } from './checks/options.js';
import { refuse } from './checks/refusal.js';
import { checkTensors } from './checks/tensors.js';
import { checkFlag, checkFunction } from './checks/values.js';
import { checkCompileMode, type CompileMode } from './compile-mode.js';
import { ShapeError } from './errors.js';
import { compilerFor } from './compiler-slot.js';
import { checkTree, type StepParameters } from './scan/arguments.js';
import { placeOf } from './record.js';
import { EagerRows, type RowFunction, type RowResults, type RowRunner } from './row-wise.js';
import { showShape } from './shape.js';
import type { Tensor } from './tensor.js';
import type { Tree, TreeForm } from './tree.js';

/**
 * A function of tensors in which every row is independent of the others; it sees matrices
 * `[rows, features]`.
 */
export type RowwiseFunction<X extends Tree, Y extends Tree, P extends StepParameters = StepParameters> = (
  x: X,
  parameters: P,
) => Y;

/** What `compileFn` makes. */
export interface CompiledFunction<X extends Tree, Y extends Tree, P extends StepParameters = StepParameters> {
  (x: X, parameters?: P): Y;
  /**
   * The result of a call that came before but for the tensors' values, found in one comparison: for
   * a caller with checks of its own, which such a call has passed.
   *
   * @param x - as for the function; anything
   * @param parameters - as for the function
   * @returns nothing where the call may be any other, also one that is recorded for `backward`
   */
  readonly bound: (x: X, parameters?: P) => Y | undefined;
}

export interface CompileFnOptions {
  /**
   * The function works on each element by itself: its inputs have one shape, whichever, and its
   * results have the same. One program then serves all shapes.
   */
  readonly elementwise?: boolean;
  /**
   * A promise that the function does the same for any number of rows: it never looks at the size in
   * front. One call on symbols then serves all sizes; otherwise each new number of rows costs one,
   * since a size may decide what is computed.
   */
  readonly anyRows?: boolean;
  /**
   * The mean over all elements of what the function makes is the result, a single number, as one
   * operation: a loss.
   */
  readonly mean?: boolean;
  /**
   * What to do where the function cannot be compiled: `'auto'` (run it by single operations),
   * `'required'` (throw a TraceError that says why), `'never'` (do not try).
   */
  readonly compile?: CompileMode;
}

/**
 * Makes one operation of a chain of operations. The function is called once for each form of its
 * arguments, on symbols, and what it computes becomes one program, forward and backward. On a
 * backend without `compile`, and where a function does what a program cannot (see `scan`), it runs
 * by single operations with the same numbers.
 *
 * @example
 * ```ts
 * const gelu = compileFn((x: Tensor) => x.mul(x.mul(1.702).sigmoid()), { elementwise: true });
 * gelu(randn([7, 5, 3]));                                                       // [7, 5, 3]
 * const scaled = compileFn(([x, y]: readonly Tensor[], { w }: { w: Tensor }) => x.mul(w).add(y));
 * scaled([randn([5, 3]), randn([5, 3])], { w: randn([3]) });                    // [5, 3]
 * ```
 * @param fn - a function of one tensor or a list of them. It is called with matrices
 *   `[rows, features]`: the last dimension of each tensor as its features, all dimensions in front
 *   as rows. It must treat all rows alike, and return `[rows, ...]`, one tensor or a list
 * @param options - `elementwise` (false): the function is called with columns `[elements, 1]`, and
 *   returns such; `mean` (false): the result is its mean; `anyRows`, `compile`
 * @returns the function on tensors `[..., features]` with common leading dimensions, and
 *   parameters: an object, such as a module, whose tensors are the same for all rows. Everything
 *   else in it (numbers, flags) is a constant of the trace, so a number that changes from call to
 *   call had better be a tensor. A function that uses tensors from around it, not from its
 *   arguments, is traced at each call.
 *   A number from around it stays what it was at the first call: give it as a parameter.
 *   It returns `[..., ...]`: the leading dimensions, then what a row makes; elementwise the shape
 *   of its inputs. A call is recorded as one operation and may be differentiated again
 * @throws by the function that it returns: ShapeError when the leading dimensions (elementwise: the
 *   shapes) differ, or a tensor has no dimension; BackendError (`ERR_MIXED_BACKENDS`) or DTypeError
 *   (`ERR_MIXED_DTYPES`) for tensors of two backends or types
 *
 * Differs from PyTorch: `torch.compile` there takes any function.
 */
export function compileFn<X extends Tree = Tensor, Y extends Tree = Tensor, P extends StepParameters = StepParameters>(
  fn: RowwiseFunction<X, Y, P>,
  options: CompileFnOptions = {},
): CompiledFunction<X, Y, P> {
  checkFunction('compileFn', 'fn', fn, '(x, parameters) => Tensor | Tensor[]');
  checkOptions('compileFn', options, compileOptions);
  const { elementwise = false, anyRows = false, mean = false, compile } = options;
  checkFlag('compileFn', 'elementwise', elementwise);
  checkFlag('compileFn', 'anyRows', anyRows);
  checkFlag('compileFn', 'mean', mean);
  if (compile !== undefined) checkCompileMode('compileFn', 'compile', compile);
  const name = fn.name === '' ? 'compiled function' : fn.name;
  const row = { elementwise, compile, anyRows, mean };
  const byForm = new Map<TreeForm, RowRunner>();
  const stepFor = (form: TreeForm): RowRunner => {
    let step = byForm.get(form);
    if (step === undefined) {
      const onLists: RowFunction = (x, parameters) => made(name, fn(form.filled(x) as X, parameters as P));
      step = compilerFor(name, compile)?.rowRunner(name, onLists, row) ?? new EagerRows(onLists, row);
      byForm.set(form, step);
    }
    return step;
  };
  /** What ran last: mostly the next call has arguments of the same form. */
  let last: { readonly form: TreeForm; readonly step: RowRunner } | undefined;
  const bound = (x: X, parameters: P | undefined): Y | undefined => {
    const inputs = last?.form.leavesOf(x);
    const found = inputs && last?.step.runBound(inputs, parameters ?? noParameters);
    return found && (found.form.treeOf(found.outputs) as Y);
  };
  const checked = (x: X, parameters: P | undefined): Y => {
    const inputForm = checkTree(name, 'inputs', x);
    const inputs = inputForm.leavesOf(x) as readonly Tensor[];
    checkInputs(name, inputs, elementwise);
    const step = stepFor(inputForm);
    last = { form: inputForm, step };
    const { outputs, form } = step.run(inputs, parameters ?? noParameters);
    return form.filled(outputs) as Y;
  };
  return Object.assign((x: X, parameters?: P): Y => bound(x, parameters) ?? checked(x, parameters), { bound });
}

/** Every name of `CompileFnOptions`: one that is missing here does not compile. */
const compileOptions = /* @__PURE__ */ Object.keys({
  elementwise: true,
  anyRows: true,
  mean: true,
  compile: true,
} satisfies Record<keyof CompileFnOptions, true>);

const noParameters: StepParameters = {};

function made(operation: string, result: unknown): RowResults {
  const form = checkTree(operation, 'the result', result);
  return { outputs: form.leavesOf(result) as readonly Tensor[], form };
}

function checkInputs(operation: string, inputs: readonly Tensor[], elementwise: boolean): void {
  if (inputs.length === 0) checkTensors(operation, 'inputs', inputs); // tensors they are: see `checkTree`
  placeOf(operation, inputs);
  const { shape } = inputs[0];
  const lead = elementwise ? shape.length : shape.length - 1;
  for (let i = 0; i < inputs.length; i++) {
    const other = inputs[i].shape;
    let isFit = lead >= 0 && other.length === shape.length;
    for (let dim = 0; isFit && dim < lead; dim++) isFit = shape[dim] === other[dim];
    if (isFit) continue;
    refuse(ShapeError, operation, 'x', {
      has: inputs.length > 1 ? 'shapes' : 'shape',
      received: inputs.map((input) => showShape(input.shape)).join(', '),
      expected: elementwise ? 'one shape' : '[..., features] with the same dimensions in front',
    });
  }
}
