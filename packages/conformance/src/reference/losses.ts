import { FormatError, type Tensor } from '@rnn/core';
import {
  bceWithLogits,
  crossEntropy,
  Embedding,
  huberLoss,
  l1Loss,
  LayerNorm,
  Linear,
  mseLoss,
  nllLoss,
  smoothL1Loss,
} from '@rnn/nn';
import type { Trial } from './trial.js';

/** Runs a case of the group `nn`: a small layer. */
export function runModule(trial: Trial): void {
  const { file } = trial;
  const name = file.config.text('module');
  switch (name) {
    case 'Linear':
      trial.result('out', linear(trial));
      break;
    case 'Embedding':
      trial.result('out', embedding(trial));
      break;
    case 'LayerNorm':
      trial.result('out', layerNorm(trial));
      break;
    default:
      throw new FormatError(`reference case: unknown module '${name}', expected Linear, Embedding or LayerNorm`);
  }
  trial.backward();
}

function linear(trial: Trial): Tensor {
  const { file, backend } = trial;
  const [outFeatures, inFeatures] = file.tensor('param.weight').shape;
  const module = trial.load(new Linear(inFeatures, outFeatures, { bias: file.has('param.bias'), backend }));
  return module.forward(trial.input('x'));
}

function embedding(trial: Trial): Tensor {
  const { file, backend } = trial;
  const [count, width] = file.tensor('param.weight').shape;
  const module = trial.load(
    new Embedding(count, width, { paddingIdx: file.config.optionalNumber('padding_idx'), backend }),
  );
  return module.forward(trial.input('index'));
}

function layerNorm(trial: Trial): Tensor {
  const { file, backend } = trial;
  const affine = file.has('param.weight');
  const options = {
    eps: file.config.number('eps', 1e-5),
    elementwiseAffine: affine,
    bias: file.has('param.bias'),
    backend,
  };
  const width = file.config.numbers('normalized_shape') ?? file.tensor('param.weight').shape;
  return trial.load(new LayerNorm([...width], options)).forward(trial.input('x'));
}

/** Runs a case of the group `loss`. */
export function runLoss(trial: Trial): void {
  trial.result('out', lossOf(trial));
  trial.backward();
}

function lossOf(trial: Trial): Tensor {
  const { config } = trial.file;
  const name = config.text('loss');
  const x = trial.input('x');
  const target = trial.input('target');
  const reduction = config.choice('reduction', ['mean', 'sum', 'none'], 'mean');
  switch (name) {
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
        `reference case: unknown loss '${name}', expected cross_entropy, nll, mse, l1, smooth_l1, huber or bce_with_logits`,
      );
  }
}
