import { ArgumentError, countAverages, Tensor, type AverageCount, type Tree } from '@rnn/core';
import { checkFunction, checkNumber, checkOptions, refuse } from '@rnn/core/checks';
import type { Module } from '@rnn/nn';
import { checkModel, Evaluation } from '../evaluation.js';
import { CarriedState } from './carried-state.js';
import type { Metric } from '../metrics/metric.js';
import { TimeSlice } from './event-loop.js';
import { splitLoss, type CarriedLoss } from './loss-function.js';
import { checkBatches, Pieces, type Batches } from './pieces.js';
import { RunningMean } from './running-mean.js';
import { checkTbptt, type TbpttOptions } from './tbptt-options.js';

/**
 * Measures of a model on a batch, by name; with `tbptt` they get the state before the batch as the
 * loss does.
 */
export type Metrics<M, B, S extends Tree = Tree> = (
  model: M,
  batch: B,
  state: S | undefined,
) => Readonly<Record<string, Tensor>>;

export interface EvaluateOptions<M, B, S extends Tree = Tree> {
  /** Reported as `loss`. */
  readonly loss?: CarriedLoss<M, B, S>;
  /**
   * Any other measures, from one forward pass; reported under their names. Metric objects are
   * updated in it, and read when `evaluate` is done; then it may return `{}`.
   */
  readonly metrics?: Metrics<M, B, S>;
  /**
   * Carries the state through long sequences, as in `fit`: steps of a piece. The loss gets and
   * returns it.
   */
  readonly tbptt?: number | TbpttOptions;
  /** Milliseconds of work between two turns of the event loop; 20 unless given. */
  readonly yieldEvery?: number;
}

/**
 * Measures a model on data, in evaluation mode and without recording. The mode holds within `loss`
 * and `metrics` only: a training of the same model, or anything else that takes turns with this, is
 * not disturbed, nor does it disturb.
 *
 * Each value is the mean over all elements, whatever the sizes of the batches: of a tensor with one
 * element an example every element counts once, and a mean (of `mean` or of a loss, also scaled or
 * with a term added) as often as it has elements. Any other single number, such as a sum, counts
 * once a batch; `averagedOver` of `@rnn/core` says of how many elements a number is the mean.
 *
 * @example
 * ```ts
 * const { accuracy } = await evaluate(model, testLoader, {
 *   metrics: (model, [x, y]) => ({ accuracy: model.forward(x).argmax(1).eq(y) }),
 * });
 * ```
 * Metric objects see every batch in there, too:
 *
 * @example
 * ```ts
 * const f1 = new F1Score(3);
 * await evaluate(model, testLoader, {
 *   metrics: (model, [x, y]) => {
 *     f1.update(model.forward(x).argmax(1), y);
 *     return {};
 *   },
 * });
 * f1.compute();
 * ```
 * @param model - any module
 * @param data - batches: a `DataLoader`, an array, an asynchronous iterable (whose batches are
 *   freed when they are measured)
 * @param options - `loss`, `metrics` or both; `tbptt`; `yieldEvery` 20
 * @returns the means by name
 * @throws ArgumentError when there is nothing to measure or no batch
 *
 * Differs from PyTorch: has no counterpart there.
 */
export async function evaluate<M extends Module, B, S extends Tree = Tree>(
  model: M,
  data: Batches<B>,
  options: EvaluateOptions<M, B, S>,
): Promise<Record<string, number>> {
  const owner = 'evaluate';
  checkOptions(owner, options, ['loss', 'metrics', 'tbptt', 'yieldEvery']);
  const { loss, metrics, tbptt, yieldEvery = 20 } = options;
  if (loss !== undefined) checkFunction(owner, 'loss', loss, '(model, batch) => Tensor');
  if (metrics !== undefined) checkMetrics(owner, metrics);
  if (loss === undefined && (metrics === undefined || tbptt !== undefined)) {
    const received =
      tbptt === undefined ? 'left out, and so are metrics' : 'left out, but it gives the state for tbptt';
    refuse(ArgumentError, owner, 'loss', { received, expected: tbptt === undefined ? 'either or both' : 'a function' });
  }
  checkTbptt(owner, tbptt);
  checkNumber(owner, 'yieldEvery', yieldEvery, { from: 0, to: Infinity });
  const slice = new TimeSlice(yieldEvery);
  const means = new Map<string, RunningMean>();
  const carried = new CarriedState<S>();
  const measure = (batch: B, begins: boolean): true =>
    countAverages((countOf) => {
      const state = begins ? undefined : carried.current;
      if (loss !== undefined) {
        const result: unknown = loss(model, batch, state);
        const parts = tbptt === undefined ? { loss: result, state: undefined } : splitLoss(owner, result, true);
        note(means, 'loss', parts.loss, countOf);
        if (parts.state !== undefined) carried.next(parts.state as S);
      }
      for (const [name, value] of Object.entries(metrics?.(model, batch, state) ?? {})) {
        if (name === 'loss' && loss !== undefined) {
          const received = "a function that gives a 'loss' beside the option loss";
          refuse(ArgumentError, owner, 'metrics', { received, expected: 'either' });
        }
        note(means, name, value, countOf);
      }
      carried.commit();
      return true;
    });
  checkModel(owner, model);
  checkBatches(owner, 'data', data);
  let isEmpty = true;
  const evaluation = new Evaluation(model);
  const pieces = new Pieces(owner, data, tbptt, (work) => evaluation.run(work));
  try {
    while (await pieces.take(measure)) {
      isEmpty = false;
      await slice.take();
    }
    if (isEmpty) throw new ArgumentError(`${owner}: the data gave no batch`, { argument: 'data' });
    const result: Record<string, number> = {};
    for (const [name, mean] of means) result[name] = (await mean.value()).mean;
    return result;
  } finally {
    await pieces.close();
    carried.dispose();
    for (const mean of means.values()) mean.dispose();
  }
}

/** What to do with a metric object, which is no function and no tensor. */
const ofMetrics =
  'update metric objects inside of it, as in metrics: (model, [x, y]) => { f1.update(model.forward(x).argmax(1), y); return {}; }, and call f1.compute() after evaluate';

function checkMetrics(owner: string, metrics: unknown): void {
  const expected = 'a function (model, batch) => { name: Tensor }';
  if (typeof metrics === 'function') return;
  refuse(ArgumentError, owner, 'metrics', {
    value: metrics,
    expected,
    ...(holdsMetric(metrics) && { hint: ofMetrics }),
  });
}

/** Whether a value is a metric object, or a list or record of such. */
function holdsMetric(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return isMetric(value) || Object.values(value).some(isMetric);
}

function isMetric(value: unknown): boolean {
  return typeof (value as Partial<Metric> | null | undefined)?.compute === 'function';
}

function note(
  means: Map<string, RunningMean>,
  name: string,
  value: unknown,
  countOf: (value: Tensor) => AverageCount | undefined,
): void {
  if (!(value instanceof Tensor)) {
    refuse(ArgumentError, 'evaluate', name, {
      value,
      expected: 'a Tensor (a mean, or one element an example)',
      ...(isMetric(value) && { hint: ofMetrics }),
    });
  }
  const mean = means.get(name) ?? new RunningMean();
  means.set(name, mean);
  mean.add(value, value.size === 1 ? (countOf(value) ?? 1) : 1);
}
