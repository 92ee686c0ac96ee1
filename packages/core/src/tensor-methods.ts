import type { Backend } from './backend.js';
import type { DType } from './dtype.js';
import type { Generator } from './generator.js';
import type { Shape } from './shape.js';

/** One dimension or several; left out, all of them. */
export type Dims = number | readonly number[];

/**
 * Whether a reduction keeps what it reduced, with size 1: a truth value, or the option of that
 * name.
 */
export type KeepDim = boolean | { readonly keepDim?: boolean };

/** Values with their positions along the reduced dimension. */
export interface ValuesAndIndices<T> {
  readonly values: T;
  /** int32 */
  readonly indices: T;
}

/**
 * What a variance takes: whether the reduced dimensions stay, and what is taken from the number of
 * values (1 unless given).
 */
export type SpreadOptions = boolean | { readonly keepDim?: boolean; readonly correction?: number };

/** How near two values must be: `|a - b| <= atol + rtol |b|`. */
export interface CloseOptions {
  /** Relative to the second value; 1e-5 unless given. */
  readonly rtol?: number;
  /** 1e-8 unless given. */
  readonly atol?: number;
  /** Whether two NaN are close; false unless given. */
  readonly equalNan?: boolean;
}

/**
 * Which form of `gelu`: that of the error function, or the one of the hyperbolic tangent that comes
 * near it.
 */
export interface GeluOptions {
  readonly approximate?: 'none' | 'tanh';
}

/** What stands in the new places of a padded tensor. */
export type PadMode = 'constant' | 'reflect' | 'replicate' | 'circular';

export interface SortOptions {
  /** The largest first; false unless given. */
  readonly descending?: boolean;
}

export interface TopkOptions {
  /** False for the smallest; true unless given. */
  readonly largest?: boolean;
}

export interface MultinomialOptions {
  /** Whether a position may be drawn more than once; false unless given. */
  readonly replacement?: boolean;
  /** Where the draws come from; the one that `manualSeed` seeds unless said otherwise. */
  readonly generator?: Generator;
}

/** Which operands of a product are stored transposed. */
export interface MatmulOptions {
  /** Use `a` with its last two dimensions exchanged. */
  readonly transposeA?: boolean;
  /** Use `b` with its last two dimensions exchanged. */
  readonly transposeB?: boolean;
}

export interface BackwardOptions<T> {
  /** Keep what the graph saved, so that `backward` can run through it again. */
  readonly retainGraph?: boolean;
  /** Record the derivatives themselves, for derivatives of higher order; keeps the graph. */
  readonly createGraph?: boolean;
  /** Only these leaves get a gradient. */
  readonly inputs?: readonly T[];
}

/** Nested numbers, as deep as the tensor has dimensions. */
export type NestedArray = number | readonly NestedArray[];

/**
 * The operations as methods: `t.add(u)` is `add(t, u)`, and so on, where the documentation stands.
 * `T` is `Tensor`; the parameter keeps this list below the class that carries it.
 */
export interface TensorMethods<T> {
  // arithmetic
  add(other: T | number): T;
  sub(other: T | number): T;
  mul(other: T | number): T;
  div(other: T | number): T;
  pow(exponent: T | number): T;
  maximum(other: T | number): T;
  minimum(other: T | number): T;
  neg(): T;
  exp(): T;
  log(): T;
  sqrt(): T;
  square(): T;
  reciprocal(): T;
  abs(): T;
  sign(): T;
  tanh(): T;
  sigmoid(): T;
  relu(): T;
  softplus(): T;
  clamp(min?: number, max?: number): T;
  silu(): T;
  gelu(options?: GeluOptions): T;
  erf(): T;
  sin(): T;
  cos(): T;
  floor(): T;
  ceil(): T;
  trunc(): T;
  round(): T;
  // comparisons
  eq(other: T | number): T;
  ne(other: T | number): T;
  lt(other: T | number): T;
  le(other: T | number): T;
  gt(other: T | number): T;
  ge(other: T | number): T;
  /** This where the condition is not 0, else `other`. */
  where(condition: T, other: T | number): T;
  maskedFill(mask: T, value: T | number): T;
  isnan(): T;
  isinf(): T;
  isfinite(): T;
  isclose(other: T, options?: CloseOptions): T;
  allclose(other: T, options?: CloseOptions): boolean;
  // products and reductions
  matmul(other: T, options?: MatmulOptions): T;
  sum(dims?: Dims, keepDim?: KeepDim): T;
  mean(dims?: Dims, keepDim?: KeepDim): T;
  amax(dims?: Dims, keepDim?: KeepDim): T;
  amin(dims?: Dims, keepDim?: KeepDim): T;
  max(): T;
  max(dim: number, keepDim?: KeepDim): ValuesAndIndices<T>;
  min(): T;
  min(dim: number, keepDim?: KeepDim): ValuesAndIndices<T>;
  argmax(dim?: number, keepDim?: KeepDim): T;
  argmin(dim?: number, keepDim?: KeepDim): T;
  logsumexp(dims?: Dims, keepDim?: KeepDim): T;
  var(dims?: Dims, options?: SpreadOptions): T;
  std(dims?: Dims, options?: SpreadOptions): T;
  norm(p?: number, dims?: Dims, keepDim?: KeepDim): T;
  prod(dims?: Dims, keepDim?: KeepDim): T;
  any(dims?: Dims, keepDim?: KeepDim): T;
  all(dims?: Dims, keepDim?: KeepDim): T;
  cumsum(dim: number): T;
  cumprod(dim: number): T;
  softmax(dim: number): T;
  logSoftmax(dim: number): T;
  // movement
  reshape(shape: Shape): T;
  flatten(startDim?: number, endDim?: number): T;
  squeeze(dims?: Dims): T;
  unsqueeze(dim: number): T;
  permute(dims: readonly number[]): T;
  transpose(dim0: number, dim1: number): T;
  /** The transpose of a matrix. */
  t(): T;
  slice(dim: number, start?: number, end?: number, step?: number): T;
  narrow(dim: number, start: number, length: number): T;
  select(dim: number, index: number): T;
  unbind(dim?: number): T[];
  split(sizes: number | readonly number[], dim?: number): T[];
  chunk(chunks: number, dim?: number): T[];
  flip(dims: Dims): T;
  expand(shape: Shape): T;
  pad(padding: readonly number[], mode?: PadMode, value?: number): T;
  unfold(dim: number, size: number, step: number): T;
  tril(diagonal?: number): T;
  triu(diagonal?: number): T;
  // order
  sort(dim?: number, options?: SortOptions): ValuesAndIndices<T>;
  argsort(dim?: number, options?: SortOptions): T;
  topk(k: number, dim?: number, options?: TopkOptions): ValuesAndIndices<T>;
  multinomial(numSamples: number, options?: MultinomialOptions): T;
  // indexing
  gather(dim: number, index: T): T;
  indexSelect(dim: number, index: T): T;
  scatterAdd(dim: number, index: T, source: T): T;
  oneHot(numClasses: number, options?: { readonly dtype?: DType }): T;
  // graph, type and place
  backward(gradient?: T, options?: BackwardOptions<T>): void;
  detach(): T;
  clone(): T;
  registerHook(hook: (grad: T) => T | void): () => void;
  retainGrad(): T;
  to(target: Backend | DType): T;
  /**
   * Nested arrays, as deep as the tensor has dimensions; a number for a single number. Throws a
   * `BackendError` where a backend answers only later.
   */
  toArray(): NestedArray;
}
