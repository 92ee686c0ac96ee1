import {
  add,
  div,
  mean as meanOf,
  mul,
  noGrad,
  ones,
  reciprocal,
  scope,
  ShapeError,
  showShape,
  sqrt,
  square,
  sub,
  tensor,
  type Tensor,
  to,
  unsqueeze,
  zeros,
} from '@rnn/core';
import { checkCount, checkFlag, checkNumber, checkOptions, checkPlace, checkTensor, refuse } from '@rnn/core/checks';
import { listed } from './describe.js';
import { ones_, zeros_ } from './init/index.js';
import { Module } from './module.js';
import { placeOptions, type PlaceOptions } from './options.js';
import { Parameter } from './parameter.js';

/** What `BatchNorm1d` takes. */
export interface BatchNorm1dOptions extends PlaceOptions {
  /** Added to the variance, so that nothing is divided by zero. */
  readonly eps?: number;
  /**
   * The share of each batch in the running mean and variance; `null` for the plain average of all
   * batches.
   */
  readonly momentum?: number | null;
  /** Whether factors (and summands) are learned. */
  readonly affine?: boolean;
  /** Whether summands are learned beside the factors. */
  readonly bias?: boolean;
  /** Whether a running mean and variance are kept, for evaluation. */
  readonly trackRunningStats?: boolean;
}

/**
 * Batch normalisation: each feature brought to mean 0 and variance 1 over the batch (and the
 * places), then scaled and shifted. In evaluation mode by the running mean and variance of the
 * training.
 *
 * @example
 * ```ts
 * new BatchNorm1d(3).forward(randn([16, 3])).mean(0);   // [0, 0, 0]
 * ```
 * @param numFeatures - C
 * @param options - `eps` (1e-5), `momentum` (0.1), `affine` (true), `bias` (true),
 *   `trackRunningStats` (true), `dtype`, `backend`
 * @throws ArgumentError for a size that is not a whole number from 1 up, options out of range, or
 *   unknown options
 *
 * Parameters: `weight` (ones) and `bias` (zeros); buffers `running_mean`, `running_var`,
 * `num_batches_tracked`. The names are PyTorch's.
 * Source: Ioffe and Szegedy 2015.
 */
export class BatchNorm1d extends Module {
  readonly numFeatures: number;
  readonly eps: number;
  readonly momentum: number | null;
  weight: Parameter | undefined;
  bias: Parameter | undefined;
  declare running_mean: Tensor | undefined;
  declare running_var: Tensor | undefined;
  declare num_batches_tracked: Tensor | undefined;

  constructor(numFeatures: number, options: BatchNorm1dOptions = {}) {
    super();
    const owner = 'BatchNorm1d';
    checkOptions(owner, options, ['eps', 'momentum', 'affine', 'bias', 'trackRunningStats', ...placeOptions]);
    const { eps = 1e-5, momentum = 0.1, affine = true, bias = true, trackRunningStats = true, ...place } = options;
    checkCount(owner, 'numFeatures', numFeatures, 1);
    checkNumber(owner, 'eps', eps, { from: 0, to: Infinity });
    if (momentum !== null) checkNumber(owner, 'momentum', momentum, { from: 0, to: 1 });
    checkFlag(owner, 'affine', affine);
    checkFlag(owner, 'bias', bias);
    checkFlag(owner, 'trackRunningStats', trackRunningStats);
    this.numFeatures = numFeatures;
    this.eps = eps;
    this.momentum = momentum;
    this.weight = affine ? scope(() => new Parameter(ones([numFeatures], place))) : undefined;
    this.bias = affine && bias ? scope(() => new Parameter(zeros([numFeatures], place))) : undefined;
    if (!trackRunningStats) return;
    scope(() => {
      this.registerBuffer('running_mean', zeros([numFeatures], place));
      this.registerBuffer('running_var', ones([numFeatures], place));
      this.registerBuffer('num_batches_tracked', tensor(0, { dtype: 'int32', backend: place.backend }));
    });
  }

  protected override extraRepr(): string {
    const { numFeatures, eps, momentum, weight } = this;
    const share = momentum === null ? 'momentum=None' : listed({ momentum });
    const rest = listed({
      affine: weight !== undefined,
      bias: this.bias !== undefined,
      track_running_stats: this.running_mean !== undefined,
    });
    return `${numFeatures}, ${listed({ eps })}, ${share}, ${rest}`;
  }

  /**
   * Sets the factors to 1 and the summands to 0.
   *
   * @example
   * ```ts
   * const norm = new BatchNorm1d(4);
   * norm.resetParameters(); // as it was made
   * ```
   */
  resetParameters(): void {
    if (this.weight !== undefined) ones_(this.weight);
    if (this.bias !== undefined) zeros_(this.bias);
  }

  /**
   * @param x - `[N, numFeatures]` or `[N, numFeatures, L]`
   * @returns the shape of `x`
   * @throws ShapeError when the features are others, or a training's batch has a single value for
   *   each feature
   */
  forward(x: Tensor): Tensor {
    checkTensor('BatchNorm1d', 'input', x);
    const { numFeatures: size } = this;
    const count = x.size / size;
    const running = this.training ? undefined : runningOf(this);
    const least = running === undefined ? 2 : 1;
    if ((x.rank !== 2 && x.rank !== 3) || x.shape[1] !== size || count < least) {
      const expected = `[N, ${size}] or [N, ${size}, L]${least > 1 ? ' with more than one value for each feature' : ''}`;
      refuse(ShapeError, 'BatchNorm1d', 'input', { has: 'shape', received: showShape(x.shape), expected });
    }
    const place = this.weight ?? this.running_mean;
    if (place !== undefined) checkPlace('BatchNorm1d', 'input', x, place, 'the parameters');
    return scope(() => {
      const inRow = (values: Tensor): Tensor => (x.rank === 3 ? unsqueeze(values, 1) : values);
      const [mean, variance] = running ?? statisticsOf(this, x, count);
      const unit = div(sub(x, inRow(mean)), inRow(sqrt(add(variance, this.eps))));
      const scaled = this.weight === undefined ? unit : mul(unit, inRow(this.weight));
      return this.bias === undefined ? scaled : add(scaled, inRow(this.bias));
    });
  }
}

/** Mean and variance of a batch, which in training enter the running ones. */
function statisticsOf(self: BatchNorm1d, x: Tensor, count: number): [mean: Tensor, variance: Tensor] {
  const dims = x.rank === 3 ? [0, 2] : [0];
  const mean = meanOf(x, dims);
  const variance = meanOf(square(sub(x, x.rank === 3 ? unsqueeze(mean, 1) : mean)), dims);
  if (self.training) noGrad(() => track(self, mean, mul(variance, count / (count - 1))));
  return [mean, variance];
}

function track(self: BatchNorm1d, mean: Tensor, variance: Tensor): void {
  const { running_mean, running_var, num_batches_tracked, momentum } = self;
  if (running_mean === undefined || running_var === undefined || num_batches_tracked === undefined) return;
  num_batches_tracked.copy_(add(num_batches_tracked, 1));
  const share: number | Tensor = momentum ?? reciprocal(to(num_batches_tracked, mean.dtype));
  running_mean.copy_(add(running_mean, mul(sub(mean, running_mean), share)));
  running_var.copy_(add(running_var, mul(sub(variance, running_var), share)));
}

function runningOf(self: BatchNorm1d): [mean: Tensor, variance: Tensor] | undefined {
  const { running_mean, running_var } = self;
  return running_mean === undefined || running_var === undefined ? undefined : [running_mean, running_var];
}
