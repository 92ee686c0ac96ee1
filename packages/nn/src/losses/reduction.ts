import {
  averagedOver,
  checkLengths,
  compileFn,
  type CompiledFunction,
  div,
  type Lengths,
  scope,
  type Shape,
  ShapeError,
  showShape,
  type StepParameters,
  sum as sumOf,
  type Tensor,
  where,
} from '@rnn/core';
import { checkChoice, checkFlag, checkOptions, refuse } from '@rnn/core/checks';
import { stepMask } from '../sequences/valid-steps.js';

/** What becomes of the losses of single elements: their mean, their sum, or nothing. */
export type Reduction = 'mean' | 'sum' | 'none';

/** What every loss module takes. */
export interface LossModuleOptions {
  /** 'mean' unless said otherwise. */
  readonly reduction?: Reduction;
  /** Whether sequences with `lengths` are `[B, T, ...]` in the place of `[T, B, ...]`. */
  readonly batchFirst?: boolean;
}

/** What the forward pass of every loss module takes besides. */
export interface LossForwardOptions {
  /**
   * Valid steps of each row: padding has no part in the loss, nor in what the mean is taken over,
   * not even a NaN in it.
   */
  readonly lengths?: Lengths;
}

/** What every loss function takes. */
export interface LossOptions extends LossModuleOptions, LossForwardOptions {}

/** Names of the common options, for `checkOptions`. */
const moduleNames = ['reduction', 'batchFirst'];

/** Refuses unknown options of a loss module, and unknown values of the common ones. */
export function checkLossModule(owner: string, options: LossModuleOptions, names: readonly string[]): void {
  checkOptions(owner, options, [...names, ...moduleNames]);
  const { reduction = 'mean', batchFirst = false } = options;
  checkChoice(owner, 'reduction', reduction, ['mean', 'sum', 'none']);
  checkFlag(owner, 'batchFirst', batchFirst);
}

/** Refuses unknown options of a loss function, and unknown values of the common ones. */
export function checkLoss(owner: string, options: LossOptions, names: readonly string[]): void {
  checkLossModule(owner, options, [...names, 'lengths']);
}

/** Refuses unknown options of a loss module's forward pass. */
export function checkLossForward(owner: string, options: LossForwardOptions): LossForwardOptions {
  checkOptions(owner, options, ['lengths']);
  return options;
}

/**
 * The lengths of a padded batch after a check.
 *
 * @param owner - for messages
 * @param shape - of the target (without classes), `[T, B, ...]`, or `[B, T, ...]` if batch first
 * @param options - `lengths`, `batchFirst`
 * @returns valid steps of each row; `undefined` without lengths: then all of them count
 */
export function targetLengths(
  owner: string,
  shape: Shape,
  { lengths, batchFirst = false }: LossOptions,
): readonly number[] | undefined {
  if (lengths === undefined) return undefined;
  if (shape.length < 2) {
    const expected = `${batchFirst ? '[B, T, ...]' : '[T, B, ...]'}, as lengths are given`;
    refuse(ShapeError, owner, 'target', { has: 'shape', received: showShape(shape), expected });
  }
  const [steps, rows] = batchFirst ? [shape[1], shape[0]] : shape;
  return checkLengths(owner, lengths, rows, steps);
}

/**
 * The mean, the sum, or the losses themselves.
 *
 * @param losses - one for each element
 * @param reduction - which
 * @param weight - what the sum is divided by for the mean: the number of elements that count, or
 *   the sum of their weights
 */
export function reduced(losses: Tensor, reduction: Reduction, weight: number | Tensor): Tensor {
  if (reduction === 'none') return losses;
  const sum = sumOf(losses);
  return reduction === 'sum' ? sum : averagedOver(div(sum, weight), weight);
}

/** A function of input and target, element by element, and its mean as one operation. */
export interface LossFunction<P extends StepParameters = StepParameters> {
  readonly each: CompiledFunction<readonly Tensor[], Tensor, P>;
  readonly mean: CompiledFunction<readonly Tensor[], Tensor, P>;
}

/** Compiles a loss of each element by itself. */
export function lossFunction<P extends StepParameters = StepParameters>(
  fn: (pair: readonly Tensor[], parameters: P) => Tensor,
): LossFunction<P> {
  const options = { elementwise: true, anyRows: true };
  return { each: compileFn(fn, options), mean: compileFn(fn, { ...options, mean: true }) };
}

/** What the losses of elements come from. */
type LossOf = (pair: readonly [input: Tensor, target: Tensor]) => Tensor;

/**
 * A loss that is a function of each element of input and target by itself.
 *
 * @param owner - for messages
 * @param input - any shape
 * @param target - the same shape, already checked
 * @param options - the common ones
 * @param lossOf - from input and target to the losses, element by element
 * @param meanOf - the same to their mean, where that is one operation
 * @returns a single number, or the shape of the input without reduction
 */
export function elementwiseLoss(
  owner: string,
  input: Tensor,
  target: Tensor,
  options: LossOptions,
  lossOf: LossOf,
  meanOf?: LossOf,
): Tensor {
  const { reduction = 'mean', batchFirst = false } = options;
  const lengths = targetLengths(owner, target.shape, options);
  if (lengths === undefined && reduction === 'mean' && meanOf !== undefined) return meanOf([input, target]);
  return scope(() => {
    if (lengths === undefined) return reduced(lossOf([input, target]), reduction, input.size);
    // Masked on the way in as well, since zero times the derivative at a NaN would still be NaN.
    const mask = stepMask(lengths, target, batchFirst);
    const losses = where(mask, lossOf([where(mask, input, 0), where(mask, target, 0)]), 0);
    const valid = lengths.reduce((sum, length) => sum + length, 0);
    return reduced(losses, reduction, (valid * input.size) / (target.shape[0] * target.shape[1]));
  });
}
