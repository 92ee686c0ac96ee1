import { BackendError, dtypeOf } from '@rnn/core';
import type {
  Backend,
  BackendInfo,
  BinaryOp,
  CompiledProgram,
  ConcatPart,
  DType,
  IndexSizes,
  Matrices,
  MatmulSizes,
  MemoryUse,
  Operand,
  Program,
  ReduceOp,
  Storage,
  Strided,
  TypedArray,
  UnaryOp,
} from '@rnn/core';
import type { compileProgram } from './compile.js';
import { numberOfBinary, type Kernels } from './kernels.js';
import { SCALARS, WALK_DIMS } from './layout.js';
import { matmul } from './matmul.js';
import type { Memory, WasmStorage } from './memory.js';
import type { MatmulContext, Product } from './product.js';
import type { Threads } from './threads/threads.js';
import { denseStrides, describeWalk, isDense, product, type Prepared } from './walk.js';

/** What a backend of one thread that runs single operations does without. */
export interface Helpers {
  readonly threads: Threads;
  /** Products of many rows. */
  readonly packed: Product;
  /** What makes programs into WebAssembly, where that can be. */
  readonly compiler: typeof compileProgram | undefined;
}

/**
 * The backend: each method finds the addresses of its operands, takes a storage for the result and
 * calls the kernel. Nothing is checked here but the life of storages, since core has checked
 * everything else.
 */
export class WasmBackend implements Backend {
  readonly info: BackendInfo;
  private readonly memoryOf: Memory;
  private readonly kernels: Kernels;
  private readonly helpers: Helpers | undefined;
  /** What products are computed with. */
  private readonly context: MatmulContext;
  /** Dense copies of operands, made for the kernel that runs now. */
  private readonly copies: Storage[] = [];

  constructor(info: BackendInfo, memory: Memory, kernels: Kernels, helpers?: Helpers) {
    this.info = info;
    this.memoryOf = memory;
    this.kernels = kernels;
    this.helpers = helpers;
    this.context = { memory, kernels, packed: helpers?.packed };
  }

  // --- memory
  // -----------------------------------------------------------------------------------------------

  upload(values: TypedArray): Storage {
    const { memoryOf } = this;
    const dtype = known(dtypeOf(values));
    const result = memoryOf.allocate(dtype, values.length);
    if (dtype === 'int32') memoryOf.i32.set(values, result.at >>> 2);
    else memoryOf.f32.set(values, result.at >>> 2);
    return result;
  }

  write(storage: Storage, at: number, values: TypedArray): void {
    const { memoryOf } = this;
    const first = (memoryOf.addressOf(storage) >>> 2) + at;
    (storage.dtype === 'int32' ? memoryOf.i32 : memoryOf.f32).set(values, first);
  }

  fill(value: number, size: number, dtype: DType): Storage {
    const { memoryOf } = this;
    const result = memoryOf.allocate(known(dtype), size);
    memoryOf.fill(result, value);
    return result;
  }

  async read(storage: Storage): Promise<TypedArray> {
    return this.readSync(storage);
  }

  readSync(storage: Storage): TypedArray {
    return this.memoryOf.copyOf(storage);
  }

  release(storage: Storage): void {
    this.memoryOf.release(storage);
  }

  memory(): MemoryUse {
    return this.memoryOf.use();
  }

  dispose(): void | Promise<void> {
    this.memoryOf.dispose();
    return this.helpers?.threads.dispose();
  }

  // --- elementwise
  // -----------------------------------------------------------------------------------------------

  unary(op: UnaryOp, x: Storage): Storage {
    const { memoryOf, kernels } = this;
    const from = memoryOf.addressOf(x);
    const result = memoryOf.allocate(x.dtype, x.size);
    if (x.dtype === 'float32') kernels[`${op}_float32`](result.at, from, x.size);
    else if (isIntegerOp(op)) kernels[`${op}_int32`](result.at, from, x.size);
    else {
      // a function on the reals: there and back, the fraction cut off
      kernels.toFloat(result.at, from, x.size);
      kernels[`${op}_float32`](result.at, result.at, x.size);
      kernels.truncate(result.at, result.at, x.size);
    }
    return result;
  }

  binary(op: BinaryOp, a: Operand, b: Operand, sizes: readonly number[]): Storage {
    const { memoryOf, kernels } = this;
    const { dtype } = (typeof a === 'number' ? (b as Strided) : a).storage; // at most one is a number
    if (op === 'pow' && b === 2 && typeof a !== 'number' && isDense(a, sizes)) return this.unary('square', a.storage);
    try {
      const left = this.operand(a, sizes, dtype, 0);
      const right = this.operand(b, sizes, dtype, 1);
      const result = memoryOf.allocate(dtype, product(sizes));
      const n = sizes[sizes.length - 1];
      const dims = describeWalk(memoryOf, sizes, [left, right], 1);
      kernels.binary(numberOfBinary(op, dtype), result.at, left.at, left.isDense, right.at, right.isDense, n, dims);
      return result;
    } finally {
      this.releaseCopies();
    }
  }

  select(condition: Strided, a: Operand, b: Operand, sizes: readonly number[], dtype: DType): Storage {
    const { memoryOf, kernels } = this;
    const isInt = Number(condition.storage.dtype === 'int32');
    try {
      const marks = this.operand(condition, sizes, dtype, 0);
      const left = this.operand(a, sizes, dtype, 0);
      const right = this.operand(b, sizes, dtype, 1);
      const result = memoryOf.allocate(dtype, product(sizes));
      const n = sizes[sizes.length - 1];
      const dims = describeWalk(memoryOf, sizes, [marks, left, right], 1);
      kernels.select(
        result.at,
        marks.at,
        marks.isDense,
        isInt,
        left.at,
        left.isDense,
        right.at,
        right.isDense,
        n,
        dims,
      );
      return result;
    } finally {
      this.releaseCopies();
    }
  }

  // --- moving data
  // -----------------------------------------------------------------------------------------------

  copy(x: Strided, sizes: readonly number[], dtype: DType): Storage {
    const { memoryOf, kernels } = this;
    const from = memoryOf.addressOf(x.storage) + x.offset * 4;
    const size = product(sizes);
    const result = memoryOf.allocate(known(dtype), size);
    const { length } = sizes;
    // A plane is the last two dimensions; a walk along one dimension is a plane of one row, or of
    // one column if it jumps.
    const dims = describeWalk(memoryOf, sizes, [{ strides: x.strides }], 2);
    const rows = length > 1 ? sizes[length - 2] : 1;
    const row = length > 1 ? x.strides[length - 2] * 4 : 0;
    const columns = sizes[length - 1];
    kernels.copy(result.at, columns * 4, from, rows, columns, row, x.strides[length - 1] * 4, dims);
    if (x.storage.dtype !== dtype) kernels[dtype === 'int32' ? 'truncate' : 'toFloat'](result.at, result.at, size);
    return result;
  }

  concat(parts: readonly ConcatPart[], outer: number): Storage {
    const { memoryOf, kernels } = this;
    const addresses = parts.map(({ storage }) => memoryOf.addressOf(storage));
    const row = parts.reduce((total, { run }) => total + run, 0);
    const result = memoryOf.allocate(parts[0].storage.dtype, row * outer);
    let to = result.at;
    parts.forEach(({ run }, i) => {
      kernels.copy(to, row * 4, addresses[i], outer, run, run * 4, 4, 0);
      to += run * 4;
    });
    return result;
  }

  gather(x: Storage, index: Strided, sizes: IndexSizes): Storage {
    const { memoryOf, kernels } = this;
    const from = memoryOf.addressOf(x);
    const positions = memoryOf.addressOf(index.storage) + index.offset * 4;
    const { outer, size, inner, count } = sizes;
    const result = memoryOf.allocate(x.dtype, outer * count * inner);
    const [outerStep, countStep, innerStep] = index.strides;
    kernels.gather(result.at, from, positions, outer, size, inner, count, outerStep * 4, countStep * 4, innerStep * 4);
    return result;
  }

  scatterAdd(source: Storage, index: Strided, sizes: IndexSizes): Storage {
    const { memoryOf, kernels } = this;
    const from = memoryOf.addressOf(source);
    const positions = memoryOf.addressOf(index.storage) + index.offset * 4;
    const { outer, size, inner, count } = sizes;
    const total = outer * size * inner;
    const result = memoryOf.allocate(source.dtype, total);
    const isFloat = source.dtype === 'float32';
    const bytes = total * (isFloat ? 8 : 4);
    const sums = isFloat ? this.takeFor(result, bytes) : result.at;
    memoryOf.u8.fill(0, sums, sums + bytes);
    kernels[isFloat ? 'scatterAdd_float32' : 'scatterAdd_int32'](
      sums,
      from,
      positions,
      outer,
      size,
      inner,
      count,
      index.strides[0] * 4,
      index.strides[1] * 4,
      index.strides[2] * 4,
    );
    if (isFloat) {
      kernels.narrow(result.at, sums, total);
      memoryOf.give(sums);
    }
    return result;
  }

  // --- contracting
  // -----------------------------------------------------------------------------------------------

  reduce(op: ReduceOp, x: Storage, outer: number, size: number, inner: number): Storage {
    const { memoryOf, kernels } = this;
    const from = memoryOf.addressOf(x);
    const result = memoryOf.allocate(op === 'argmax' ? 'int32' : x.dtype, outer * inner);
    kernels[`${op}_${x.dtype as 'float32' | 'int32'}`](result.at, from, outer, size, inner);
    return result;
  }

  matmul(a: Matrices, b: Matrices, sizes: MatmulSizes): Storage {
    return matmul(this.context, a, b, sizes);
  }

  // --- programs
  // -----------------------------------------------------------------------------------------------

  compile(program: Program): CompiledProgram | undefined {
    const { helpers } = this;
    return helpers?.compiler?.(program, this.memoryOf, this.kernels, helpers.threads);
  }

  // --- for the kernels
  // --------------------------------------------------------------------------------------------

  /** A block for computing a result, which is released if there is no room for the block. */
  private takeFor(result: Storage, bytes: number): number {
    try {
      return this.memoryOf.take(bytes);
    } catch (error) {
      this.memoryOf.release(result);
      throw error;
    }
  }

  /**
   * An operand as the elementwise kernels take it: dense or constant along the last dimension. One
   * that jumps there is copied first, by the kernel that is good at transposing; `releaseCopies`
   * frees what was made so. Number `scalar` of the numbers lies at a fixed place.
   */
  private operand(x: Operand, sizes: readonly number[], dtype: DType, scalar: number): Prepared {
    const { memoryOf } = this;
    if (typeof x === 'number') {
      const at = SCALARS + scalar * 4;
      (dtype === 'int32' ? memoryOf.i32 : memoryOf.f32)[at >>> 2] = x;
      return { at, isDense: 0, strides: constant };
    }
    const last = x.strides[x.strides.length - 1];
    if (last === 1 || last === 0) {
      return { at: memoryOf.addressOf(x.storage) + x.offset * 4, isDense: last, strides: x.strides };
    }
    const dense = this.copy(x, sizes, x.storage.dtype) as WasmStorage;
    this.copies.push(dense);
    return { at: dense.at, isDense: 1, strides: denseStrides(sizes) };
  }

  private releaseCopies(): void {
    while (this.copies.length > 0) this.memoryOf.release(this.copies.pop() as Storage);
  }
}

/** Strides of a number in a walk. */
const constant: readonly number[] = Array.from({ length: WALK_DIMS + 1 }, () => 0);

function isIntegerOp(op: UnaryOp): op is 'neg' | 'square' | 'abs' | 'sign' | 'relu' {
  return op === 'neg' || op === 'square' || op === 'abs' || op === 'sign' || op === 'relu';
}

function known(dtype: DType): DType {
  if (dtype !== 'float64') return dtype;
  throw new BackendError(
    "wasm: float64 is not stored here; convert with .to('float32'), or use @rnn/backend-cpu for float64",
  );
}
