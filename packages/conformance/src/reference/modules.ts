/** Small layers, and attention. */
import { FormatError, type Tensor } from '@rnn/core';
import {
  Attention,
  BatchNorm1d,
  Conv1d,
  Embedding,
  LayerNorm,
  Linear,
  MultiheadAttention,
  type Conv1dOptions,
} from '@rnn/nn';
import type { Trial } from './trial.js';

const runners: ReadonlyMap<string, (trial: Trial) => void> = new Map([
  ['Linear', linear],
  ['Embedding', embedding],
  ['LayerNorm', layerNorm],
  ['BatchNorm1d', batchNorm],
  ['Conv1d', convolution],
  ['Attention', attention],
  ['MultiheadAttention', multiheadAttention],
]);

/** Runs a case of the group `nn`: a layer. */
export function runModule(trial: Trial): void {
  const name = trial.file.config.text('module');
  const run = runners.get(name);
  if (run === undefined) {
    const known = [...runners.keys()].join(', ');
    throw new FormatError(`reference case: unknown module '${name}', expected one of ${known}`);
  }
  run(trial);
  trial.backward();
}

function linear(trial: Trial): void {
  const { file, backend } = trial;
  const [outFeatures, inFeatures] = file.tensor('param.weight').shape;
  const module = trial.load(new Linear(inFeatures, outFeatures, { bias: file.has('param.bias'), backend }));
  trial.result('out', module.forward(trial.input('x')));
}

function embedding(trial: Trial): void {
  const { file, backend } = trial;
  const [count, width] = file.tensor('param.weight').shape;
  const paddingIdx = file.config.optionalNumber('padding_idx');
  const module = trial.load(new Embedding(count, width, { paddingIdx, backend }));
  trial.result('out', module.forward(trial.input('index')));
}

function layerNorm(trial: Trial): void {
  const { file, backend } = trial;
  const options = {
    eps: file.config.number('eps', 1e-5),
    elementwiseAffine: file.has('param.weight'),
    bias: file.has('param.bias'),
    backend,
  };
  const width = file.config.numbers('normalized_shape') ?? file.tensor('param.weight').shape;
  trial.result('out', trial.load(new LayerNorm([...width], options)).forward(trial.input('x')));
}

function batchNorm(trial: Trial): void {
  const { file, backend } = trial;
  const { config } = file;
  const training = config.flag('training', true);
  // A momentum that is there and null is the plain average.
  const share = config.has('momentum') ? config.optionalNumber('momentum') : 0.1;
  const options = {
    eps: config.number('eps', 1e-5),
    momentum: share ?? null,
    affine: config.flag('affine', true),
    trackRunningStats: config.flag('track_running_stats', true),
    backend,
  };
  const module = trial.load(new BatchNorm1d(config.number('num_features'), options)).train(training);
  trial.result('out', module.forward(trial.input('x')));
  if (!training) return;
  for (const [name, buffer] of module.namedBuffers()) trial.result(`out.${name}`, buffer.detach());
}

function convolution(trial: Trial): void {
  const { file, backend } = trial;
  const { config } = file;
  config.text('module');
  const sizes = [config.number('in_channels'), config.number('out_channels'), config.number('kernel_size')] as const;
  const options = config.rest() as Conv1dOptions;
  const module = trial.load(new Conv1d(...sizes, { ...options, backend }));
  trial.result('out', module.forward(trial.input('x')));
}

function attention(trial: Trial): void {
  const { file, backend } = trial;
  const { config } = file;
  const score = config.choice('score', ['dot', 'general', 'additive'], 'dot');
  const attentionSize = config.number('attention_size');
  const options = { score, attentionSize, backend };
  const module = trial.load(new Attention(config.number('query_size'), config.number('memory_size'), options));
  const lengths = config.numbers('lengths');
  const [context, weights] = module.forward(trial.input('query'), trial.input('memory'), { lengths });
  trial.result('out.context', context);
  trial.result('out.weights', weights);
}

function multiheadAttention(trial: Trial): void {
  const { file, backend } = trial;
  const { config } = file;
  const embedDim = config.number('embed_dim');
  const module = trial.load(
    new MultiheadAttention(embedDim, config.number('num_heads'), {
      kdim: config.number('kdim', embedDim),
      vdim: config.number('vdim', embedDim),
      bias: config.flag('bias', true),
      batchFirst: config.flag('batch_first', false),
      backend,
    }),
  );
  const inputs = ['query', 'key', 'value'].map((name) => trial.input(name)) as [Tensor, Tensor, Tensor];
  const [output, weights] = module.forward(...inputs, {
    keyPaddingMask: trial.optional('key_padding_mask'),
    attnMask: trial.optional('attn_mask'),
    averageAttnWeights: config.flag('average_attn_weights', true),
  });
  trial.result('out.output', output);
  if (weights !== undefined) trial.result('out.weights', weights);
}
