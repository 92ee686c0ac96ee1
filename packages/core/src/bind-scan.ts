import { compilerFor } from './compiler-slot.js';
import { arrange } from './scan.js';
import type { ScanOptions, Step, StepParameters } from './scan/arguments.js';
import type { BoundScan, ScanShapes } from './scan/bound-scan.js';
import type { Tensor } from './tensor.js';

/**
 * Binds a scan that ran before, for a layer that makes the same call again and again: only what may
 * change is looked at, and the results come in the layer's own shapes.
 *
 * @example
 * ```ts
 * scan(step, xs, [h, c], { parameters });
 * const bound = bindScan(
 *   step,
 *   xs,
 *   [h, c],
 *   { parameters },
 *   {
 *     xs,
 *     batch: [B],
 *     state: [],
 *     last: [
 *       [1, B, H],
 *       [1, B, H],
 *     ],
 *   },
 * );
 * if (bound?.serves([xs], [])) bound.run([xs], []); // from a state of zeros
 * ```
 * @param step - as for `scan`
 * @param xs - as for `scan`
 * @param state - as for `scan`, a list
 * @param options - as for `scan`, with parameters
 * @param shapes - the shapes of the same tensors for the caller
 * @returns the bound scan. It serves while the step and the parameters' fields are the same,
 *   `captured` among them, which the caller has to see to; nothing for a call that no trace serves,
 *   that is recorded, or that draws random numbers
 * @throws as `scan`
 *
 * Differs from PyTorch: CUDA graphs there are the nearest kin.
 */
export function bindScan<P extends StepParameters>(
  step: Step<Tensor, readonly Tensor[], Tensor, P>,
  xs: Tensor,
  state: readonly Tensor[],
  options: Pick<ScanOptions<P>, 'parameters' | 'reverse'>,
  shapes: ScanShapes,
): BoundScan | undefined {
  return compilerFor('bindScan', 'auto')?.bindScan(arrange(step, xs, state, options), shapes);
}
