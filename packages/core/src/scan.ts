import { checkOptions } from './checks/options.js';
import { compilerFor, installedCompiler } from './compiler-slot.js';
import { zeros } from './ops/fill.js';
import { concat } from './ops/join.js';
import { narrow } from './ops/slice.js';
import { runEagerly, type Scan, type ScanResults } from './scan/eager.js';
import { scanOptions, type ScanOptions, type Step, type StepParameters } from './scan/arguments.js';
import { arrange, type AnyStep } from './scan/arrange.js';
import type { Records } from './scan/tap.js';
import { scope } from './scope.js';
import type { Tree, TreeOf } from './tree.js';

/**
 * Runs a step over the time of a sequence: the loop of every recurrent layer.
 *
 * @example
 * ```ts
 * const step = (x: Tensor, h: Tensor) => {
 *   const next = tanh(linear(x, Wx, b).add(linear(h, Wh)));
 *   return [next, next] as const;
 * };
 * const [ys, last] = scan(step, xs, zeros([B, H]), { lengths: [5, 3] });
 * ```
 * @param step - an ordinary function of tensors. It sees the input of one time step, `[B, ...]`,
 *   the state, and the parameters
 * @param xs - `[T, B, ...]`, or lists and plain objects of such, nested as one likes; without
 *   `lengths` and `resets` also `[T, ...]`
 * @param state - the state before the first step: a tensor, or lists and objects, each `[B, ...]`.
 *   The step gets the state in this form and returns it so; its output may have a form of its own
 * @param options - `lengths`, `reverse`, `resets` (and `resetTo`), `parameters`, `record`
 * @returns the outputs stacked over time, `[T, ...]`, and the state after each row's last valid
 *   step; with `record` also an object with the named inner values, `[T, ...]` each, zero past the
 *   end of a row
 * @throws ShapeError, ArgumentError when sequences, lengths or states do not fit together, a step
 *   returns something else than an output and a state of the same shape as before, or `record` asks
 *   for a name that the step does not `tap`
 *
 * @example
 * ```ts
 * const [, { h, c }] = scan((x, { h, c }) => [h, { h: h.add(x).mul(c), c: c.add(x) }], xs, {
 *   h: h0,
 *   c: c0,
 * });
 * ```
 * Differs from PyTorch: there a loop over time is written in Python. It is `jax.lax.scan` with
 * lengths, resets and a direction.
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
  // What is no object has no fields to look at.
  if (typeof options !== 'object' || options === null) checkOptions('scan', options, scanOptions);
  const bound = installedCompiler()?.boundScan(step, xs, state, options);
  if (bound !== undefined) return bound;
  // Marks of resets are made along with the arrangement, and go with it.
  return scope(() => {
    const arranged = arrange(step, xs, state, options);
    const compiler = compilerFor('scan', arranged.compile);
    const run = (scan: Scan): ScanResults => compiler?.compiledScan(scan) ?? runEagerly(scan);
    const { steps, lengths } = arranged.extent;
    // As many as the longest row has, and one, without effect, where no row has any.
    const isWhole = lengths === undefined || arranged.inputs[0].backend.info.records;
    const count = isWhole ? steps : lengths.reduce((a, b) => Math.max(a, b), 1);
    const results = count < steps ? ofFirstSteps(arranged, count, run) : run(arranged);
    return inForm(arranged, results, options.record);
  });
}

/**
 * The results of a scan whose rows all end within the first steps: what lies behind is never read,
 * and the outputs are zero there.
 */
function ofFirstSteps(scan: Scan, count: number, run: (scan: Scan) => ScanResults): ScanResults {
  const { inputs, extent } = scan;
  const { steps, lengths, resets } = extent;
  const { outputs, ...rest } = run({
    ...scan,
    inputs: inputs.map((x) => narrow(x, 0, 0, count)),
    extent: { steps: count, lengths, resets: resets?.subarray(0, count * (resets.length / steps)) },
  });
  const lengthened = outputs.map((y) => {
    const { shape, dtype, backend } = y;
    return concat([y, zeros([steps - count, ...shape.slice(1)], { dtype, backend })]);
  });
  return { ...rest, outputs: lengthened };
}

/** Results as the caller of `scan` gets them. */
function inForm(
  { stateForm }: Scan,
  { outputs, last, form }: ScanResults,
  record: readonly string[] | undefined,
): [ys: Tree, last: Tree, records: Records] | [ys: Tree, last: Tree] {
  if (record === undefined) return [form.filled(outputs), stateForm.filled(last)];
  const own = outputs.slice(0, outputs.length - record.length);
  const records = Object.fromEntries(record.map((name, i) => [name, outputs[own.length + i]]));
  return [form.filled(own), stateForm.filled(last), records];
}
