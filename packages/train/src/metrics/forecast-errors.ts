import { ArgumentError, ShapeError } from '@rnn/core';
import { checkOptions, refuse } from '@rnn/core/checks';
import type { Column } from '../data/tensor-dataset.js';
import { checkSeen, readValues, visitWithin, type LengthOptions, type Metric } from './metric.js';

/** A mean over all elements of predictions and targets of one shape; sums are kept in float64. */
abstract class ErrorMetric implements Metric {
  private readonly owner: string;
  private count = 0;

  protected constructor(owner: string) {
    this.owner = owner;
  }

  /**
   * Adds a batch.
   *
   * @param predictions - of any shape
   * @param target - of the same
   * @param options - `lengths` for `[T, B, ...]`, or for `[B, T, ...]` with `batchFirst`
   * @throws ShapeError when the shapes differ or the lengths do not fit
   */
  update(predictions: Column, target: Column, options: LengthOptions = {}): void {
    const operation = `${this.owner}.update`;
    checkOptions(operation, options, ['lengths', 'batchFirst']);
    const guess = readValues(operation, 'predictions', predictions);
    const truth = readValues(operation, 'target', target);
    if (String(guess.shape) !== String(truth.shape)) {
      const expected = `[${truth.shape.join(', ')}] as the target`;
      const received = `[${guess.shape.join(', ')}]`;
      refuse(ShapeError, operation, 'predictions', { has: 'shape', received, expected });
    }
    visitWithin(operation, truth.shape, options, (i) => {
      this.count++;
      this.add(guess.data[i], truth.data[i], this.count);
    });
  }

  /** @throws ArgumentError when nothing was counted */
  compute(): number {
    checkSeen(this.owner, this.count);
    return this.result(this.count);
  }

  reset(): void {
    this.count = 0;
    this.clear();
  }

  protected abstract add(guess: number, truth: number, count: number): void;
  protected abstract result(count: number): number;
  protected abstract clear(): void;
}

/** A sum of one term an element. */
abstract class SumMetric extends ErrorMetric {
  private sum = 0;

  protected override add(guess: number, truth: number): void {
    this.sum += this.term(guess, truth);
  }

  protected override result(count: number): number {
    return this.sum / count;
  }

  protected override clear(): void {
    this.sum = 0;
  }

  protected abstract term(guess: number, truth: number): number;
}

/**
 * The mean of |prediction - target| (MAE).
 *
 * @example
 * ```ts
 * const mae = new MeanAbsoluteError();
 * mae.update([2, 4], [1, 7]);
 * mae.compute();   // 2
 * ```
 * Differs from PyTorch: the number of `l1_loss` over many batches, in float64.
 */
export class MeanAbsoluteError extends SumMetric {
  constructor() {
    super('MeanAbsoluteError');
  }

  protected override term(guess: number, truth: number): number {
    return Math.abs(guess - truth);
  }
}

/**
 * The root of the mean of (prediction - target)^2 (RMSE), over all elements of all batches.
 *
 * @example
 * ```ts
 * const rmse = new RootMeanSquaredError();
 * rmse.update([1, 2], [1, 5]);
 * rmse.update([0, 0], [0, 3]);
 * rmse.compute();   // sqrt(18 / 4), not the mean of the two batches' roots
 * ```
 * Differs from PyTorch: the root of `mse_loss` over many batches, in float64.
 */
export class RootMeanSquaredError extends SumMetric {
  constructor() {
    super('RootMeanSquaredError');
  }

  protected override term(guess: number, truth: number): number {
    return (guess - truth) ** 2;
  }

  protected override result(count: number): number {
    return Math.sqrt(super.result(count));
  }
}

/**
 * The mean of |prediction - target| / |target| (MAPE), as a part: 0.1 is 10 percent.
 *
 * @example
 * ```ts
 * const mape = new MeanAbsolutePercentageError();
 * mape.update([11, 18], [10, 20]);
 * mape.compute();   // 0.1
 * ```
 * A target of 0 has no relative error: a batch that holds one is refused as a whole.
 *
 * Differs from PyTorch: has no counterpart there; the number of scikit-learn's
 * `mean_absolute_percentage_error`, which divides by 2.2e-16 for targets of 0 where this refuses.
 */
export class MeanAbsolutePercentageError extends SumMetric {
  constructor() {
    super('MeanAbsolutePercentageError');
  }

  /**
   * Adds a batch.
   *
   * @param predictions - of any shape
   * @param target - of the same, without zeros
   * @param options - `lengths` for `[T, B, ...]`, or for `[B, T, ...]` with `batchFirst`
   * @throws ShapeError when the shapes differ or the lengths do not fit; ArgumentError for a target
   *   of 0; then nothing is counted
   */
  override update(predictions: Column, target: Column, options: LengthOptions = {}): void {
    const operation = 'MeanAbsolutePercentageError.update';
    checkOptions(operation, options, ['lengths', 'batchFirst']);
    const { shape, data } = readValues(operation, 'target', target);
    visitWithin(operation, shape, options, (i) => {
      if (data[i] !== 0) return;
      const hint = 'a relative error needs another target; MeanAbsoluteError takes any';
      refuse(ArgumentError, operation, 'target', { part: `element ${i}`, value: 0, expected: 'not 0', hint });
    });
    super.update(predictions, target, options);
  }

  protected override term(guess: number, truth: number): number {
    return Math.abs((guess - truth) / truth);
  }
}

/**
 * How much of the targets' spread the predictions explain: R^2 = 1 - sum (y - p)^2 / sum (y - mean
 * y)^2. 1 is perfect, 0 as good as the mean of the targets, less is worse.
 *
 * @example
 * ```ts
 * const r2 = new R2Score();
 * r2.update([2.5, 0, 2, 8], [3, -0.5, 2, 7]);
 * r2.compute();   // 0.9486...
 * ```
 * The mean is taken over all elements of all batches, whatever their dimensions. Where the targets
 * are all the same, the result is 1 if every prediction is right and else 0.
 *
 * Differs from PyTorch: has no counterpart there; the number of scikit-learn's `r2_score` for one
 * output.
 */
export class R2Score extends ErrorMetric {
  private residual = 0;
  private mean = 0;
  /**
   * Sum of squared distances from the mean so far, by Welford's update: exact also where the mean
   * is far from 0.
   */
  private spread = 0;

  constructor() {
    super('R2Score');
  }

  protected override add(guess: number, truth: number, count: number): void {
    this.residual += (guess - truth) ** 2;
    const distance = truth - this.mean;
    this.mean += distance / count;
    this.spread += distance * (truth - this.mean);
  }

  protected override result(): number {
    if (this.spread === 0) return this.residual === 0 ? 1 : 0;
    return 1 - this.residual / this.spread;
  }

  protected override clear(): void {
    this.residual = 0;
    this.mean = 0;
    this.spread = 0;
  }
}
