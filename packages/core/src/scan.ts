import { checkOptions } from './checks/options.js';
import { checkFunction } from './checks/values.js';
import { TraceError } from './errors.js';
import { runEagerly, type Scan } from './scan/eager.js';
import { explainDispatch, type Explanation } from './compiler/explain.js';
import { dispatch, dispatchAnew, recalledDispatch } from './compiler/dispatch.js';
import { drawAll } from './scan/random.js';
import type { CompiledDispatch } from './compiler/scan-traces.js';
import { loweredOf, type Lowered } from './compiler/lowered.js';
import { replayedStep } from './compiler/trace/replay.js';
import { runCompiled } from './compiler/run/run.js';
import {
  checkNext,
  checkResult,
  checkScan,
  checkTree,
  scanOptions,
  type ScanOptions,
  type Step,
  type StepParameters,
} from './scan/arguments.js';
import { gatherTaps, type Records } from './scan/tap.js';
import { scope } from './scope.js';
import type { Tensor } from './tensor.js';
import type { Tree, TreeForm, TreeOf } from './tree.js';

/**
 * Runs a step over the time of a sequence: the loop of every recurrent layer.
 *
 * @example
 * ```ts
 * const step = (x: Tensor, h: Tensor) => { const next = tanh(linear(x, Wx, b).add(linear(h, Wh))); return [next, next] as const; };
 * const [ys, last] = scan(step, xs, zeros([B, H]), { lengths: [5, 3] });
 * ```
 * @param step - an ordinary function of tensors. It sees the input of one time step, `[B, ...]`, the state, and the parameters
 * @param xs - `[T, B, ...]`, or lists and plain objects of such, nested as one likes; without `lengths` and `resets` also `[T, ...]`
 * @param state - the state before the first step: a tensor, or lists and objects, each `[B, ...]`. The step gets the state in this form and
 *   returns it so; its output may have a form of its own
 * @param options - `lengths`, `reverse`, `resets`, `parameters`, `record`
 * @returns the outputs stacked over time, `[T, ...]`, and the state after each row's last valid step; with `record` also an object with
 *   the named inner values, `[T, ...]` each, zero past the end of a row
 * @throws ShapeError, ArgumentError when sequences, lengths or states do not fit together, a step returns something else than an output and a
 *   state of the same shape as before, or `record` asks for a name that the step does not `tap`
 *
 * @example
 * ```ts
 * const [, { h, c }] = scan((x, { h, c }) => [h, { h: h.add(x).mul(c), c: c.add(x) }], xs, { h: h0, c: c0 });
 * ```
 * Differs from PyTorch: there a loop over time is written in Python. It is `jax.lax.scan` with lengths, resets and a direction.
 */
export function scan<
  const X extends object,
  const S extends object,
  const Y extends object,
  P extends StepParameters = StepParameters,
  const N extends TreeOf<S> = TreeOf<S>,
  const R extends readonly string[] = readonly string[],
>(
  step: Step<X, S, Y, P, N>,
  xs: X,
  state: S,
  options: ScanOptions<P> & { readonly record: R },
): [ys: TreeOf<Y>, last: TreeOf<S>, records: Records<R[number]>];
export function scan<
  const X extends object,
  const S extends object,
  const Y extends object,
  P extends StepParameters = StepParameters,
  const N extends TreeOf<S> = TreeOf<S>,
>(step: Step<X, S, Y, P, N>, xs: X, state: S, options?: ScanOptions<P>): [ys: TreeOf<Y>, last: TreeOf<S>];
export function scan(
  step: AnyStep,
  xs: object,
  state: object,
  options: ScanOptions = {},
): [ys: Tree, last: Tree, records: Records] | [ys: Tree, last: Tree] {
  const arranged = arrange(step, xs, state, options);
  const known = recalledDispatch(arranged);
  if (known !== undefined) return inForm(arranged, compiled(arranged, known));
  return scope(() => {
    const how = dispatchAnew(arranged);
    return inForm(arranged, how.kind === 'eager' ? runEagerly(arranged) : compiled(arranged, how));
  });
}

/** A step on trees that were made from the forms of its arguments. */
type AnyStep = (x: never, state: never, parameters: never) => unknown;

interface Results {
  readonly outputs: readonly Tensor[];
  readonly last: readonly Tensor[];
  /** Of the outputs. */
  readonly form: TreeForm;
}

/** Runs a scan by its programs. */
function compiled(scan: Scan, traced: CompiledDispatch): Results {
  const { inputs, states, reverse } = scan;
  const { steps, lengths, resets } = scan.extent;
  const { recording, draws, batched } = traced;
  const [{ backend, shape }] = inputs;
  const rows = batched ? shape[1] : 1;
  const extent = { steps, rows, lengths: lengths && Int32Array.from(lengths), resets };
  const { outputs, last } = runCompiled({
    name: 'scan',
    traced,
    inputs,
    states,
    extent,
    reverse,
    lead: batched ? [steps, rows] : [steps],
    isElementwise: false,
    draw: () => drawAll(draws, extent, rows, reverse, backend),
    again: (ends) => {
      const first = inputs.length + states.length;
      const again = runEagerly({
        ...scan,
        step: replayedStep(recording, ends.slice(first), draws),
        inputs: ends.slice(0, inputs.length),
        states: ends.slice(inputs.length, first),
      });
      return [...again.outputs, ...again.last];
    },
  });
  return { outputs, last, form: traced.plans.step.form };
}

/** Results as the caller of `scan` gets them. */
function inForm(
  { stateForm, record }: Scan,
  { outputs, last, form }: Results,
): [ys: Tree, last: Tree, records: Records] | [ys: Tree, last: Tree] {
  if (record === nothing) return [form.filled(outputs), stateForm.filled(last)];
  const own = outputs.slice(0, outputs.length - record.length);
  const records = Object.fromEntries(record.map((name, i) => [name, outputs[own.length + i]]));
  return [form.filled(own), stateForm.filled(last), records];
}

/** Checks the arguments and brings them into one form. */
function arrange(step: AnyStep, xs: object, state: object, options: ScanOptions): Scan {
  checkFunction('scan', 'step', step, 'of input, state and parameters');
  const inputForm = checkTree('scan', 'xs', xs);
  const stateForm = checkTree('scan', 'state', state);
  const inputs = inputForm.leavesOf(xs) as readonly Tensor[];
  const states = stateForm.leavesOf(state) as readonly Tensor[];
  const extent = checkScan(inputs, states, options);
  const { record = nothing, parameters } = options;
  return {
    step: (x, s) => {
      const call = step as (x: Tree, state: Tree, parameters: object) => unknown;
      const [result, tapped] = gatherTaps(record, () =>
        call(inputForm.filled(x), stateForm.filled(s), parameters ?? noParameters),
      );
      const form = checkResult(result);
      const [y, next] = result as [unknown, unknown];
      const outputs = form.leavesOf(y) as readonly Tensor[];
      return {
        outputs: tapped.length === 0 ? outputs : outputs.concat(tapped),
        next: checkNext(stateForm, next),
        form,
      };
    },
    source: step,
    record,
    inputs,
    states,
    inputForm,
    stateForm,
    parameters,
    compile: options.compile,
    extent,
    reverse: options.reverse === true,
  };
}

const noParameters = {};
const nothing: readonly string[] = [];

/**
 * Says which mode `scan` runs a step in on these arguments, and why. Nothing is computed; the step is called on symbols.
 *
 * @example
 * ```ts
 * const { mode, reason } = explain((x: Tensor, h: Tensor) => [h, h.add(x.sum().item())], xs, h0);
 * // 'eager', since the step reads data
 * ```
 * @param step - as for `scan`
 * @param xs - as for `scan`
 * @param state - as for `scan`
 * @param options - as for `scan`
 * @returns the mode, the reason if it is the eager one, the number of products before, in and after the loop, and the programs in words
 * @throws as `scan`, but for errors of the step itself, which are the reason of the eager mode
 *
 * Differs from PyTorch: nothing there says so much; `torch._dynamo.explain` comes near.
 */
export function explain<
  const X extends object,
  const S extends object,
  const Y extends object,
  P extends StepParameters = StepParameters,
  const N extends TreeOf<S> = TreeOf<S>,
>(step: Step<X, S, Y, P, N>, xs: X, state: S, options: ScanOptions<P> = {}): Explanation {
  checkOptions('explain', options, scanOptions);
  // What would be refused is to be explained.
  const compile = options.compile === 'never' ? 'never' : 'auto';
  return explainDispatch(dispatch(arrange(step, xs, state, { ...options, compile })));
}

/**
 * The programs of a step as data: what a backend gets from `scan`, with the names of what goes in and out. For whoever writes them in another
 * form (ONNX, shaders, C) or reads them. Nothing is computed; the step is called on symbols.
 *
 * @example
 * ```ts
 * const { forward } = lower((x: Tensor, h: Tensor) => [h, tanh(x.add(h))], zeros([5, 2, 3]), zeros([2, 3]));
 * forward.stages.map(({ when, program }) => [when, showProgram(program)]);   // one loop
 * ```
 * @param step - as for `scan`
 * @param xs - as for `scan`
 * @param state - as for `scan`
 * @param options - as for `scan`; lengths and resets are not part of the programs, see `maskProgram`
 * @returns names of inputs, states and captured tensors, and the passes: the forward one, and both of a training where a gradient is wanted
 * @throws as `scan`, and TraceError with the reason for a step that cannot be compiled
 *
 * Differs from PyTorch: comparable to `torch.export`, for one step of a recurrence.
 */
export function lower<
  const X extends object,
  const S extends object,
  const Y extends object,
  P extends StepParameters = StepParameters,
  const N extends TreeOf<S> = TreeOf<S>,
>(step: Step<X, S, Y, P, N>, xs: X, state: S, options: ScanOptions<P> = {}): Lowered {
  checkOptions('lower', options, scanOptions);
  const how = dispatch(arrange(step, xs, state, { ...options, compile: 'required' }));
  if (how.kind === 'eager') throw new TraceError(`lower: ${how.reason}`);
  return loweredOf(how);
}
