import { checkCount, checkOptions } from '@rnn/core/checks';
import type { Column } from '../data/tensor-dataset.js';
import { visitClasses, type ClassUpdateOptions } from './class-batch.js';
import { checkSeen, type Metric } from './metric.js';

export interface AccuracyOptions {
  /** How many of the highest scores may hold the right class; 1 unless given. */
  readonly topK?: number;
  /** A target that is not counted; -100 unless given, as for `crossEntropy`. */
  readonly ignoreIndex?: number;
}

/**
 * The part of the predictions that are right: (1 / N) sum_n [y_n is among the k highest scores].
 *
 * @example
 * ```ts
 * const accuracy = new Accuracy();
 * accuracy.update([[0.1, 0.9], [0.8, 0.2]], [1, 1]);   // scores [N, C] and classes [N]
 * accuracy.compute();   // 0.5
 * ```
 * @param options - `topK` 1, `ignoreIndex` -100
 * @throws ArgumentError when an option makes no sense
 *
 * Differs from PyTorch: has no counterpart there; the numbers are those of scikit-learn's
 * `accuracy_score` and `top_k_accuracy_score`. Of equal scores the first counts as the highest.
 */
export class Accuracy implements Metric {
  private readonly topK: number;
  private readonly ignoreIndex: number;
  private hits = 0;
  private count = 0;

  constructor(options: AccuracyOptions = {}) {
    checkOptions('Accuracy', options, ['topK', 'ignoreIndex']);
    const { topK = 1, ignoreIndex = -100 } = options;
    checkCount('Accuracy', 'topK', topK, 1);
    checkCount('Accuracy', 'ignoreIndex', ignoreIndex, Number.MIN_SAFE_INTEGER);
    this.topK = topK;
    this.ignoreIndex = ignoreIndex;
  }

  /**
   * Adds a batch.
   *
   * @param predictions - scores: `[N, C]`, `[T, B, C]`, `[N, C, ...]`; or classes in the shape of
   *   the target, for `topK` 1
   * @param target - classes: `[N]`, `[T, B]`, `[N, ...]`
   * @param options - `lengths`, `batchFirst` false, `classDim`
   * @throws ShapeError when the shapes do not fit; ArgumentError when a class is none or `classDim`
   *   has to be written
   */
  update(predictions: Column, target: Column, options: ClassUpdateOptions = {}): void {
    visitClasses('Accuracy', predictions, target, options, this.ignoreIndex, undefined, (_target, _predicted, rank) => {
      this.count++;
      if (rank < this.topK) this.hits++;
    });
  }

  /** @throws ArgumentError when nothing was counted */
  compute(): number {
    checkSeen('Accuracy', this.count);
    return this.hits / this.count;
  }

  /**
   * Forgets everything.
   *
   * @example
   * ```ts
   * const accuracy = new Accuracy();
   * accuracy.update([1, 0], [1, 1]);
   * accuracy.reset();
   * accuracy.update([1], [1]);
   * accuracy.compute(); // 1
   * ```
   */
  reset(): void {
    this.hits = 0;
    this.count = 0;
  }
}
