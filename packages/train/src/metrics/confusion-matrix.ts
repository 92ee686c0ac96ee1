import { checkChoice, checkCount, checkOptions } from '@rnn/core/checks';
import type { Column } from '../data/tensor-dataset.js';
import { visitClasses, type ClassUpdateOptions } from './class-batch.js';
import type { Metric } from './metric.js';

export interface ConfusionMatrixOptions {
  /**
   * What the entries are parts of: their row (`'true'`), column (`'pred'`) or everything (`'all'`);
   * counts unless given.
   */
  readonly normalize?: 'true' | 'pred' | 'all';
  /** A target that is not counted; -100 unless given, as for `crossEntropy`. */
  readonly ignoreIndex?: number;
}

/** Counts by true and predicted class: what the measures of a classification are computed from. */
export class ClassCounts {
  /** `[true][predicted]` in row-major order. */
  readonly counts: Float64Array;
  readonly classes: number;
  private readonly owner: string;
  private readonly ignoreIndex: number;

  constructor(owner: string, classes: number, ignoreIndex = -100) {
    checkCount(owner, 'numClasses', classes, 1);
    checkCount(owner, 'ignoreIndex', ignoreIndex, Number.MIN_SAFE_INTEGER);
    this.owner = owner;
    this.classes = classes;
    this.ignoreIndex = ignoreIndex;
    this.counts = new Float64Array(classes * classes);
  }

  add(predictions: Column, target: Column, options: ClassUpdateOptions): void {
    const { owner, classes, counts, ignoreIndex } = this;
    visitClasses(owner, predictions, target, options, ignoreIndex, classes, (truth, predicted) => {
      counts[truth * classes + predicted]++;
    });
  }

  /** How often each class was true. */
  support(): number[] {
    return this.sums((a, b) => a * this.classes + b);
  }

  /** How often each class was predicted. */
  predicted(): number[] {
    return this.sums((a, b) => b * this.classes + a);
  }

  private sums(at: (a: number, b: number) => number): number[] {
    const all = Array.from({ length: this.classes }, (_, i) => i);
    return all.map((a) => all.reduce((sum, b) => sum + this.counts[at(a, b)], 0));
  }
}

/**
 * How often each class was taken for each.
 *
 * @example
 * ```ts
 * const confusion = new ConfusionMatrix(2);
 * confusion.update([0, 1, 1], [0, 0, 1]); // predicted classes, true ones
 * confusion.compute(); // [[1, 1], [0, 1]]: a row for each true class, a column for each predicted one
 * ```
 * @param numClasses - C
 * @param options - `normalize` none, `ignoreIndex` -100
 * @throws ArgumentError when an option makes no sense
 *
 * Differs from PyTorch: has no counterpart there; the numbers are those of scikit-learn's
 * `confusion_matrix`, with 0 in the rows or columns that a normalisation finds empty, as there.
 */
export class ConfusionMatrix implements Metric<number[][]> {
  private readonly counts: ClassCounts;
  private readonly normalize: ConfusionMatrixOptions['normalize'];

  constructor(numClasses: number, options: ConfusionMatrixOptions = {}) {
    checkOptions('ConfusionMatrix', options, ['normalize', 'ignoreIndex']);
    const { normalize, ignoreIndex } = options;
    if (normalize !== undefined) checkChoice('ConfusionMatrix', 'normalize', normalize, ['true', 'pred', 'all']);
    this.counts = new ClassCounts('ConfusionMatrix', numClasses, ignoreIndex);
    this.normalize = normalize;
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

  /** Counts or parts, `[true][predicted]`. */
  compute(): number[][] {
    const { classes, counts } = this.counts;
    const [rows, columns] = [this.counts.support(), this.counts.predicted()];
    const all = rows.reduce((sum, row) => sum + row, 0);
    const whole = (i: number, j: number): number => {
      if (this.normalize === undefined) return 1;
      return this.normalize === 'all' ? all : this.normalize === 'true' ? rows[i] : columns[j];
    };
    return rows.map((_, i) =>
      columns.map((__, j) => {
        const of = whole(i, j);
        return of === 0 ? 0 : counts[i * classes + j] / of;
      }),
    );
  }

  /**
   * Forgets everything.
   *
   * @example
   * ```ts
   * const matrix = new ConfusionMatrix(2);
   * matrix.update([1, 0], [1, 1]);
   * matrix.reset();
   * matrix.compute(); // [[0, 0], [0, 0]]
   * ```
   */
  reset(): void {
    this.counts.counts.fill(0);
  }
}
