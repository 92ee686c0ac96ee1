import { checkOptions } from './checks/options.js';
import { runEagerly, type Scan } from './recurrence/eager.js';
import { explainRoad, type Explanation } from './recurrence/explanation.js';
import { findRoad, knownRoad, roadOf, type Road } from './recurrence/road.js';
import { makesTemporaries, runCompiled } from './recurrence/run-compiled.js';
import {
  checkResult,
  checkScan,
  formedAs,
  listOf,
  scanOptions,
  type ScanOptions,
  type Step,
  type StepParameters,
  type Tensors,
} from './recurrence/scan-arguments.js';
import { gatherTaps, type Records } from './recurrence/tap.js';
import { scope } from './scope.js';
import { Tensor } from './tensor.js';

/**
 * Runs a step over the time of a sequence: the loop of every recurrent layer.
 *
 * @example
 * ```ts
 * const step = (x: Tensor, h: Tensor) => { const next = tanh(linear(x, Wx, b).add(linear(h, Wh))); return [next, next] as const; };
 * const [ys, last] = scan(step, xs, zeros([B, H]), { lengths: [5, 3] });
 * ```
 * @param step - an ordinary function of tensors. It sees the input of one time step, `[B, ...]`, the state, and the parameters
 * @param xs - `[T, B, ...]`, or a list of such; without `lengths` and `resets` also `[T, ...]`
 * @param state - the state before the first step: a tensor or a list, each `[B, ...]`
 * @param options - `lengths`, `reverse`, `resets`, `parameters`, `record`
 * @returns the outputs stacked over time, `[T, ...]`, and the state after each row's last valid step; with `record` also an object with
 *   the named inner values, `[T, ...]` each, zero past the end of a row
 * @throws ShapeError, ArgumentError when sequences, lengths or states do not fit together, a step returns something else than an output and a
 *   state of the same shape as before, or `record` asks for a name that the step does not `tap`
 *
 * Differs from PyTorch: there a loop over time is written in Python. It is `jax.lax.scan` with lengths, resets and a direction.
 */
export function scan<
  X extends Tensors,
  S extends Tensors,
  Y extends Tensors,
  P extends StepParameters = StepParameters,
>(
  step: Step<X, S, Y, P>,
  xs: X,
  state: S,
  options: ScanOptions<P> & { readonly record: readonly string[] },
): [ys: Y, last: S, records: Records];
export function scan<
  X extends Tensors,
  S extends Tensors,
  Y extends Tensors,
  P extends StepParameters = StepParameters,
>(step: Step<X, S, Y, P>, xs: X, state: S, options?: ScanOptions<P>): [ys: Y, last: S];
export function scan<X extends Tensors, S extends Tensors, Y extends Tensors, P extends StepParameters>(
  step: Step<X, S, Y, P>,
  xs: X,
  state: S,
  options: ScanOptions<P> = {},
): [ys: Y, last: S, records: Records] | [ys: Y, last: S] {
  const arranged = arrange(step, xs, state, options);
  const known = knownRoad(arranged);
  // Most calls of a short sequence: their results are all that they make, so there is nothing to free.
  if (known !== undefined && !makesTemporaries(arranged, known))
    return inForm(state, options.record, run(arranged, known));
  return scope(() => inForm(state, options.record, run(arranged, known ?? findRoad(arranged))));
}

interface Results {
  readonly outputs: readonly Tensor[];
  readonly last: readonly Tensor[];
  readonly isSingle: boolean;
}

function run(scan: Scan, road: Road): Results {
  if (road.kind === 'eager') return runEagerly(scan);
  const [outputs, last] = runCompiled(scan, road);
  return { outputs, last, isSingle: road.plans.step.isSingle };
}

/** Results as the caller of `scan` gets them. */
function inForm<S extends Tensors, Y extends Tensors>(
  state: S,
  record: readonly string[] | undefined,
  { outputs, last, isSingle }: Results,
): [ys: Y, last: S, records: Records] | [ys: Y, last: S] {
  if (record === undefined) return [(isSingle ? outputs[0] : outputs) as Y, formedAs(state, last)];
  const own = outputs.slice(0, outputs.length - record.length);
  const records = Object.fromEntries(record.map((name, i) => [name, outputs[own.length + i]]));
  return [(isSingle ? own[0] : own) as Y, formedAs(state, last), records];
}

/** Checks the arguments and brings them into one form. */
function arrange<X extends Tensors, S extends Tensors, Y extends Tensors, P extends StepParameters>(
  step: Step<X, S, Y, P>,
  xs: X,
  state: S,
  options: ScanOptions<P>,
): Scan {
  const inputs = listOf(xs);
  const states = listOf(state);
  const extent = checkScan(step, inputs, states, options);
  const { record = nothing } = options;
  const parameters = (options.parameters ?? {}) as P;
  return {
    step: (x, s) => {
      const [result, tapped] = gatherTaps(record, () => step(formedAs(xs, x), formedAs(state, s), parameters));
      checkResult(result);
      const [y, next] = result;
      const outputs = listOf(y);
      return {
        outputs: tapped.length === 0 ? outputs : [...outputs, ...tapped],
        next: listOf(next),
        isSingle: y instanceof Tensor,
      };
    },
    source: step,
    record,
    inputs,
    states,
    form: (xs instanceof Tensor ? 0 : 1) + (state instanceof Tensor ? 0 : 2),
    parameters: options.parameters,
    compile: options.compile,
    extent,
    reverse: options.reverse === true,
  };
}

const nothing: readonly string[] = [];

/**
 * Says which road `scan` takes for a step on these arguments, and why. Nothing is computed; the step is called on symbols.
 *
 * @example
 * ```ts
 * const { road, reason } = explain((x: Tensor, h: Tensor) => [h, h.add(x.sum().item())], xs, h0);
 * // 'eager', since the step reads data
 * ```
 * @param step - as for `scan`
 * @param xs - as for `scan`
 * @param state - as for `scan`
 * @param options - as for `scan`
 * @returns the road, the reason if it is the eager one, the number of products before, in and after the loop, and the programs in words
 * @throws as `scan`, but for errors of the step itself, which are the reason of the eager road
 *
 * Differs from PyTorch: nothing there says so much; `torch._dynamo.explain` comes near.
 */
export function explain<
  X extends Tensors,
  S extends Tensors,
  Y extends Tensors,
  P extends StepParameters = StepParameters,
>(step: Step<X, S, Y, P>, xs: X, state: S, options: ScanOptions<P> = {}): Explanation {
  checkOptions('explain', options, scanOptions);
  // What would be refused is to be explained.
  const compile = options.compile === 'never' ? 'never' : 'auto';
  return explainRoad(roadOf(arrange(step, xs, state, { ...options, compile })));
}
