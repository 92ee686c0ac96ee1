import { dtypeOf } from '@rnn/core';
import { checkOptions } from '@rnn/core/checks';
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
import { binary } from './binary.js';
import { CpuProgram } from './compile.js';
import { concat } from './concat.js';
import { copy } from './copy.js';
import { gather, scatterAdd } from './gather.js';
import { matmul } from './matmul.js';
import { Memory } from './memory.js';
import { reduce } from './reduce.js';
import { select } from './select.js';
import { newArray } from './typed-arrays.js';
import { unary } from './unary.js';
import type { View } from './walk.js';

/**
 * The backend: each method finds the arrays of its operands, takes one for the result and calls the
 * kernel, which has a file of its own.
 * Nothing is checked here but the life of storages, since core has checked everything else.
 */
class CpuBackend implements Backend {
  readonly info: BackendInfo = {
    name: 'cpu',
    device: 'JavaScript',
    dtypes: ['float32', 'float64', 'int32'],
    threads: 1,
    simd: 'none',
    synchronous: true,
    notes: [
      'Plain loops over typed arrays, on the calling thread.',
      'Arithmetic is float64 and is rounded once when an element is stored, so sums and matrix products of float32 are as good as exact.',
    ],
  };
  private readonly arrays = new Memory();

  // --- memory
  // -----------------------------------------------------------------------------------------------

  upload(values: TypedArray): Storage {
    const result = this.arrays.allocate(dtypeOf(values), values.length);
    result.values.set(values);
    return result;
  }

  write(storage: Storage, at: number, values: TypedArray): void {
    this.arrays.valuesOf(storage).set(values, at);
  }

  fill(value: number, size: number, dtype: DType): Storage {
    const result = this.arrays.allocate(dtype, size);
    result.values.fill(value);
    return result;
  }

  async read(storage: Storage): Promise<TypedArray> {
    return this.readSync(storage);
  }

  readSync(storage: Storage): TypedArray {
    return this.arrays.valuesOf(storage).slice();
  }

  release(storage: Storage): void {
    this.arrays.release(storage);
  }

  memory(): MemoryUse {
    return this.arrays.use();
  }

  dispose(): void {
    this.arrays.dispose();
  }

  // --- elementwise
  // -----------------------------------------------------------------------------------------------

  unary(op: UnaryOp, x: Storage): Storage {
    const values = this.arrays.valuesOf(x);
    const result = this.arrays.allocate(x.dtype, x.size);
    unary(op, x.dtype, result.values, values);
    return result;
  }

  binary(op: BinaryOp, a: Operand, b: Operand, sizes: readonly number[]): Storage {
    const { dtype } = (typeof a === 'number' ? (b as Strided) : a).storage; // at most one is a number
    const viewA = this.view(a, dtype, sizes);
    const viewB = this.view(b, dtype, sizes);
    const result = this.arrays.allocate(dtype, product(sizes));
    binary(op, dtype, result.values, viewA, viewB, sizes);
    return result;
  }

  select(condition: Strided, a: Operand, b: Operand, sizes: readonly number[], dtype: DType): Storage {
    const viewCondition = this.view(condition, dtype, sizes);
    const viewA = this.view(a, dtype, sizes);
    const viewB = this.view(b, dtype, sizes);
    const result = this.arrays.allocate(dtype, product(sizes));
    select(result.values, viewCondition, viewA, viewB, sizes);
    return result;
  }

  // --- moving data
  // -----------------------------------------------------------------------------------------------

  copy(x: Strided, sizes: readonly number[], dtype: DType): Storage {
    const view = this.view(x, dtype, sizes);
    const result = this.arrays.allocate(dtype, product(sizes));
    copy(result.values, view, sizes);
    return result;
  }

  concat(parts: readonly ConcatPart[], outer: number): Storage {
    const pieces = parts.map(({ storage, run }) => ({ values: this.arrays.valuesOf(storage), run }));
    const size = parts.reduce((total, { storage }) => total + storage.size, 0);
    const result = this.arrays.allocate(parts[0].storage.dtype, size);
    concat(result.values, pieces, outer);
    return result;
  }

  gather(x: Storage, index: Strided, sizes: IndexSizes): Storage {
    const values = this.arrays.valuesOf(x);
    const positions = this.view(index, 'int32', index.strides);
    const result = this.arrays.allocate(x.dtype, sizes.outer * sizes.count * sizes.inner);
    gather(result.values, values, positions, sizes);
    return result;
  }

  scatterAdd(source: Storage, index: Strided, sizes: IndexSizes): Storage {
    const values = this.arrays.valuesOf(source);
    const positions = this.view(index, 'int32', index.strides);
    const result = this.arrays.allocate(source.dtype, sizes.outer * sizes.size * sizes.inner);
    scatterAdd(result.values, values, positions, sizes);
    return result;
  }

  // --- contracting
  // -----------------------------------------------------------------------------------------------

  reduce(op: ReduceOp, x: Storage, outer: number, size: number, inner: number): Storage {
    const values = this.arrays.valuesOf(x);
    const result = this.arrays.allocate(op === 'argmax' ? 'int32' : x.dtype, outer * inner);
    reduce(op, result.values, values, outer, size, inner);
    return result;
  }

  matmul(a: Matrices, b: Matrices, sizes: MatmulSizes): Storage {
    const left = { ...a, values: this.arrays.valuesOf(a.storage) };
    const right = { ...b, values: this.arrays.valuesOf(b.storage) };
    const result = this.arrays.allocate(a.storage.dtype, product(sizes.batch) * sizes.m * sizes.n);
    matmul(result.values, left, right, sizes);
    return result;
  }

  // --- programs
  // -----------------------------------------------------------------------------------------------

  compile(program: Program): CompiledProgram {
    return new CpuProgram(program, this.arrays);
  }

  /**
   * An operand as an array to walk; a number becomes an array of one element that the walk never
   * leaves.
   */
  private view(x: Operand, dtype: DType, sizes: readonly number[]): View {
    if (typeof x !== 'number') {
      return { values: this.arrays.valuesOf(x.storage), offset: x.offset, strides: x.strides };
    }
    return { values: newArray(dtype, 1).fill(x), offset: 0, strides: sizes.map(() => 0) };
  }
}

function product(sizes: readonly number[]): number {
  let size = 1;
  for (const s of sizes) size *= s;
  return size;
}

/**
 * A backend that computes in plain JavaScript. It runs wherever JavaScript does, and has float64
 * for gradient checks.
 *
 * @example
 * ```ts
 * setBackend(await cpu());
 * ```
 * @param options none exist; the argument is there because every backend's factory takes one
 * @returns a new backend with memory of its own
 * @throws ArgumentError for any option
 */
export async function cpu(options: Readonly<Record<string, never>> = {}): Promise<Backend> {
  checkOptions('cpu', options, []);
  return new CpuBackend();
}
