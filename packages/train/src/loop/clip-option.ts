import { checkFlag, checkNumber, checkOptions } from '@rnn/core/checks';

/** How `fit` clips gradients, where a norm does not say it all. */
export interface ClipNormOptions {
  readonly maxNorm: number;
  /** Which norm; 2 unless given. See `clipGradNorm`. */
  readonly normType?: number;
  /**
   * Whether a step whose norm is NaN or infinite is refused before the parameters change, whatever
   * `onNonFinite` and `logEvery` say. The norm of every step is read from the device. False unless
   * given.
   */
  readonly errorIfNonfinite?: boolean;
}

/** Refuses options that make no sense. */
export function checkClipNorm(clipNorm: number | ClipNormOptions | undefined): void {
  if (clipNorm === undefined) return;
  if (typeof clipNorm !== 'object' || clipNorm === null) {
    checkNumber('fit', 'clipNorm', clipNorm, { above: 0 });
    return;
  }
  checkOptions('fit', clipNorm, ['maxNorm', 'normType', 'errorIfNonfinite'], 'clipNorm');
  const { maxNorm, normType, errorIfNonfinite } = clipNorm;
  checkNumber('fit', 'clipNorm.maxNorm', maxNorm, { above: 0 });
  if (normType !== undefined) checkNumber('fit', 'clipNorm.normType', normType, { above: 0, to: Infinity });
  if (errorIfNonfinite !== undefined) checkFlag('fit', 'clipNorm.errorIfNonfinite', errorIfNonfinite);
}

/** The option in its long form. */
export function clipOf(clipNorm: number | ClipNormOptions | undefined): ClipNormOptions | undefined {
  return typeof clipNorm === 'number' ? { maxNorm: clipNorm } : clipNorm;
}
