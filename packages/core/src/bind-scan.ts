import { refuse } from './checks/refusal.js';
import { checkPlace, checkTensor, checkTensors } from './checks/tensors.js';
import { checkOptions } from './checks/options.js';
import { checkList } from './checks/values.js';
import { compilerFor, type BoundScan, type ScanShapes } from './compiler-slot.js';
import { ShapeError } from './errors.js';
import { arrange } from './scan/arrange.js';
import type { ScanOptions, Step, StepParameters } from './scan/arguments.js';
import type { Scan } from './scan/eager.js';
import { checkShape, showShape, sizeOf, type Shape } from './shape.js';
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
 * if (bound?.serves(xs, [])) bound.run(xs, []); // from a state of zeros
 * ```
 * @param step - as for `scan`
 * @param xs - as for `scan`
 * @param state - as for `scan`
 * @param options - as for `scan`, with parameters
 * @param shapes - the same tensors in the shapes in which the caller has them
 * @returns the bound scan; nothing for a call that no trace serves, or that draws random numbers,
 *   and for one that is recorded unless it starts from zeros, over `[T, B, ...]` as it lies, with
 *   parameters that are a plain object. Whoever keeps it sees to it that the step is the same, and
 *   the fields of parameters that are a plain object: a module as parameters is compared
 * @throws as `scan`; ShapeError, DTypeError, BackendError where `shapes` are not those of the
 *   scan's tensors
 *
 * Differs from PyTorch: CUDA graphs there are the nearest kin.
 */
export function bindScan<const S extends object, P extends StepParameters>(
  step: Step<Tensor, S, Tensor, P>,
  xs: Tensor,
  state: S,
  options: Pick<ScanOptions<P>, 'parameters' | 'reverse'>,
  shapes: ScanShapes,
): BoundScan | undefined {
  const scan = arrange(step, xs, state, options);
  checkScanShapes(scan, shapes);
  return compilerFor('bindScan', 'auto')?.bindScan(scan, shapes);
}

const shapeNames = /* @__PURE__ */ Object.keys({ xs: true, batch: true, state: true, last: true } satisfies Record<
  keyof ScanShapes,
  true
>);

/** Refuses shapes of other numbers of elements than the tensors of the scan have. */
function checkScanShapes({ inputs: [x], states }: Scan, shapes: ScanShapes): void {
  const name = 'bindScan';
  checkOptions(name, shapes, shapeNames);
  const { xs, batch, state, last } = shapes;
  checkTensor(name, 'shapes.xs', xs);
  checkPlace(name, 'shapes.xs', xs, x, 'xs');
  if (xs.size !== x.size || xs.shape[0] !== x.shape[0])
    refuseShape('shapes.xs', xs.shape, `the steps and elements of xs, ${showShape(x.shape)}`);
  checkShape(name, batch);
  const rows = x.rank > 2 ? x.shape[1] : 1;
  if (sizeOf(batch) !== rows) refuseShape('shapes.batch', batch, `a batch of ${rows}, as xs has`);
  checkTensors(name, 'shapes.state', state, 0);
  checkCount('shapes.state', state, states.length, 'tensors, or none for zeros', 0);
  state.forEach((tensor, i) => {
    checkPlace(name, `shapes.state[${i}]`, tensor, states[i], 'the state');
    checkElements(`shapes.state[${i}]`, tensor.shape, states[i]);
  });
  checkList(name, 'shapes.last', last, 'shapes');
  checkCount('shapes.last', last, states.length, 'shapes');
  last.forEach((shape, i) => {
    checkShape(name, shape);
    checkElements(`shapes.last[${i}]`, shape, states[i]);
  });
}

function checkCount(argument: string, list: readonly unknown[], count: number, of: string, other = count): void {
  if (list.length === count || list.length === other) return;
  const [received, expected] = [`a list of ${list.length}`, `${count} ${of}, one for each tensor of the state`];
  refuse(ShapeError, 'bindScan', argument, { received, expected });
}

function checkElements(argument: string, shape: Shape, { shape: own, size }: Tensor): void {
  if (sizeOf(shape) !== size) refuseShape(argument, shape, `the elements of the state, ${showShape(own)}`);
}

function refuseShape(argument: string, shape: Shape, expected: string): never {
  refuse(ShapeError, 'bindScan', argument, { has: 'shape', received: showShape(shape), expected });
}
