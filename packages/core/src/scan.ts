import { runEagerly } from './recurrence/eager.js';
import { explainRoad, findRoad, runCompiled, type Explanation } from './recurrence/recurrence.js';
import { checkScan, formedAs, listOf, type ScanOptions, type Step, type Tensors } from './recurrence/scan-arguments.js';
import { scope } from './scope.js';

/**
 * Runs a step over the time of a sequence: the loop of every recurrent layer.
 *
 * @example
 * ```ts
 * const step = (x: Tensor, h: Tensor) => { const next = tanh(linear(x, Wx, b).add(linear(h, Wh))); return [next, next] as const; };
 * const [ys, last] = scan(step, xs, zeros([B, H]), { lengths: [5, 3] });
 * ```
 * @param step - an ordinary function of tensors. It sees the input of one time step, `[B, ...]`
 * @param xs - `[T, B, ...]`, or a list of such; without `lengths` and `resets` also `[T, ...]`
 * @param state - the state before the first step: a tensor or a list, each `[B, ...]`
 * @param options - `lengths`, `reverse`, `resets`
 * @returns the outputs stacked over time, `[T, ...]`, and the state after each row's last valid step
 * @throws ShapeError, ArgumentError when sequences, lengths or states do not fit together, or a step changes the state's shape
 */
export function scan<X extends Tensors, S extends Tensors, Y extends Tensors>(
  step: Step<X, S, Y>,
  xs: X,
  state: S,
  options: ScanOptions = {},
): [ys: Y, last: S] {
  const sequences = listOf(xs);
  const initial = listOf(state);
  const extent = checkScan(sequences, initial, options);
  const reverse = options.reverse === true;
  return scope(() => {
    const road = findRoad(step, xs, state, extent, reverse);
    if (road.kind === 'eager') return runEagerly(step, xs, state, extent, reverse);
    const [outputs, last] = runCompiled(step, xs, state, extent, reverse, road);
    return [(road.plans.step.isSingle ? outputs[0] : outputs) as Y, formedAs(state, last)];
  });
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
export function explain<X extends Tensors, S extends Tensors, Y extends Tensors>(step: Step<X, S, Y>, xs: X, state: S, options: ScanOptions = {}): Explanation {
  const extent = checkScan(listOf(xs), listOf(state), options);
  return explainRoad(findRoad(step, xs, state, extent, options.reverse === true));
}
