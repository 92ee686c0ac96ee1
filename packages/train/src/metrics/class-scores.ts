import { checkChoice, checkOptions } from '@rnn/core/checks';
import type { Column } from '../data/tensor-dataset.js';
import type { ClassUpdateOptions } from './class-batch.js';
import { ClassCounts } from './confusion-matrix.js';
import { checkSeen, type Metric } from './metric.js';

export interface ClassScoreOptions {
  /**
   * How the classes become one number: `'macro'`, the mean over classes; `'weighted'`, the mean
   * weighted by how often each is true; `'micro'`, from the counts of all classes together.
   * `'macro'` unless given.
   */
  readonly average?: 'micro' | 'macro' | 'weighted';
  /** A target that is not counted; -100 unless given, as for `crossEntropy`. */
  readonly ignoreIndex?: number;
}

/**
 * A measure that is a quotient of the right predictions of a class: 0 where the quotient is 0 / 0.
 */
abstract class ClassScore implements Metric {
  private readonly owner: string;
  private readonly counts: ClassCounts;
  private readonly average: 'micro' | 'macro' | 'weighted';

  protected constructor(owner: string, numClasses: number, options: ClassScoreOptions) {
    checkOptions(owner, options, ['average', 'ignoreIndex']);
    const { average = 'macro', ignoreIndex } = options;
    checkChoice(owner, 'average', average, ['micro', 'macro', 'weighted']);
    this.owner = owner;
    this.average = average;
    this.counts = new ClassCounts(owner, numClasses, ignoreIndex);
  }

  /**
   * Adds a batch.
   *
   * @param predictions - scores: `[N, C]`, `[T, B, C]`, `[N, C, ...]`; or classes in the shape of
   *   the target
   * @param target - classes: `[N]`, `[T, B]`, `[N, ...]`
   * @param options - `lengths`, `batchFirst` false, `classDim`
   * @throws ShapeError when the shapes do not fit; ArgumentError when a class is none or `classDim`
   *   has to be written
   */
  update(predictions: Column, target: Column, options: ClassUpdateOptions = {}): void {
    this.counts.add(predictions, target, options);
  }

  /** The measure of each class; 0 for one that was never predicted or never true. */
  perClass(): number[] {
    const [support, predicted] = [this.counts.support(), this.counts.predicted()];
    const { counts, classes } = this.counts;
    return support.map((truth, c) => quotient(this.parts(counts[c * classes + c], predicted[c], truth)));
  }

  /**
   * The one number that `average` says.
   *
   * @throws ArgumentError when nothing was counted
   */
  compute(): number {
    const [support, predicted] = [this.counts.support(), this.counts.predicted()];
    const all = sumOf(support);
    checkSeen(this.owner, all);
    if (this.average === 'micro') {
      const { counts, classes } = this.counts;
      return quotient(this.parts(sumOf(support.map((_, c) => counts[c * classes + c])), all, all));
    }
    // A class that is neither true nor predicted says nothing, and is left out of the mean.
    const weights = support.map((truth, c) => (this.average === 'weighted' ? truth : truth + predicted[c] > 0 ? 1 : 0));
    return sumOf(this.perClass().map((score, c) => score * weights[c])) / sumOf(weights);
  }

  reset(): void {
    this.counts.counts.fill(0);
  }

  /**
   * Numerator and denominator.
   *
   * @param hits - predictions of the class that are right
   * @param predicted - all predictions of the class
   * @param truth - how often it is the class
   */
  protected abstract parts(hits: number, predicted: number, truth: number): readonly [number, number];
}

/**
 * The part of the predictions of a class that are right: TP / (TP + FP).
 *
 * @example
 * ```ts
 * const precision = new Precision(2);
 * precision.update([0, 1, 1], [0, 0, 1]);   // predicted classes, true ones
 * precision.perClass();   // [1, 0.5]
 * precision.compute();    // 0.75
 * ```
 * @param numClasses - C
 * @param options - `average` 'macro', `ignoreIndex` -100
 * @throws ArgumentError when an option makes no sense
 *
 * Differs from PyTorch: has no counterpart there; the numbers are those of scikit-learn's
 * `precision_score` with `zero_division=0`.
 */
export class Precision extends ClassScore {
  constructor(numClasses: number, options: ClassScoreOptions = {}) {
    super('Precision', numClasses, options);
  }

  protected override parts(hits: number, predicted: number): readonly [number, number] {
    return [hits, predicted];
  }
}

/**
 * The part of a class that is found: TP / (TP + FN).
 *
 * @example
 * ```ts
 * const recall = new Recall(2);
 * recall.update([0, 1, 1], [0, 0, 1]);   // predicted classes, true ones
 * recall.perClass();   // [0.5, 1]
 * recall.compute();    // 0.75
 * ```
 * @param numClasses - C
 * @param options - `average` 'macro', `ignoreIndex` -100
 * @throws ArgumentError when an option makes no sense
 *
 * Differs from PyTorch: has no counterpart there; the numbers are those of scikit-learn's
 * `recall_score` with `zero_division=0`.
 */
export class Recall extends ClassScore {
  constructor(numClasses: number, options: ClassScoreOptions = {}) {
    super('Recall', numClasses, options);
  }

  protected override parts(hits: number, _predicted: number, truth: number): readonly [number, number] {
    return [hits, truth];
  }
}

/**
 * The harmonic mean of precision and recall: 2 TP / (2 TP + FP + FN).
 *
 * @example
 * ```ts
 * const f1 = new F1Score(2);
 * f1.update([0, 1, 1], [0, 0, 1]);   // predicted classes, true ones
 * f1.perClass();   // [2 / 3, 2 / 3]
 * f1.compute();    // 2 / 3
 * ```
 * @param numClasses - C
 * @param options - `average` 'macro', `ignoreIndex` -100
 * @throws ArgumentError when an option makes no sense
 *
 * Differs from PyTorch: has no counterpart there; the numbers are those of scikit-learn's
 * `f1_score` with `zero_division=0`.
 */
export class F1Score extends ClassScore {
  constructor(numClasses: number, options: ClassScoreOptions = {}) {
    super('F1Score', numClasses, options);
  }

  protected override parts(hits: number, predicted: number, truth: number): readonly [number, number] {
    return [2 * hits, predicted + truth];
  }
}

function quotient([numerator, denominator]: readonly [number, number]): number {
  return denominator === 0 ? 0 : numerator / denominator;
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
