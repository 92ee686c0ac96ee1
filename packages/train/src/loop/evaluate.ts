import { ArgumentError, countAverages, noGrad, scope, Tensor, type AverageCount } from '@rnn/core';
import { checkFunction, checkNumber, checkOptions, isIterable, refuse } from '@rnn/core/checks';
import { Module, TrainingModes } from '@rnn/nn';
import { Breath } from './event-loop.js';
import { RunningMean } from './running-mean.js';

/** The loss of a model on a batch. */
export type LossFunction<M, B> = (model: M, batch: B) => Tensor;

/** Measures of a model on a batch, by name. */
export type Metrics<M, B> = (model: M, batch: B) => Readonly<Record<string, Tensor>>;

export interface EvaluateOptions<M, B> {
  /** Reported as `loss`. */
  readonly loss?: LossFunction<M, B>;
  /** Any other measures, from one forward pass; reported under their names. */
  readonly metrics?: Metrics<M, B>;
  /** Milliseconds of work between two turns of the event loop; 20 unless given. */
  readonly yieldEvery?: number;
}

/**
 * Measures a model on data, in evaluation mode and without recording. The mode holds within `loss` and `metrics` only: a training of the
 * same model, or anything else that takes turns with this, is not disturbed, nor does it disturb.
 *
 * Each value is the mean over all elements, whatever the sizes of the batches: of a tensor with one element an example every element counts
 * once, and a mean (of `mean` or of a loss, also scaled or with a term added) as often as it has elements. Any other single number, such as
 * a sum, counts once a batch; `averagedOver` of `@rnn/core` says of how many elements a number is the mean.
 *
 * @example
 * ```ts
 * const { accuracy } = await evaluate(model, testLoader, {
 *   metrics: (model, [x, y]) => ({ accuracy: model.forward(x).argmax(1).eq(y) }),
 * });
 * ```
 * @param model - any module
 * @param data - batches: a `DataLoader`, an array
 * @param options - `loss`, `metrics` or both; `yieldEvery` 20
 * @returns the means by name
 * @throws ArgumentError when there is nothing to measure or no batch
 *
 * Differs from PyTorch: has no counterpart there.
 */
export async function evaluate<M extends Module, B>(
  model: M,
  data: Iterable<B>,
  options: EvaluateOptions<M, B>,
): Promise<Record<string, number>> {
  const owner = 'evaluate';
  checkOptions(owner, options, ['loss', 'metrics', 'yieldEvery']);
  const { loss, metrics, yieldEvery = 20 } = options;
  if (loss !== undefined) checkFunction(owner, 'loss', loss, '(model, batch) => Tensor');
  if (metrics !== undefined) checkFunction(owner, 'metrics', metrics, '(model, batch) => { name: Tensor }');
  if (loss === undefined && metrics === undefined) {
    refuse(ArgumentError, owner, 'loss', { received: 'left out, and so are metrics', expected: 'either or both' });
  }
  checkNumber(owner, 'yieldEvery', yieldEvery, { from: 0, to: Infinity });
  const breath = new Breath(yieldEvery);
  const means = new Map<string, RunningMean>();
  const measure = (batch: B): void =>
    countAverages((countOf) => {
      if (loss !== undefined) note(means, 'loss', loss(model, batch), countOf);
      for (const [name, value] of Object.entries(metrics?.(model, batch) ?? {})) {
        if (name === 'loss' && loss !== undefined) {
          const received = "a function that gives a 'loss' beside the option loss";
          refuse(ArgumentError, owner, 'metrics', { received, expected: 'either' });
        }
        note(means, name, value, countOf);
      }
    });
  checkModel(owner, model);
  checkBatches(owner, 'data', data);
  const modes = new TrainingModes(model);
  const batches = data[Symbol.iterator]();
  const next = (): boolean =>
    noGrad(() =>
      scope(() => {
        const item = batches.next();
        if (item.done === true) return false;
        measure(item.value);
        return true;
      }),
    );
  modes.run(() => model.eval());
  try {
    while (modes.run(next)) await breath.take();
    if (means.size === 0) throw new ArgumentError(`${owner}: the data gave no batch`, { argument: 'data' });
    const result: Record<string, number> = {};
    for (const [name, mean] of means) result[name] = (await mean.value()).mean;
    return result;
  } finally {
    batches.return?.();
    for (const mean of means.values()) mean.dispose();
  }
}

function note(
  means: Map<string, RunningMean>,
  name: string,
  value: unknown,
  countOf: (value: Tensor) => AverageCount | undefined,
): void {
  if (!(value instanceof Tensor)) {
    throw new ArgumentError(
      `evaluate: ${name} is ${typeof value}, expected a Tensor (a mean, or one element an example)`,
      {
        argument: name,
        expected: 'a Tensor',
        received: typeof value,
      },
    );
  }
  const mean = means.get(name) ?? new RunningMean();
  means.set(name, mean);
  mean.add(value, value.size === 1 ? (countOf(value) ?? 1) : 1);
}

/** Refuses what is no module. */
export function checkModel(owner: string, model: unknown): void {
  if (!(model instanceof Module)) refuse(ArgumentError, owner, 'model', { value: model, expected: 'a Module' });
}

/** Refuses what gives no batches. */
export function checkBatches(owner: string, argument: string, data: unknown): void {
  if (isIterable(data)) return;
  const expected = 'batches that can be gone through again and again, such as a DataLoader or an array';
  refuse(ArgumentError, owner, argument, { value: data, expected });
}
