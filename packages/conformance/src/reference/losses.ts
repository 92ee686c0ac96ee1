import { FormatError, type Tensor } from '@rnn/core';
import {
  bceLoss,
  bceWithLogits,
  crossEntropy,
  ctcLoss,
  huberLoss,
  l1Loss,
  mseLoss,
  nllLoss,
  smoothL1Loss,
  type Reduction,
} from '@rnn/nn';
import type { Trial } from './trial.js';

/** Runs a case of the group `loss`. */
export function runLoss(trial: Trial): void {
  trial.result('out', lossOf(trial));
  trial.backward();
}

function lossOf(trial: Trial): Tensor {
  const { config } = trial.file;
  const name = config.text('loss');
  const reduction = config.choice('reduction', ['mean', 'sum', 'none'], 'mean');
  if (name === 'ctc') return ctcOf(trial, reduction);
  const x = trial.input('x');
  const target = trial.input('target');
  switch (name) {
    case 'bce':
      return bceLoss(x, target, { reduction, weight: trial.optional('weight') });
    case 'cross_entropy':
      return crossEntropy(x, target, {
        reduction,
        weight: trial.optional('weight'),
        ignoreIndex: config.number('ignore_index', -100),
        labelSmoothing: config.number('label_smoothing', 0),
      });
    case 'nll':
      return nllLoss(x, target, {
        reduction,
        weight: trial.optional('weight'),
        ignoreIndex: config.number('ignore_index', -100),
      });
    case 'mse':
      return mseLoss(x, target, { reduction });
    case 'l1':
      return l1Loss(x, target, { reduction });
    case 'smooth_l1':
      return smoothL1Loss(x, target, { reduction, beta: config.number('beta', 1) });
    case 'huber':
      return huberLoss(x, target, { reduction, delta: config.number('delta', 1) });
    case 'bce_with_logits':
      return bceWithLogits(x, target, {
        reduction,
        weight: trial.optional('weight'),
        posWeight: trial.optional('pos_weight'),
      });
    default:
      throw new FormatError(
        `reference case: unknown loss '${name}', expected cross_entropy, nll, mse, l1, smooth_l1, huber, bce, bce_with_logits or ctc`,
      );
  }
}

/** Targets and lengths go in as lists, so that no backend has to read them. */
function ctcOf(trial: Trial, reduction: Reduction): Tensor {
  const { file } = trial;
  const { config } = file;
  const x = trial.input('x');
  const { data, shape } = file.tensor('target');
  const inputLengths = Array.from(file.tensor('input_lengths').data);
  const targetLengths = Array.from(file.tensor('target_lengths').data);
  let start = 0;
  const targets = targetLengths.map((length, row) => {
    const from = shape.length === 2 ? row * shape[1] : start;
    start += length;
    return Array.from(data.subarray(from, from + length));
  });
  const logProbs = config.flag('log_probs', false) ? x : x.logSoftmax(-1);
  return ctcLoss(logProbs, targets, inputLengths, undefined, {
    reduction,
    blank: config.number('blank', 0),
    zeroInfinity: config.flag('zero_infinity', false),
  });
}
