import {
  ArgumentError,
  customOperation,
  eq,
  indexSelect,
  reshape,
  scope,
  ShapeError,
  showShape,
  where,
  zeros,
  type Tensor,
} from '@rnn/core';
import { checkCount, checkIndex, checkOptions, checkTensor, refuse } from '@rnn/core/checks';
import { fillFrom } from './init/fill.js';
import { Module } from './module.js';
import { placeOptions, type PlaceOptions } from './options.js';
import { Parameter } from './parameter.js';

/** What the function `embedding` takes. */
export interface EmbeddingLookupOptions {
  /** The row that gets no gradient; negative ones count from the end. */
  readonly paddingIdx?: number;
}

/** What the module `Embedding` takes. */
export interface EmbeddingOptions extends PlaceOptions, EmbeddingLookupOptions {}

/**
 * Rows of a table by index.
 *
 * @example
 * ```ts
 * embedding(tensor([[1, 2], [0, 1]], { dtype: 'int32' }), randn([3, 4])).shape;   // [2, 2, 4]
 * ```
 * @param index - int32, any shape, values from 0 to numEmbeddings - 1
 * @param weight - `[numEmbeddings, embeddingDim]`
 * @param options - `paddingIdx`: that row gets no gradient
 * @returns the shape of `index` and embeddingDim behind it
 * @throws DTypeError when the index is not int32; ArgumentError when one of them lies outside the
 *   table
 */
export function embedding(index: Tensor, weight: Tensor, options: EmbeddingLookupOptions = {}): Tensor {
  checkOptions('embedding', options, ['paddingIdx']);
  checkTensor('embedding', 'weight', weight);
  if (weight.rank !== 2) {
    const expected = '[numEmbeddings, embeddingDim]';
    refuse(ShapeError, 'embedding', 'weight', { has: 'shape', received: showShape(weight.shape), expected });
  }
  const padding = normalPadding('embedding', options.paddingIdx, weight.shape[0]);
  return lookUp('embedding', index, weight, padding);
}

/**
 * A table of vectors that are learned, one for each of a number of symbols.
 *
 * @example
 * ```ts
 * new Embedding(10, 3, { paddingIdx: 0 }).forward(tensor([1, 0], { dtype: 'int32' })).shape; // [2, 3]
 * ```
 * @param numEmbeddings - how many symbols
 * @param embeddingDim - how many numbers each
 * @param options - `paddingIdx` (its row starts at zero and gets no gradient), `dtype`, `backend`
 * @throws ArgumentError for sizes that are not whole numbers from 1 up, a padding index outside the
 *   table, or unknown options
 *
 * Parameter: `weight` [numEmbeddings, embeddingDim], drawn from N(0, 1).
 * Differs from PyTorch: no `maxNorm`, `scaleGradByFreq` and `sparse`.
 */
export class Embedding extends Module {
  readonly numEmbeddings: number;
  readonly embeddingDim: number;
  readonly paddingIdx: number | undefined;
  weight: Parameter;

  constructor(numEmbeddings: number, embeddingDim: number, options: EmbeddingOptions = {}) {
    super();
    checkOptions('Embedding', options, ['paddingIdx', ...placeOptions]);
    const { paddingIdx, ...place } = options;
    checkCount('Embedding', 'numEmbeddings', numEmbeddings, 1);
    checkCount('Embedding', 'embeddingDim', embeddingDim, 1);
    this.numEmbeddings = numEmbeddings;
    this.embeddingDim = embeddingDim;
    this.paddingIdx = normalPadding('Embedding', paddingIdx, numEmbeddings);
    this.weight = scope(() => new Parameter(zeros([numEmbeddings, embeddingDim], place)));
    this.resetParameters();
  }

  protected override extraRepr(): string {
    const { numEmbeddings, embeddingDim, paddingIdx } = this;
    return `${numEmbeddings}, ${embeddingDim}${paddingIdx === undefined ? '' : `, padding_idx=${paddingIdx}`}`;
  }

  /**
   * Draws the table anew; the padding row is zero.
   *
   * @example
   * ```ts
   * const embedding = new Embedding(10, 4);
   * embedding.resetParameters(); // as if it were made now
   * ```
   */
  resetParameters(): void {
    const { embeddingDim, paddingIdx } = this;
    fillFrom('Embedding', this.weight, {}, (out, generator) => {
      generator.normal(out, 0, 1);
      if (paddingIdx !== undefined) out.fill(0, paddingIdx * embeddingDim, (paddingIdx + 1) * embeddingDim);
    });
  }

  /**
   * @param index - int32, any shape, values from 0 to numEmbeddings - 1
   * @returns the shape of `index` and embeddingDim behind it
   */
  forward(index: Tensor): Tensor {
    return lookUp('Embedding', index, this.weight, this.paddingIdx);
  }
}

function normalPadding(owner: string, paddingIdx: number | undefined, rows: number): number | undefined {
  if (paddingIdx === undefined) return undefined;
  if (!Number.isInteger(paddingIdx) || paddingIdx < -rows || paddingIdx >= rows) {
    refuse(ArgumentError, owner, 'paddingIdx', {
      value: paddingIdx,
      expected: `a whole number from ${-rows} to ${rows - 1}`,
    });
  }
  return paddingIdx < 0 ? paddingIdx + rows : paddingIdx;
}

function lookUp(owner: string, index: Tensor, weight: Tensor, padding: number | undefined): Tensor {
  checkIndex(owner, weight, index, weight.shape[0]);
  const count = index.size;
  const dim = weight.shape[1];
  const shape = [...index.shape, dim];
  return scope(() => {
    const rows = indexSelect(weight, 0, reshape(index, [count]));
    if (padding === undefined) return reshape(rows, shape);
    return customOperation({
      name: 'embedding',
      inputs: [rows],
      forward: () => ({ result: reshape(rows, shape), saved: [eq(reshape(index, [count, 1]), padding)] }),
      derivatives: [(grad, [isPadding]) => where(isPadding, 0, reshape(grad, [count, dim]))],
    });
  });
}
