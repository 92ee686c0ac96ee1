import { checkCount, checkFunction, checkNumber, checkOptions } from '@rnn/core/checks';
import type { Module } from '@rnn/nn';
import { checkModel } from '../evaluation.js';
import type { LossFunction } from '../loop/loss-function.js';
import { fit } from '../loop/fit.js';
import { Adam } from '../optimizers/adam.js';

export interface OverfitOptions<M, B> {
  /** The loss of the model on a batch, as for `fit`. */
  readonly loss: LossFunction<M, B>;
  /** Steps of Adam at most; 200 unless given. */
  readonly steps?: number;
  /** Its rate; 0.01 unless given. */
  readonly lr?: number;
  /** The loss at which the batch counts as learnt; a twentieth of the first one unless given. */
  readonly target?: number;
}

/** How well one batch was learnt. */
export interface OverfitReport {
  /** Whether the loss came down to the target. */
  readonly passed: boolean;
  /** The loss before every step. */
  readonly losses: readonly number[];
  readonly target: number;
  /** The same in words, with what to look at. */
  readonly text: string;
}

/**
 * Trains a copy of the model on one batch until it knows it by heart: the first check of every new
 * model. One that cannot learn one batch has a mistake in the model, the loss or the targets, which
 * no more data will mend.
 *
 * @example
 * ```ts
 * const { passed, text } = await overfitOneBatch(model, batch, { loss });
 * if (!passed) console.log(text);
 * ```
 * @param model - any module; it stays as it is, a clone is trained, and dropout does not act
 * @param batch - a small one
 * @param options - `loss`; `steps` 200, `lr` 0.01, `target` a twentieth of the first loss
 * @returns `passed`, the losses, and a text
 * @throws ArgumentError when an argument is none; NonFiniteError; what `clone` of the model throws
 *
 * Differs from PyTorch: has no counterpart there; Lightning has `overfit_batches`.
 */
export async function overfitOneBatch<M extends Module, B>(
  model: M,
  batch: B,
  options: OverfitOptions<M, B>,
): Promise<OverfitReport> {
  const owner = 'overfitOneBatch';
  checkModel(owner, model);
  checkOptions(owner, options, ['loss', 'steps', 'lr', 'target']);
  const { loss, steps = 200, lr = 0.01 } = options;
  checkFunction(owner, 'loss', loss, '(model, batch) => Tensor');
  checkCount(owner, 'steps', steps, 2);
  checkNumber(owner, 'lr', lr, { above: 0 });
  if (options.target !== undefined) checkNumber(owner, 'target', options.target);
  const copy = model.clone();
  const optimizer = new Adam(copy.parameters(), { lr });
  const losses: number[] = [];
  const enough = new AbortController();
  try {
    await fit(copy, [batch], {
      loss: (clone, each) => {
        clone.eval();
        return loss(clone, each);
      },
      optimizer,
      steps,
      signal: enough.signal,
      onStep: ({ loss: value }) => {
        losses.push(value);
        if (losses.length > 1 && value <= (options.target ?? losses[0] / 20)) enough.abort();
      },
    });
  } finally {
    optimizer.dispose();
    for (const tensor of [...copy.parameters(), ...copy.buffers()]) tensor.dispose();
  }
  const target = options.target ?? losses[0] / 20;
  const least = losses.reduce((a, b) => Math.min(a, b));
  const passed = least <= target;
  const course = `the loss went from ${losses[0].toPrecision(3)} to ${least.toPrecision(3)} in ${losses.length} steps`;
  const hint =
    'look at the targets, the loss, and whether each parameter has a gradient (gradientFlow), then at lr and steps';
  return { passed, losses, target, text: passed ? `learnt: ${course}` : `not learnt: ${course}; ${hint}` };
}
