import {
  add,
  checkLengths,
  type Lengths,
  matmul,
  mul,
  scope,
  ShapeError,
  showShape,
  softmax,
  squeeze,
  sum,
  tanh,
  type Tensor,
  unsqueeze,
  where,
} from '@rnn/core';
import {
  checkChoice,
  checkCount,
  checkFlag,
  checkOptions,
  checkPlace,
  checkSameBackend,
  checkShapeIs,
  checkTensor,
  refuse,
} from '@rnn/core/checks';
import { listed } from '../describe.js';
import { Linear } from '../linear.js';
import { Module } from '../module.js';
import { placeOptions, type PlaceOptions } from '../options.js';
import { lengthsMask } from '../sequences/lengths-mask.js';
import { maskedSoftmax } from '../sequences/masked-softmax.js';

/** How well a query and a step of the memory go together. */
export type AttentionScore = 'dot' | 'general' | 'additive';

/** What `Attention` takes. */
export interface AttentionOptions extends PlaceOptions {
  /** `'dot'` unless said otherwise. */
  readonly score?: AttentionScore;
  /** Of the additive score: the size of its hidden layer; that of the query unless given. */
  readonly attentionSize?: number;
  /**
   * Whether scores are divided by the square root of the memory's size (of dot and general scores).
   */
  readonly scale?: boolean;
}

/** What a forward pass of `Attention` takes besides. */
export interface AttentionForwardOptions {
  /** Valid steps of each row of the memory: what stands past them has weight 0. */
  readonly lengths?: Lengths;
  /** `[B, S]`: where 0, the step has weight 0. */
  readonly mask?: Tensor;
  /** What `keysOf(memory)` gave: where one memory serves many steps, it is computed once. */
  readonly keys?: Tensor;
}

/**
 * Attention of a query over a memory: the mean of the memory's steps, weighted by how well each
 * goes together with the query.
 *
 *     dot       q · m                                  Luong, Pham and Manning 2015
 *     general   (W q) · m                              Luong, Pham and Manning 2015
 *     additive  v · tanh(W_q q + W_m m + b)            Bahdanau, Cho and Bengio 2015
 *
 * @example
 * ```ts
 * const attention = new Attention(4, 6, { score: 'additive' });
 * const [context, weights] = attention.forward(ones([2, 4]), ones([2, 7, 6]), {
 *   lengths: [7, 3],
 * }); // [2, 6], [2, 7]
 * ```
 * @param querySize - features of the query
 * @param memorySize - features of the memory; as many as the query's unless given
 * @param options - `score` ('dot'), `attentionSize` (querySize), `scale` (false), `dtype`,
 *   `backend`
 * @throws ArgumentError for sizes that are not whole numbers from 1 up, different sizes with the
 *   score 'dot', or unknown options
 *
 * Parameters: none (dot); `query.weight` [memorySize, querySize] (general); `query.weight`
 * [attentionSize, querySize], `memory.weight` [attentionSize, memorySize], `memory.bias` and
 * `v.weight` [1, attentionSize] (additive). PyTorch has no such module.
 */
export class Attention extends Module {
  readonly querySize: number;
  readonly memorySize: number;
  readonly score: AttentionScore;
  readonly scale: boolean;
  readonly query: Linear | undefined;
  readonly memory: Linear | undefined;
  readonly v: Linear | undefined;

  constructor(querySize: number, memorySize: number = querySize, options: AttentionOptions = {}) {
    super();
    const owner = 'Attention';
    checkOptions(owner, options, ['score', 'attentionSize', 'scale', ...placeOptions]);
    const { score = 'dot', attentionSize = querySize, scale = false, ...place } = options;
    checkCount(owner, 'querySize', querySize, 1);
    checkCount(owner, 'memorySize', memorySize, 1);
    checkChoice(owner, 'score', score, ['dot', 'general', 'additive']);
    checkCount(owner, 'attentionSize', attentionSize, 1);
    checkFlag(owner, 'scale', scale);
    if (score === 'dot' && querySize !== memorySize) {
      checkCount(owner, 'memorySize', memorySize, querySize, querySize);
    }
    this.querySize = querySize;
    this.memorySize = memorySize;
    this.score = score;
    this.scale = scale;
    const width = score === 'additive' ? attentionSize : memorySize;
    this.query = score === 'dot' ? undefined : new Linear(querySize, width, { bias: false, ...place });
    this.memory = score === 'additive' ? new Linear(memorySize, width, place) : undefined;
    this.v = score === 'additive' ? new Linear(width, 1, { bias: false, ...place }) : undefined;
  }

  protected override extraRepr(): string {
    const { querySize, memorySize, score, scale } = this;
    return `${querySize}, ${memorySize}, ${listed({ score, ...(scale && { scale }) })}`;
  }

  /**
   * @param query - `[B, querySize]`, or several for each row, `[B, T, querySize]`
   * @param memory - `[B, S, memorySize]`
   * @param options - `lengths` of the memory's rows, `mask`, `keys`
   * @returns the context `[B, memorySize]` (or `[B, T, memorySize]`) and the weights `[B, S]` (or
   *   `[B, T, S]`); both 0 for a row of which nothing is left
   * @throws ShapeError, ArgumentError when sizes do not fit
   */
  forward(query: Tensor, memory: Tensor, options: AttentionForwardOptions = {}): [context: Tensor, weights: Tensor] {
    const owner = 'Attention';
    checkOptions(owner, options, ['lengths', 'mask', 'keys']);
    checkTensor(owner, 'query', query);
    checkTensor(owner, 'memory', memory);
    const { querySize, memorySize } = this;
    if ((query.rank !== 2 && query.rank !== 3) || query.shape[query.rank - 1] !== querySize || query.size === 0) {
      const expected = `[B, ${querySize}] or [B, T, ${querySize}]`;
      refuse(ShapeError, owner, 'query', { has: 'shape', received: showShape(query.shape), expected });
    }
    const [batch] = query.shape;
    if (memory.rank !== 3 || memory.shape[0] !== batch || memory.shape[2] !== memorySize || memory.size === 0) {
      const expected = `[${batch}, S, ${memorySize}]`;
      const hint = 'an output [T, B, H] becomes one by .transpose(0, 1)';
      refuse(ShapeError, owner, 'memory', { has: 'shape', received: showShape(memory.shape), expected, hint });
    }
    checkPlace(owner, 'memory', memory, query, 'the query');
    const { keys } = options;
    if (keys !== undefined) {
      checkTensor(owner, 'keys', keys);
      checkShapeIs(owner, 'keys', keys, [batch, memory.shape[1], this.memory?.outFeatures ?? memorySize]);
      checkPlace(owner, 'keys', keys, query, 'the query');
    }
    return scope(() => {
      const mask = maskOf(memory, options);
      // Masked on the way in as well, since zero times a NaN would still be NaN in the gradient.
      const clean = (x: Tensor): Tensor => (mask === undefined ? x : where(unsqueeze(mask, 2), x, 0));
      const steps = clean(memory);
      const known = keys === undefined ? this.keysOf(steps) : clean(keys);
      const own = this.query === undefined ? query : this.query.forward(query);
      return query.rank === 2 ? oneQuery(this, own, known, steps, mask) : queries(this, own, known, steps, mask);
    });
  }

  /**
   * What the scores take of a memory: the memory itself, or of the additive score W_m m + b.
   *
   * @example
   * ```ts
   * const keys = attention.keysOf(memory);
   * for (const query of queries) attention.forward(query, memory, { keys });
   * ```
   * @param memory - `[B, S, memorySize]`
   * @returns `[B, S, memorySize]`, or `[B, S, attentionSize]`
   * @throws ShapeError when sizes do not fit
   */
  keysOf(memory: Tensor): Tensor {
    checkTensor('Attention', 'memory', memory);
    return this.memory === undefined ? memory : this.memory.forward(memory);
  }
}

/**
 * One query a row, by operations that treat each row by itself: so the step of a decoder can be
 * compiled.
 */
function oneQuery(
  self: Attention,
  query: Tensor,
  keys: Tensor,
  steps: Tensor,
  mask: Tensor | undefined,
): [context: Tensor, weights: Tensor] {
  const spread = unsqueeze(query, 1);
  const products = self.v === undefined ? mul(keys, spread) : mul(tanh(add(keys, spread)), self.v.weight);
  const scores = scaled(self, sum(products, -1));
  const weights = mask === undefined ? softmax(scores, -1) : maskedSoftmax(scores, mask);
  return [sum(mul(steps, unsqueeze(weights, -1)), 1), weights];
}

/** Several queries a row, by products. */
function queries(
  self: Attention,
  queries: Tensor,
  keys: Tensor,
  steps: Tensor,
  mask: Tensor | undefined,
): [context: Tensor, weights: Tensor] {
  const products =
    self.v === undefined
      ? matmul(queries, keys, { transposeB: true })
      : squeeze(self.v.forward(tanh(add(unsqueeze(queries, 2), unsqueeze(keys, 1)))), -1);
  const scores = scaled(self, products);
  const weights = mask === undefined ? softmax(scores, -1) : maskedSoftmax(scores, unsqueeze(mask, 1));
  return [matmul(weights, steps), weights];
}

function scaled(self: Attention, scores: Tensor): Tensor {
  return self.scale ? mul(scores, 1 / Math.sqrt(self.memorySize)) : scores;
}

/** `[B, S]` of what lengths and mask leave; nothing where they leave all. */
function maskOf(memory: Tensor, { lengths, mask }: AttentionForwardOptions): Tensor | undefined {
  const [batch, steps] = memory.shape;
  const { backend } = memory;
  if (mask !== undefined) {
    checkTensor('Attention', 'mask', mask);
    checkShapeIs('Attention', 'mask', mask, [batch, steps], 'batch, steps of the memory');
    checkSameBackend('Attention', 'mask', mask.backend, backend, 'the query');
  }
  if (lengths === undefined) return mask;
  const list = checkLengths('Attention', lengths, batch, steps);
  const valid = lengthsMask(list, { steps, batchFirst: true, backend });
  return mask === undefined ? valid : where(valid, mask, 0);
}
