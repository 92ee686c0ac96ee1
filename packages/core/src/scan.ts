import { runEagerly, type Scan } from './recurrence/eager.js';
import { explainRoad, type Explanation } from './recurrence/explanation.js';
import { findRoad } from './recurrence/road.js';
import { runCompiled } from './recurrence/run-compiled.js';
import {
  checkScan,
  formedAs,
  listOf,
  type ScanOptions,
  type Step,
  type StepParameters,
  type Tensors,
} from './recurrence/scan-arguments.js';
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
 * @param options - `lengths`, `reverse`, `resets`, `parameters`
 * @returns the outputs stacked over time, `[T, ...]`, and the state after each row's last valid step
 * @throws ShapeError, ArgumentError when sequences, lengths or states do not fit together, or a step changes the state's shape
 */
export function scan<
  X extends Tensors,
  S extends Tensors,
  Y extends Tensors,
  P extends StepParameters = StepParameters,
>(step: Step<X, S, Y, P>, xs: X, state: S, options: ScanOptions<P> = {}): [ys: Y, last: S] {
  const arranged = arrange(step, xs, state, options);
  return scope(() => {
    const road = findRoad(arranged);
    if (road.kind === 'eager') {
      const { outputs, last, isSingle } = runEagerly(arranged);
      return [(isSingle ? outputs[0] : outputs) as Y, formedAs(state, last)];
    }
    const [outputs, last] = runCompiled(arranged, road);
    return [(road.plans.step.isSingle ? outputs[0] : outputs) as Y, formedAs(state, last)];
  });
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
  const extent = checkScan(inputs, states, options);
  const parameters = (options.parameters ?? {}) as P;
  return {
    step: (x, s) => {
      const [y, next] = step(formedAs(xs, x), formedAs(state, s), parameters);
      return { outputs: listOf(y), next: listOf(next), isSingle: y instanceof Tensor };
    },
    source: step,
    inputs,
    states,
    parameters:
      options.parameters &&
      Object.values(options.parameters).filter((value): value is Tensor => value instanceof Tensor),
    extent,
    reverse: options.reverse === true,
  };
}

/**
 * Says which road `scan` takes for a step on these arguments, and why.
 *
 * @param step - as for `scan`
 * @param xs - as for `scan`
 * @param state - as for `scan`
 * @param options - as for `scan`
 * @returns the road, the reason if it is the eager one, the number of products before, in and after the loop, and the programs in words
 */
export function explain<
  X extends Tensors,
  S extends Tensors,
  Y extends Tensors,
  P extends StepParameters = StepParameters,
>(step: Step<X, S, Y, P>, xs: X, state: S, options: ScanOptions<P> = {}): Explanation {
  return explainRoad(findRoad(arrange(step, xs, state, options)));
}
