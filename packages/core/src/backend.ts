/**
 * # The backend interface
 *
 * A backend stores numbers and runs a handful of kernels on them. Everything else (shapes,
 * broadcasting, derivatives, layers, losses, optimisers) is written once above this file, so
 * whoever implements it gets all of that.
 *
 * What a backend may rely on, for every call:
 * - Arguments are valid: core has checked shapes, types, ranges of dimensions and of indices, and
 *   that no operand was released.
 * - Sizes and strides are simplified: dimensions of size 1 are gone, neighbours that can be walked
 *   as one are merged, a broadcast is a stride of 0. At least one dimension is left. Strides and
 *   offsets count elements, not bytes; strides may be negative.
 * - No kernel is called with an empty operand or result: core answers those itself. Only `upload`,
 *   `fill`, `read` and `release` meet empty storages.
 * - Storages are immutable for core: a kernel writes its result into a new storage and changes no
 *   operand.
 *
 * Whole numbers (int32) have one rule on every backend:
 * - Sums, products, `neg`, `abs` and `square` wrap around: what leaves [-2^31, 2^31) is taken
 *   modulo 2^32, as in PyTorch. So `abs(-2^31)` is -2^31, and the order of the terms of a sum does
 *   not matter.
 * - A float becomes an int32 by dropping its fraction. What lies beyond the limits becomes the
 *   nearer limit, and NaN becomes 0, as in XLA, Rust and WebAssembly. (In C, and so in PyTorch, it
 *   is undefined.)
 * - `div`, `pow` and functions on the reals (`exp`, `sqrt`, ...) are never asked of int32.
 * - A device without 32-bit integers states `largestInteger` and refuses, by a `BackendError`, to
 *   compute with larger ones.
 *
 * What core relies on: results as IEEE arithmetic gives them, NaN and infinities included
 * (`maximum(NaN, 1)` is NaN, `relu(NaN)` is NaN); sums of any length accurate to a few units in the
 * last place; the same call gives the same bits; and a function alone in a compiled program gives
 * what the primitive gives, special values and signs of zeros included (within `bound`, where one
 * is stated).
 */
import type { DType, TypedArray } from './dtype.js';
import type { BinaryOp, UnaryOp } from './elementwise-op.js';
import type { CompiledProgram, Program } from './program.js';
import type { Storage } from './storage.js';

export type { BinaryOp, UnaryOp } from './elementwise-op.js';
export type { Storage } from './storage.js';

/**
 * A storage walked with strides: element `[i, j, ...]` lies at
 * `offset + i * strides[0] + j * strides[1] + ...`.
 */
export interface Strided {
  readonly storage: Storage;
  readonly offset: number;
  readonly strides: readonly number[];
}

/**
 * An operand of an elementwise kernel; a plain number stands for that value everywhere. At most all
 * but one are numbers.
 */
export type Operand = Strided | number;

/**
 * `argmax` gives int32 positions along the reduced dimension, the first one on a tie, a NaN's
 * position if there is one.
 */
export type ReduceOp = 'sum' | 'max' | 'min' | 'argmax';

/**
 * One side of a matrix product: matrices stored densely one after another, `batchStrides` apart
 * along each batch dimension.
 */
export interface Matrices {
  readonly storage: Storage;
  readonly batchStrides: readonly number[];
  /**
   * The left operand is stored as [k, m] instead of [m, k]; the right one as [n, k] instead of [k,
   * n].
   */
  readonly transposed: boolean;
}

/**
 * Sizes of a matrix product: `[...batch, m, k] x [...batch, k, n] -> [...batch, m, n]`. `batch` may
 * be empty.
 */
export interface MatmulSizes {
  readonly batch: readonly number[];
  readonly m: number;
  readonly k: number;
  readonly n: number;
}

/**
 * Sizes of `gather` and `scatterAdd`: values are `[outer, size, inner]`, indices (int32, in
 * `[0, size)`) are `[outer, count, inner]`.
 */
export interface IndexSizes {
  readonly outer: number;
  readonly size: number;
  readonly inner: number;
  readonly count: number;
}

/** A piece of a concatenation: `outer` runs of `run` elements each, one after another. */
export interface ConcatPart {
  readonly storage: Storage;
  readonly run: number;
}

/**
 * How far results may be from the exact ones, where a device's arithmetic is coarser than float32
 * on a CPU.
 */
export interface NumericBound {
  /** The largest |result - exact| / max(1, |exact|) to expect from one operation. */
  readonly tolerance: number;
  /** Why, in one sentence, for the conformance report. */
  readonly reason: string;
}

/** What really runs, for people and for tests. */
export interface BackendInfo {
  /** Short name, as in error messages: `cpu`, `wasm`, `gpu`. */
  readonly name: string;
  /**
   * What does the arithmetic, in words: `JavaScript`, `WebAssembly, 2 threads`, the name of a
   * graphics card.
   */
  readonly device: string;
  /** Element types that it stores and computes with. `float32` and `int32` are required. */
  readonly dtypes: readonly DType[];
  readonly threads: number;
  readonly simd: 'none' | 'strict' | 'relaxed' | 'gpu';
  /** Whether `readSync` works. */
  readonly synchronous: boolean;
  /**
   * Stated only where int32 is not computed with over its whole range: the largest size of a number
   * that is.
   */
  readonly largestInteger?: number;
  /** Stated only where the CPU's tolerance cannot be kept. */
  readonly bound?: NumericBound;
  /**
   * Stated only where what runs is written down to run again with other numbers, so that none that
   * are read may decide what runs.
   */
  readonly records?: true;
  /** How the choices above came about (features detected, options given), in sentences. */
  readonly notes: readonly string[];
}

/** Live storages and the bytes that they hold, without spare capacity. */
export interface MemoryUse {
  readonly storages: number;
  readonly bytes: number;
}

/**
 * What a device must do. `docs/new-backend.md` builds one from an empty file; `@rnn/conformance`
 * says when it is complete.
 */
export interface Backend {
  readonly info: BackendInfo;

  // --- memory
  // -----------------------------------------------------------------------------------------------
  /** Copies host values into a new storage of the same type. */
  upload(values: TypedArray): Storage;
  /** A new storage full of one value. */
  fill(value: number, size: number, dtype: DType): Storage;
  /** Copies a storage to the host. */
  read(storage: Storage): Promise<TypedArray>;
  /**
   * The same without waiting; a device that can only answer later throws a `BackendError` that says
   * to use `await t.data()`.
   */
  readSync(storage: Storage): TypedArray;
  /** Frees a storage. Core calls it once for each storage and never uses it again. */
  release(storage: Storage): void;
  /** Counts what is alive now. */
  memory(): MemoryUse;
  /**
   * Frees everything, threads and device included. Tensors may outlive it, so a later `release`
   * does nothing; other calls may throw.
   */
  dispose(): void | Promise<void>;

  // --- elementwise
  // -----------------------------------------------------------------------------------------------
  /** Every element of a storage. */
  unary(op: UnaryOp, x: Storage): Storage;
  /** Two operands of one type, walked over `sizes`. */
  binary(op: BinaryOp, a: Operand, b: Operand, sizes: readonly number[]): Storage;
  /** `condition != 0 ? a : b`; `a` and `b` are of type `dtype`, the condition of any. */
  select(condition: Strided, a: Operand, b: Operand, sizes: readonly number[], dtype: DType): Storage;

  // --- moving data
  // -----------------------------------------------------------------------------------------------
  /**
   * A dense copy of a strided walk (transpose, slice, broadcast, flip), converted to `dtype`; for
   * float to int32 see above.
   */
  copy(x: Strided, sizes: readonly number[], dtype: DType): Storage;
  /**
   * Pieces of one type side by side: the result is `outer` rows, each holding one run of every
   * piece in turn.
   */
  concat(parts: readonly ConcatPart[], outer: number): Storage;
  /** `result[o, c, i] = x[o, index[o, c, i], i]`. */
  gather(x: Storage, index: Strided, sizes: IndexSizes): Storage;
  /**
   * `result[o, index[o, c, i], i] += source[o, c, i]`, starting from zeros `[outer, size, inner]`.
   */
  scatterAdd(source: Storage, index: Strided, sizes: IndexSizes): Storage;

  // --- contracting
  // -----------------------------------------------------------------------------------------------
  /** Reduces the middle dimension of `[outer, size, inner]`. A NaN wins in `max` and `min`. */
  reduce(op: ReduceOp, x: Storage, outer: number, size: number, inner: number): Storage;
  /** Batched matrix product. */
  matmul(a: Matrices, b: Matrices, sizes: MatmulSizes): Storage;

  // --- for speed only
  // ---------------------------------------------------------------------------------------------
  /**
   * Turns a program (see `program.ts`) into something that runs it in one go. A backend without it
   * still does everything: core then runs the program by the primitives above, with the same
   * numbers to rounding, as it does where `compile` gives nothing back for a program that it has no
   * code for. Core keeps the result and calls it with any number of steps and rows; running it
   * should allocate nothing beyond its results.
   */
  compile?(program: Program): CompiledProgram | undefined;
  /**
   * Puts values of its type into a storage that nothing has read yet, from the element `at` on: so
   * a tensor that comes in parts is never in memory twice. Without it core puts the parts together
   * and uploads them.
   */
  write?(storage: Storage, at: number, values: TypedArray): void;
}
