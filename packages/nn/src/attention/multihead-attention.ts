import {
  add,
  ArgumentError,
  checkLengths,
  chunk,
  eq,
  type Lengths,
  linear,
  matmul,
  mean,
  mul,
  ones,
  reshape,
  scope,
  ShapeError,
  showShape,
  softmax,
  squeeze,
  type Tensor,
  transpose,
  tril,
  unsqueeze,
  where,
  zeros,
} from '@rnn/core';
import {
  checkCount,
  checkFlag,
  checkNumber,
  checkOptions,
  checkPlace,
  checkSameBackend,
  checkTensor,
  refuse,
} from '@rnn/core/checks';
import { dropout } from '../dropout.js';
import { xavierUniform_, zeros_ } from '../init/index.js';
import { Linear } from '../linear.js';
import { Module } from '../module.js';
import { placeOptions, type PlaceOptions } from '../options.js';
import { Parameter } from '../parameter.js';
import { lengthsMask } from '../sequences/lengths-mask.js';
import { maskedSoftmax } from '../sequences/masked-softmax.js';

/** What `MultiheadAttention` takes. */
export interface MultiheadAttentionOptions extends PlaceOptions {
  /** The share of weights that is dropped in training mode. */
  readonly dropout?: number;
  /** Whether biases are added to the projections. */
  readonly bias?: boolean;
  /** Features of the keys; as many as those of the queries unless given. */
  readonly kdim?: number;
  /** Features of the values; as many as those of the queries unless given. */
  readonly vdim?: number;
  /** Queries, keys, values and output are `[N, L, E]`. */
  readonly batchFirst?: boolean;
}

/** What a forward pass of `MultiheadAttention` takes besides. */
export interface MultiheadAttentionForwardOptions {
  /** `[N, S]` (`[S]` without a batch): where not 0, the key is padding, as PyTorch has it. */
  readonly keyPaddingMask?: Tensor;
  /** The same said by the number of valid keys in each row. */
  readonly lengths?: Lengths;
  /**
   * `[L, S]` or `[N * numHeads, L, S]`: of an int32 tensor, what is not 0 forbids a key to a query;
   * a floating one is added to the scores.
   */
  readonly attnMask?: Tensor;
  /** Whether no query sees a key behind its own place. */
  readonly isCausal?: boolean;
  /** Whether weights are returned; `true` unless said otherwise. */
  readonly needWeights?: boolean;
  /** Whether the weights returned are the mean over the heads; `true` unless said otherwise. */
  readonly averageAttnWeights?: boolean;
}

const forwardNames = ['keyPaddingMask', 'lengths', 'attnMask', 'isCausal', 'needWeights', 'averageAttnWeights'];

/**
 * Attention with several heads: each has projections of its own, softmax(q kᵀ / √(E / numHeads)) v,
 * and what they give side by side goes through a last projection.
 *
 * @example
 * ```ts
 * const attention = new MultiheadAttention(8, 2, { batchFirst: true });
 * const x = randn([5, 7, 8]);
 * const [output, weights] = attention.forward(x, x, x, { lengths: [7, 4, 7, 2, 1] }); // [5, 7, 8], [5, 7, 7]
 * ```
 * @param embedDim - E, features of the queries and of the output
 * @param numHeads - into how many parts they are split
 * @param options - `dropout` (0), `bias` (true), `kdim` and `vdim` (embedDim), `batchFirst`
 *   (false), `dtype`, `backend`
 * @throws ArgumentError for sizes that are not whole numbers from 1 up, heads that do not divide
 *   embedDim, or unknown options
 *
 * Parameters, as in PyTorch: `in_proj_weight` [3 E, E] (or `q_proj_weight`, `k_proj_weight`,
 * `v_proj_weight` with sizes of their own), `in_proj_bias` [3 E], `out_proj.weight`,
 * `out_proj.bias`. Differs from PyTorch: `lengths`; a query to which nothing is left gets weights
 * of 0, not NaN; no `add_bias_kv`, `add_zero_attn`. Source: Vaswani et al. 2017.
 */
export class MultiheadAttention extends Module {
  readonly embedDim: number;
  readonly numHeads: number;
  readonly dropout: number;
  readonly kdim: number;
  readonly vdim: number;
  readonly batchFirst: boolean;
  in_proj_weight: Parameter | undefined;
  q_proj_weight: Parameter | undefined;
  k_proj_weight: Parameter | undefined;
  v_proj_weight: Parameter | undefined;
  in_proj_bias: Parameter | undefined;
  readonly out_proj: Linear;

  constructor(embedDim: number, numHeads: number, options: MultiheadAttentionOptions = {}) {
    super();
    const owner = 'MultiheadAttention';
    checkOptions(owner, options, ['dropout', 'bias', 'kdim', 'vdim', 'batchFirst', ...placeOptions]);
    const { dropout: drop = 0, bias = true, kdim = embedDim, vdim = embedDim, batchFirst = false, ...place } = options;
    for (const [name, count] of Object.entries({ embedDim, numHeads, kdim, vdim })) checkCount(owner, name, count, 1);
    checkNumber(owner, 'dropout', drop, { from: 0, to: 1 });
    checkFlag(owner, 'bias', bias);
    checkFlag(owner, 'batchFirst', batchFirst);
    if (embedDim % numHeads !== 0) {
      refuse(ArgumentError, owner, 'numHeads', {
        value: numHeads,
        expected: `a number that divides embedDim, ${embedDim}`,
      });
    }
    const made = (...shape: number[]): Parameter => scope(() => new Parameter(zeros(shape, place)));
    const isOne = kdim === embedDim && vdim === embedDim;
    this.embedDim = embedDim;
    this.numHeads = numHeads;
    this.dropout = drop;
    this.kdim = kdim;
    this.vdim = vdim;
    this.batchFirst = batchFirst;
    this.in_proj_weight = isOne ? made(3 * embedDim, embedDim) : undefined;
    this.q_proj_weight = isOne ? undefined : made(embedDim, embedDim);
    this.k_proj_weight = isOne ? undefined : made(embedDim, kdim);
    this.v_proj_weight = isOne ? undefined : made(embedDim, vdim);
    this.in_proj_bias = bias ? made(3 * embedDim) : undefined;
    this.out_proj = new Linear(embedDim, embedDim, { bias, ...place });
    resetProjections(this);
  }

  /**
   * Draws the parameters anew.
   *
   * @example
   * ```ts
   * const attention = new MultiheadAttention(4, 2);
   * attention.resetParameters(); // as if it were made now
   * ```
   */
  resetParameters(): void {
    this.out_proj.resetParameters();
    resetProjections(this);
  }

  /**
   * @param query - `[L, N, E]`, `[N, L, E]` if batch first, or `[L, E]`
   * @param key - `[S, N, kdim]`, `[N, S, kdim]` if batch first, or `[S, kdim]`
   * @param value - `[S, N, vdim]`, `[N, S, vdim]` if batch first, or `[S, vdim]`
   * @param options - `keyPaddingMask` or `lengths`, `attnMask`, `isCausal` (false), `needWeights`
   *   (true), `averageAttnWeights` (true)
   * @returns the output in the form of the query, and the weights `[N, L, S]`
   *   (`[N, numHeads, L, S]` without the mean over the heads; both without N for a single
   *   sequence), `undefined` where they are not needed
   * @throws ShapeError, ArgumentError, DTypeError, BackendError when the arguments do not fit
   *   together
   */
  forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    options: MultiheadAttentionForwardOptions = {},
  ): [output: Tensor, weights: Tensor | undefined] {
    const owner = 'MultiheadAttention';
    checkOptions(owner, options, forwardNames);
    const { needWeights = true, averageAttnWeights = true, isCausal = false } = options;
    checkFlag(owner, 'needWeights', needWeights);
    checkFlag(owner, 'averageAttnWeights', averageAttnWeights);
    checkFlag(owner, 'isCausal', isCausal);
    const isBatched = checkInputs(this, query, key, value);
    return scope(() => {
      // [N, L or S, features]
      const [q, k, v] = [query, key, value].map((x) =>
        isBatched ? (this.batchFirst ? x : transpose(x, 0, 1)) : unsqueeze(x, 0),
      );
      const masks = masksOf(this, q, k, options);
      const [output, weights] = throughHeads(this, q, k, v, masks);
      const form = (x: Tensor): Tensor => (isBatched ? (this.batchFirst ? x : transpose(x, 0, 1)) : squeeze(x, 0));
      if (!needWeights) return [form(output), undefined];
      const shown = averageAttnWeights ? mean(weights, 1) : weights;
      return [form(output), isBatched ? shown : squeeze(shown, 0)];
    });
  }
}

function resetProjections(self: MultiheadAttention): void {
  for (const weight of [self.in_proj_weight, self.q_proj_weight, self.k_proj_weight, self.v_proj_weight]) {
    if (weight !== undefined) xavierUniform_(weight);
  }
  for (const bias of [self.in_proj_bias, self.out_proj.bias]) if (bias !== undefined) zeros_(bias);
}

/** Output `[N, L, E]` and weights `[N, numHeads, L, S]`. */
function throughHeads(
  self: MultiheadAttention,
  query: Tensor,
  key: Tensor,
  value: Tensor,
  { allowed, added }: Masks,
): [output: Tensor, weights: Tensor] {
  const { numHeads, embedDim, out_proj } = self;
  const [batch, length] = query.shape;
  const size = embedDim / numHeads;
  const [wq, wk, wv] = projectionsOf(self);
  const [bq, bk, bv] = (self.in_proj_bias && chunk(self.in_proj_bias, 3)) ?? [];
  const split = (x: Tensor): Tensor => transpose(reshape(x, [batch, x.shape[1], numHeads, size]), 1, 2);
  const q = mul(split(linear(query, wq, bq)), 1 / Math.sqrt(size));
  const products = matmul(q, split(linear(key, wk, bk)), { transposeB: true });
  const scores = added === undefined ? products : add(products, added);
  const all = allowed === undefined ? softmax(scores, -1) : maskedSoftmax(scores, allowed);
  const weights = dropout(all, { p: self.dropout, training: self.training });
  const joined = reshape(transpose(matmul(weights, split(linear(value, wv, bv))), 1, 2), [batch, length, embedDim]);
  return [out_proj.forward(joined), weights];
}

function projectionsOf(self: MultiheadAttention): readonly Tensor[] {
  if (self.in_proj_weight !== undefined) return chunk(self.in_proj_weight, 3);
  return [self.q_proj_weight, self.k_proj_weight, self.v_proj_weight] as readonly Tensor[];
}

/** What keeps queries from keys. */
function masksOf(
  self: MultiheadAttention,
  query: Tensor,
  key: Tensor,
  options: MultiheadAttentionForwardOptions,
): Masks {
  const { keyPaddingMask, lengths, attnMask, isCausal = false } = options;
  const owner = 'MultiheadAttention';
  const [batch, length] = query.shape;
  const [, steps] = key.shape;
  const { backend, dtype } = query;
  const allowed: Tensor[] = [];
  let added: Tensor | undefined;
  if (keyPaddingMask !== undefined) {
    checkTensor(owner, 'keyPaddingMask', keyPaddingMask);
    checkSameBackend(owner, 'keyPaddingMask', keyPaddingMask.backend, backend, 'the query');
    const { shape } = keyPaddingMask;
    const fits =
      shape[shape.length - 1] === steps &&
      (shape.length === 2 ? shape[0] === batch : shape.length === 1 && batch === 1);
    if (!fits) refuseMask('keyPaddingMask', shape, `[${batch}, ${steps}] (batch, keys)`);
    allowed.push(reshape(eq(keyPaddingMask, 0), [batch, 1, 1, steps]));
  }
  if (lengths !== undefined) {
    const list = checkLengths(owner, lengths, batch, steps);
    allowed.push(reshape(lengthsMask(list, { steps, batchFirst: true, backend }), [batch, 1, 1, steps]));
  }
  if (attnMask !== undefined) {
    checkTensor(owner, 'attnMask', attnMask);
    checkSameBackend(owner, 'attnMask', attnMask.backend, backend, 'the query');
    const heads = batch * self.numHeads;
    const { shape } = attnMask;
    const isEach = shape.length === 3 && shape[0] === heads;
    if ((!isEach && shape.length !== 2) || shape[shape.length - 2] !== length || shape[shape.length - 1] !== steps) {
      refuseMask(
        'attnMask',
        shape,
        `[${length}, ${steps}] or [${heads}, ${length}, ${steps}] (batch * numHeads, queries, keys)`,
      );
    }
    const whole = reshape(attnMask, isEach ? [batch, self.numHeads, length, steps] : [1, 1, length, steps]);
    if (attnMask.dtype === 'int32') allowed.push(eq(whole, 0));
    else {
      checkPlace(owner, 'attnMask', attnMask, query, 'the query');
      added = whole;
    }
  }
  if (isCausal) allowed.push(tril(ones([1, 1, length, steps], { dtype, backend })));
  if (allowed.length === 0) return { allowed: undefined, added };
  // Of one rank, as maskedSoftmax takes it.
  return { allowed: allowed.reduce((both, next) => where(both, next, 0)), added };
}

/** Refuses what does not fit, and says whether there is a batch. */
function checkInputs(self: MultiheadAttention, query: Tensor, key: Tensor, value: Tensor): boolean {
  const owner = 'MultiheadAttention';
  checkTensor(owner, 'query', query);
  const isBatched = query.rank === 3;
  const { batchFirst, embedDim, kdim, vdim } = self;
  const rows = batchFirst ? 0 : 1;
  const form = (steps: string | number, width: number): string => {
    if (!isBatched) return `[${steps}, ${width}]`;
    const batch = query.shape[rows];
    return batchFirst ? `[${batch}, ${steps}, ${width}]` : `[${steps}, ${batch}, ${width}]`;
  };
  if ((query.rank !== 2 && query.rank !== 3) || query.shape[query.rank - 1] !== embedDim || query.size === 0) {
    const expected = `${batchFirst ? '[N, L' : '[L, N'}, ${embedDim}] or [L, ${embedDim}]`;
    refuse(ShapeError, owner, 'query', { has: 'shape', received: showShape(query.shape), expected });
  }
  checkPlace(owner, 'query', query, self.out_proj.weight, 'the parameters');
  const steps = isBatched ? 1 - rows : 0;
  for (const [name, x, width] of [
    ['key', key, kdim],
    ['value', value, vdim],
  ] as const) {
    checkTensor(owner, name, x);
    const fits =
      x.rank === query.rank &&
      x.shape[x.rank - 1] === width &&
      (!isBatched || x.shape[rows] === query.shape[rows]) &&
      (name === 'key' || x.shape[steps] === key.shape[steps]) &&
      x.size > 0;
    if (!fits) {
      const expected = form(name === 'key' ? 'S' : key.shape[steps], width);
      refuse(ShapeError, owner, name, { has: 'shape', received: showShape(x.shape), expected });
    }
    checkPlace(owner, name, x, query, 'the query');
  }
  return isBatched;
}

/** What keeps queries from keys: both broadcast to `[N, numHeads, L, S]`. */
interface Masks {
  /** 0 where a query must not see a key. */
  readonly allowed: Tensor | undefined;
  readonly added: Tensor | undefined;
}

function refuseMask(argument: string, shape: readonly number[], expected: string): never {
  refuse(ShapeError, 'MultiheadAttention', argument, { has: 'shape', received: showShape(shape), expected });
}
