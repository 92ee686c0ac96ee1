/** What becomes of a step, without running it: in words, and as data. */
import { checkOptions } from './checks/options.js';
import { compilerFor } from './compiler-slot.js';
import type { Explanation, Lowered } from './explanation.js';
import { arrange } from './scan/arrange.js';
import { scope } from './scope.js';
import { scanOptions, type ScanOptions, type Step, type StepParameters } from './scan/arguments.js';
import type { TreeOf } from './tree.js';

/**
 * Says which mode `scan` runs a step in on these arguments, and why. Nothing is computed; the step
 * is called on symbols.
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
 * @returns the mode, the reason if it is the eager one, the number of products before, in and after
 *   the loop, how each carried tensor depends on those before the step, and the programs in words
 * @throws as `scan`, but for errors of the step itself, which are the reason of the eager mode
 *
 * A call of a few rows and steps that is not recorded runs all of it in the loop, which takes less
 * time there.
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
  return scope(() => {
    const scan = arrange(step, xs, state, { ...options, compile });
    return compilerFor('explain', 'required').explainScan(scan);
  });
}

/**
 * The programs of a step as data: what a backend gets from `scan`, with the names of what goes in
 * and out. For whoever writes them in another form (ONNX, shaders, C) or reads them. Nothing is
 * computed; the step is called on symbols.
 *
 * @example
 * ```ts
 * const { forward } = lower(
 *   (x: Tensor, h: Tensor) => [h, tanh(x.add(h))],
 *   zeros([5, 2, 3]),
 *   zeros([2, 3]),
 * );
 * forward.stages.map(({ when, program }) => [when, showProgram(program)]); // one loop
 * ```
 * @param step - as for `scan`
 * @param xs - as for `scan`
 * @param state - as for `scan`
 * @param options - as for `scan`; lengths and resets (to the state itself) are not part of the
 *   programs, see `maskProgram`
 * @returns names of inputs, states and captured tensors, and the passes: the forward one, and both
 *   of a training where a gradient is wanted
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
  return compilerFor('lower', 'required').lowerScan(arrange(step, xs, state, { ...options, compile: 'required' }));
}
