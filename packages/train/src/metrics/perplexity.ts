import { checkCount, checkNumber, checkOptions } from '@rnn/core/checks';
import type { Column } from '../data/tensor-dataset.js';
import { readValues, visitWithin, checkSeen, type LengthOptions, type Metric } from './metric.js';

/** The mean negative log-likelihood of all steps so far, in nats. */
abstract class LikelihoodMetric implements Metric {
  private readonly owner: string;
  private sum = 0;
  private count = 0;

  protected constructor(owner: string) {
    this.owner = owner;
  }

  /**
   * Adds the losses of a batch.
   *
   * @param losses - what `crossEntropy` or `nllLoss` give with `reduction: 'none'`: one loss a
   *   step, in nats
   * @param options - `lengths` for `[T, B]`, or for `[B, T]` with `batchFirst`
   * @throws ShapeError when the lengths do not fit
   */
  update(losses: Column, options: LengthOptions = {}): void {
    const operation = `${this.owner}.update`;
    checkOptions(operation, options, ['lengths', 'batchFirst']);
    const { shape, data } = readValues(operation, 'losses', losses);
    visitWithin(operation, shape, options, (i) => {
      this.sum += data[i];
      this.count++;
    });
  }

  /**
   * Adds a mean loss, as `crossEntropy` gives it unless told otherwise.
   *
   * @param loss - the mean, in nats
   * @param count - of how many steps
   * @throws ArgumentError when the count is not a whole number above 0
   */
  updateMean(loss: number, count: number): void {
    const operation = `${this.owner}.updateMean`;
    // A loss may be infinite (a class of probability 0), or NaN, which the measure then is, too.
    if (!Number.isNaN(loss)) checkNumber(operation, 'loss', loss, { from: -Infinity, to: Infinity });
    checkCount(operation, 'count', count, 1);
    this.sum += loss * count;
    this.count += count;
  }

  /** @throws ArgumentError when nothing was counted */
  compute(): number {
    checkSeen(this.owner, this.count);
    return this.fromNats(this.sum / this.count);
  }

  reset(): void {
    this.sum = 0;
    this.count = 0;
  }

  protected abstract fromNats(mean: number): number;
}

/**
 * How many equally likely words a model hesitates between: exp(-(1 / N) sum_n log p(w_n)).
 *
 * @example
 * ```ts
 * const perplexity = new Perplexity();
 * perplexity.updateMean(Math.log(10), 32);   // a mean loss of 32 steps
 * perplexity.compute();   // 10: as a guess among ten
 * ```
 * Differs from PyTorch: has no counterpart there; the exponential of its mean `cross_entropy` over
 * all steps, whatever the sizes of the batches.
 */
export class Perplexity extends LikelihoodMetric {
  constructor() {
    super('Perplexity');
  }

  protected override fromNats(mean: number): number {
    return Math.exp(mean);
  }
}

/**
 * How many bits a character costs: -(1 / N) sum_n log2 p(c_n).
 *
 * @example
 * ```ts
 * const bits = new BitsPerCharacter();
 * bits.updateMean(Math.log(4), 100);   // a mean loss of 100 characters
 * bits.compute();   // 2
 * ```
 * Differs from PyTorch: has no counterpart there; its mean `cross_entropy` divided by log 2.
 */
export class BitsPerCharacter extends LikelihoodMetric {
  constructor() {
    super('BitsPerCharacter');
  }

  protected override fromNats(mean: number): number {
    return mean / Math.LN2;
  }
}
