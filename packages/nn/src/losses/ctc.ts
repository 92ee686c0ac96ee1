import {
  add,
  averagedOver,
  concat,
  customOperation,
  detach,
  div,
  exp,
  expand,
  fromData,
  gather,
  ge,
  type Lengths,
  log,
  maximum,
  mean,
  mul,
  neg,
  scan,
  scope,
  select,
  slice,
  squeeze,
  sub,
  sum,
  type Tensor,
  to,
  unsqueeze,
  where,
} from '@rnn/core';
import { checkChoice, checkCount, checkFlag, checkOptions } from '@rnn/core/checks';
import { Module } from '../module.js';
import { stepMask } from '../sequences/valid-steps.js';
import { checkCtc, type CtcBatch, type CtcTargets } from './ctc-arguments.js';
import type { Reduction } from './reduction.js';

/** What `CTCLoss` takes. */
export interface CTCLossModuleOptions {
  /** The class that stands for no label; 0 unless said otherwise. */
  readonly blank?: number;
  /**
   * `'mean'` unless said otherwise: each row's loss divided by the length of its target (at least
   * 1), and the mean of these.
   */
  readonly reduction?: Reduction;
  /**
   * Whether the loss of a target that does not fit into its input is 0 (and has no gradient)
   * instead of Infinity.
   */
  readonly zeroInfinity?: boolean;
}

/**
 * In the place of log 0: far below every sum of logarithms, but finite, so that derivatives are.
 */
const NEVER = -1e30;

/**
 * The connectionist temporal classification loss: -log of the probability that the classes of all
 * steps, with repetitions and then blanks left out, are the target.
 *
 * @example
 * ```ts
 * const logProbs = randn([50, 16, 20]).logSoftmax(-1);   // steps, rows, classes
 * ctcLoss(logProbs, [[3, 5, 5], [7], ...], [50, 42, ...]);
 * ```
 * @param logProbs - `[T, B, C]`, or `[T, C]` for a single sequence: logarithms of probabilities,
 *   the result of `logSoftmax`
 * @param targets - a list of classes for each row; or `[B, S]`, int32, padded; or all rows' one
 *   after another, `[sum of targetLengths]`. For a single sequence a list of classes, or `[S]`
 * @param inputLengths - valid steps of each row; all of them unless given
 * @param targetLengths - how many classes the target of each row has; what the lists say, or S,
 *   unless given
 * @param options - `blank` (0), `reduction` ('mean', 'sum', 'none'), `zeroInfinity` (false)
 * @returns a single number, or `[B]` without reduction (a single number for a single sequence)
 * @throws ShapeError, ArgumentError when lengths or classes do not fit, or a target has a blank
 *
 * The recursion over the steps is a `scan`, so it is compiled where the backend compiles. As in
 * PyTorch the gradient takes for granted that `logProbs` come from `logSoftmax`: it is right with
 * respect to what went into that. Differs from PyTorch: no second derivative that means anything;
 * lists of classes as targets. Source: Graves, Fernández, Gomez and Schmidhuber 2006.
 */
export function ctcLoss(
  logProbs: Tensor,
  targets: CtcTargets,
  inputLengths?: Lengths,
  targetLengths?: Lengths,
  options: CTCLossModuleOptions = {},
): Tensor {
  const owner = 'ctcLoss';
  const { blank, reduction, zeroInfinity } = settingsOf(owner, options);
  const batch = checkCtc(owner, { logProbs, targets, inputLengths, targetLengths, blank });
  return scope(() => {
    const losses = lossesOf(logProbs.rank === 2 ? unsqueeze(logProbs, 1) : logProbs, batch, blank, zeroInfinity);
    if (reduction === 'none') return logProbs.rank === 2 ? squeeze(losses, 0) : losses;
    if (reduction === 'sum') return sum(losses);
    const counts = Float32Array.from(batch.labels, ({ length }) => Math.max(1, length));
    const { dtype, backend } = logProbs;
    return averagedOver(mean(div(losses, to(fromData(counts, [counts.length], { backend }), dtype))), counts.length);
  });
}

/** The loss of each row, `[B]`. */
function lossesOf(logProbs: Tensor, { labels, lengths }: CtcBatch, blank: number, zeroInfinity: boolean): Tensor {
  const [steps, rows] = logProbs.shape;
  const { dtype, backend } = logProbs;
  // Blanks around the labels: the path goes from place to place, or from label to label where these
  // differ.
  const places = 2 * labels.reduce((most, row) => Math.max(most, row.length), 1) + 1;
  const classes = new Int32Array(rows * places).fill(blank);
  const jumps = new Float32Array(rows * places).fill(NEVER);
  const starts = new Float32Array(rows * places).fill(NEVER);
  const ends = new Int32Array(2 * rows);
  const isEmpty = new Float32Array(2 * rows);
  labels.forEach((row, b) => {
    starts[b * places] = 0; // before the first step, one before the first label
    row.forEach((label, i) => {
      const at = b * places + 2 * i + 1;
      classes[at] = label;
      if (i > 0 && label !== row[i - 1]) jumps[at] = 0;
    });
    ends[2 * b] = 2 * row.length;
    ends[2 * b + 1] = Math.max(0, 2 * row.length - 1);
    if (row.length === 0) isEmpty[2 * b + 1] = NEVER;
  });
  const placed = (values: Float32Array, shape: readonly number[]): Tensor =>
    to(fromData(values, shape, { backend }), dtype);

  const valid = lengths.every((length) => length === steps) ? undefined : stepMask(lengths, logProbs);
  const known = valid === undefined ? logProbs : where(valid, logProbs, 0);
  const index = expand(fromData(classes, [1, rows, places], { backend }), [steps, rows, places]);
  const emitted = maximum(gather(known, 2, index), NEVER);
  const state = [placed(starts, [rows, places]), placed(jumps, [rows, places])];
  const [, [last]] = scan(step, emitted, state, { lengths, parameters: {} });
  const finals = add(gather(last, 1, fromData(ends, [rows, 2], { backend })), placed(isEmpty, [rows, 2]));
  const losses = neg(logSum([select(finals, 1, 0), select(finals, 1, 1)]));
  return finite(logProbs.requiresGrad ? add(losses, softmaxPart(known, valid)) : losses, zeroInfinity);
}

/** From the logarithms of the probabilities of all places to those one step later. */
function step(emitted: Tensor, [alpha, jumps]: readonly Tensor[]): readonly [Tensor, readonly Tensor[]] {
  const never = add(mul(slice(alpha, -1, 0, 1), 0), NEVER);
  const one = concat([never, slice(alpha, -1, 0, -1)], -1);
  const two = add(concat([never, slice(one, -1, 0, -1)], -1), jumps);
  const next = add(logSum([alpha, one, two]), emitted);
  return [next, [next, jumps]];
}

/** log Σ exp. The largest takes no part in the derivative, where it cancels. */
function logSum(terms: readonly Tensor[]): Tensor {
  const largest = detach(terms.reduce((a, b) => maximum(a, b)));
  return add(log(terms.map((term) => exp(sub(term, largest))).reduce((a, b) => add(a, b))), largest);
}

/**
 * 0 for each row, with the derivative exp(logProbs): the part of PyTorch's gradient that
 * `logSoftmax` takes away again, since the derivative of its result's probabilities adds up to
 * nothing.
 */
function softmaxPart(known: Tensor, valid: Tensor | undefined): Tensor {
  const shares = valid === undefined ? exp(known) : where(valid, exp(known), 0);
  const sums = sum(shares, [0, 2]);
  return sub(sums, detach(sums));
}

/**
 * The losses with Infinity (and NaN as derivative, as in PyTorch), or 0, where the target does not
 * fit into the input.
 */
function finite(losses: Tensor, zeroInfinity: boolean): Tensor {
  const isInfinite = ge(detach(losses), -NEVER / 10);
  return customOperation({
    name: 'ctcLoss',
    inputs: [losses],
    forward: () => ({ result: where(isInfinite, zeroInfinity ? 0 : Infinity, losses), saved: [isInfinite] }),
    derivatives: [(grad, [lost]) => where(lost, zeroInfinity ? 0 : NaN, grad)],
  });
}

function settingsOf(owner: string, options: CTCLossModuleOptions): Required<CTCLossModuleOptions> {
  checkOptions(owner, options, ['blank', 'reduction', 'zeroInfinity']);
  const { blank = 0, reduction = 'mean', zeroInfinity = false } = options;
  checkCount(owner, 'blank', blank);
  checkChoice(owner, 'reduction', reduction, ['mean', 'sum', 'none']);
  checkFlag(owner, 'zeroInfinity', zeroInfinity);
  return { blank, reduction, zeroInfinity };
}

/**
 * `ctcLoss` as a module.
 *
 * @example
 * ```ts
 * const logProbs = logSoftmax(zeros([5, 1, 3]), 2);   // steps, rows, classes with the blank
 * const target = tensor([[1, 2]], { dtype: 'int32' });
 * new CTCLoss().forward(logProbs, target, [5], [2]);
 * ```
 */
export class CTCLoss extends Module {
  protected readonly options: CTCLossModuleOptions;

  constructor(options: CTCLossModuleOptions = {}) {
    super();
    this.options = settingsOf('CTCLoss', options);
  }

  /** See `ctcLoss`. */
  forward(logProbs: Tensor, targets: CtcTargets, inputLengths?: Lengths, targetLengths?: Lengths): Tensor {
    return ctcLoss(logProbs, targets, inputLengths, targetLengths, this.options);
  }
}
