import {
  add,
  compileFn,
  div,
  mean,
  mul,
  ones,
  reshape,
  scope,
  type Shape,
  ShapeError,
  showShape,
  sizeOf,
  sqrt,
  square,
  sub,
  type Tensor,
  zeros,
} from '@rnn/core';
import {
  checkCount,
  checkFlag,
  checkList,
  checkNumber,
  checkOptions,
  checkShapeIs,
  checkTensor,
  refuse,
} from '@rnn/core/checks';
import { ones_, zeros_ } from './init/index.js';
import { Module } from './module.js';
import { placeOptions, type PlaceOptions } from './options.js';
import { Parameter } from './parameter.js';
import { listed } from './describe.js';

/** What the function `layerNorm` takes. */
export interface LayerNormFunctionOptions {
  /** Factors, of the normalised shape. */
  readonly weight?: Tensor;
  /** Summands, of the normalised shape. */
  readonly bias?: Tensor;
  /** Added to the variance, so that nothing is divided by zero. */
  readonly eps?: number;
}

/** What the module `LayerNorm` takes. */
export interface LayerNormOptions extends PlaceOptions {
  /** Added to the variance, so that nothing is divided by zero. */
  readonly eps?: number;
  /** Whether factors (and summands) are learned. */
  readonly elementwiseAffine?: boolean;
  /** Whether summands are learned beside the factors. */
  readonly bias?: boolean;
}

/**
 * The last dimensions brought to mean 0 and variance 1, then scaled and shifted: (x - mean) /
 * √(variance + eps) · weight + bias.
 *
 * @example
 * ```ts
 * layerNorm(tensor([[1, 2, 3]]), 3);   // [[-1.2247, 0, 1.2247]]
 * ```
 * @param x - `[..., ...normalizedShape]`
 * @param normalizedShape - the sizes of the last dimensions, a number for one
 * @param options - `weight`, `bias` (both of the normalised shape), `eps` (1e-5)
 * @returns the shape of `x`
 * @throws ShapeError when the last dimensions are others
 */
export function layerNorm(x: Tensor, normalizedShape: number | Shape, options: LayerNormFunctionOptions = {}): Tensor {
  checkOptions('layerNorm', options, ['weight', 'bias', 'eps']);
  const { weight, bias, eps = 1e-5 } = options;
  checkNumber('layerNorm', 'eps', eps, { from: 0, to: Infinity });
  return normalized('layerNorm', x, sizesOf('layerNorm', normalizedShape), { weight, bias, eps });
}

/**
 * Layer normalisation with learned factors and summands.
 *
 * @example
 * ```ts
 * new LayerNorm(8).forward(randn([5, 2, 8])).shape;   // [5, 2, 8]
 * ```
 * @param normalizedShape - the sizes of the last dimensions, a number for one
 * @param options - `eps` (1e-5), `elementwiseAffine` (true), `bias` (true), `dtype`, `backend`
 * @throws ArgumentError for sizes that are not whole numbers from 1 up, or unknown options
 *
 * Parameters: `weight` (ones) and `bias` (zeros), both of the normalised shape. Source: Ba, Kiros
 * and Hinton 2016.
 */
export class LayerNorm extends Module {
  readonly normalizedShape: Shape;
  readonly eps: number;
  weight: Parameter | undefined;
  bias: Parameter | undefined;

  constructor(normalizedShape: number | Shape, options: LayerNormOptions = {}) {
    super();
    checkOptions('LayerNorm', options, ['eps', 'elementwiseAffine', 'bias', ...placeOptions]);
    const { eps = 1e-5, elementwiseAffine = true, bias = true, ...place } = options;
    const shape = sizesOf('LayerNorm', normalizedShape);
    checkNumber('LayerNorm', 'eps', eps, { from: 0, to: Infinity });
    checkFlag('LayerNorm', 'elementwiseAffine', elementwiseAffine);
    checkFlag('LayerNorm', 'bias', bias);
    this.normalizedShape = shape;
    this.eps = eps;
    this.weight = elementwiseAffine ? scope(() => new Parameter(ones(shape, place))) : undefined;
    this.bias = elementwiseAffine && bias ? scope(() => new Parameter(zeros(shape, place))) : undefined;
  }

  protected override extraRepr(): string {
    const { normalizedShape, eps, weight, bias } = this;
    const shape = `(${normalizedShape.join(', ')}${normalizedShape.length === 1 ? ',' : ''})`;
    return `${shape}, ${listed({ eps, elementwise_affine: weight !== undefined, bias: bias !== undefined })}`;
  }

  /**
   * Sets the factors to 1 and the summands to 0.
   *
   * @example
   * ```ts
   * const norm = new LayerNorm(4);
   * norm.resetParameters(); // as it was made
   * ```
   */
  resetParameters(): void {
    if (this.weight !== undefined) ones_(this.weight);
    if (this.bias !== undefined) zeros_(this.bias);
  }

  /**
   * @param x - `[..., ...normalizedShape]`
   * @returns the shape of `x`
   * @throws ShapeError when the last dimensions are others
   */
  forward(x: Tensor): Tensor {
    const { weight, bias, eps } = this;
    return normalized('LayerNorm', x, this.normalizedShape, { weight, bias, eps });
  }
}

function sizesOf(owner: string, normalizedShape: number | Shape): Shape {
  if (typeof normalizedShape !== 'number') checkList(owner, 'normalizedShape', normalizedShape, 'size', 1);
  const shape = typeof normalizedShape === 'number' ? [normalizedShape] : [...normalizedShape];
  shape.forEach((size, i) =>
    checkCount(owner, typeof normalizedShape === 'number' ? 'normalizedShape' : `normalizedShape[${i}]`, size, 1),
  );
  return shape;
}

function normalized(
  owner: string,
  x: Tensor,
  shape: Shape,
  { weight, bias, eps }: LayerNormFunctionOptions & { readonly eps: number },
): Tensor {
  checkTensor(owner, 'input', x);
  const ends = (tensor: Tensor): boolean =>
    shape.every((size, i) => size === tensor.shape[tensor.rank - shape.length + i]);
  if (x.rank < shape.length || !ends(x)) {
    const expected = `[..., ${shape.join(', ')}]`;
    refuse(ShapeError, owner, 'input', { has: 'shape', received: showShape(x.shape), expected });
  }
  for (const [argument, tensor] of Object.entries({ weight, bias })) {
    if (tensor === undefined) continue;
    checkTensor(owner, argument, tensor, true);
    checkShapeIs(owner, argument, tensor, shape);
  }
  if (shape.length === 1) return normalizeRows(x, { weight, bias, eps });
  // Several dimensions are the features of one row.
  const size = sizeOf(shape);
  return scope(() => {
    const flat = { weight: weight && reshape(weight, [size]), bias: bias && reshape(bias, [size]), eps };
    return reshape(normalizeRows(reshape(x, [...x.shape.slice(0, x.rank - shape.length), size]), flat), x.shape);
  });
}

const normalizeRows = /* @__PURE__ */ compileFn(
  (x: Tensor, { weight, bias, eps }: LayerNormFunctionOptions & { readonly eps: number }) => {
    const centred = sub(x, mean(x, -1, true));
    const spread = sqrt(add(mean(square(centred), -1, true), eps));
    const unit = div(centred, spread);
    const scaled = weight === undefined ? unit : mul(unit, weight);
    return bias === undefined ? scaled : add(scaled, bias);
  },
  { anyRows: true },
);
