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
import { compileProgram } from './compile.js';
import { EXACT, type Counters, type Device } from './device.js';
import * as elementwise from './kernels/elementwise.js';
import { gather, scatterAdd } from './kernels/indexing.js';
import { concat } from './kernels/joining.js';
import { matmul } from './kernels/matmul.js';
import { reduce } from './kernels/reduce.js';
import { Memory, noFloat64 } from './memory.js';

/** A backend on a graphics card, as `gpu` makes it. */
export interface GpuBackend extends Backend {
  /**
   * What the device was made to do since the backend was made, up to date at every read. Two looks,
   * before and after, measure what is between.
   *
   * @example
   * ```ts fragment
   * const before = { ...backend.counters };
   * model.forward(x);
   * console.log(backend.counters.launches - before.launches, 'launches');
   * ```
   */
  readonly counters: Readonly<Counters>;
}

/** The backend: each method finds the arrays of its operands and launches a kernel. */
export class DeviceBackend implements GpuBackend {
  readonly info: BackendInfo;
  /** What launches kernels. */
  readonly device: Device;
  private readonly memoryOf: Memory;

  constructor(info: BackendInfo, device: Device) {
    this.info = info;
    this.device = device;
    this.memoryOf = new Memory(device);
  }

  get counters(): Readonly<Counters> {
    return this.device.counters;
  }

  // --- memory
  // -----------------------------------------------------------------------------------------------

  upload(values: TypedArray): Storage {
    return this.memoryOf.upload(values);
  }

  fill(value: number, size: number, dtype: DType): Storage {
    if (dtype === 'float64') throw noFloat64();
    // Few numbers, none, or whole ones that a device would round are made here.
    if (size === 0 || (dtype === 'int32' && !(Math.abs(value) < EXACT))) {
      return this.upload(dtype === 'int32' ? new Int32Array(size).fill(value) : new Float32Array(size).fill(value));
    }
    const whole = dtype === 'int32' ? Math.trunc(value) : value;
    return this.memoryOf.wrap(dtype, elementwise.fill(this.device, whole, size));
  }

  read(storage: Storage): Promise<TypedArray> {
    return this.memoryOf.read(storage);
  }

  readSync(storage: Storage): TypedArray {
    return this.memoryOf.readSync(storage);
  }

  release(storage: Storage): void {
    this.memoryOf.release(storage);
  }

  memory(): MemoryUse {
    return this.memoryOf.use();
  }

  dispose(): Promise<void> {
    return this.memoryOf.dispose();
  }

  // --- elementwise
  // -----------------------------------------------------------------------------------------------

  unary(op: UnaryOp, x: Storage): Storage {
    return this.memoryOf.wrap(x.dtype, elementwise.unary(this.device, op, x.dtype, this.memoryOf.arrayOf(x)));
  }

  binary(op: BinaryOp, a: Operand, b: Operand, sizes: readonly number[]): Storage {
    const { dtype } = (typeof a === 'number' ? (b as Strided) : a).storage; // at most one is a number
    const result = elementwise.binary(this.device, op, dtype, this.operand(a), this.operand(b), sizes);
    return this.memoryOf.wrap(dtype, result);
  }

  select(condition: Strided, a: Operand, b: Operand, sizes: readonly number[], dtype: DType): Storage {
    const [test, left, right] = [condition, a, b].map((each) => this.operand(each));
    return this.memoryOf.wrap(
      dtype,
      elementwise.select(this.device, test, condition.storage.dtype, left, right, sizes),
    );
  }

  // --- moving data
  // -----------------------------------------------------------------------------------------------

  copy(x: Strided, sizes: readonly number[], dtype: DType): Storage {
    if (dtype === 'float64') throw noFloat64();
    return this.memoryOf.wrap(dtype, elementwise.copy(this.device, this.operand(x), x.storage.dtype, dtype, sizes));
  }

  concat(parts: readonly ConcatPart[], outer: number): Storage {
    const arrays = parts.map(({ storage, run }) => ({ array: this.memoryOf.arrayOf(storage), run }));
    return this.memoryOf.wrap(parts[0].storage.dtype, concat(this.device, arrays, outer));
  }

  gather(x: Storage, index: Strided, sizes: IndexSizes): Storage {
    const picks = this.strided(index);
    return this.memoryOf.wrap(x.dtype, gather(this.device, this.memoryOf.arrayOf(x), picks, sizes));
  }

  scatterAdd(source: Storage, index: Strided, sizes: IndexSizes): Storage {
    const picks = this.strided(index);
    const { dtype } = source;
    return this.memoryOf.wrap(dtype, scatterAdd(this.device, this.memoryOf.arrayOf(source), dtype, picks, sizes));
  }

  // --- contracting
  // -----------------------------------------------------------------------------------------------

  reduce(op: ReduceOp, x: Storage, outer: number, size: number, inner: number): Storage {
    const result = reduce(this.device, op, this.memoryOf.arrayOf(x), x.dtype, outer, size, inner);
    return this.memoryOf.wrap(op === 'argmax' ? 'int32' : x.dtype, result);
  }

  matmul(a: Matrices, b: Matrices, sizes: MatmulSizes): Storage {
    const [left, right] = [a, b].map(({ storage, batchStrides, transposed }) => ({
      array: this.memoryOf.arrayOf(storage),
      batchStrides,
      transposed,
    }));
    return this.memoryOf.wrap(a.storage.dtype, matmul(this.device, left, right, sizes));
  }

  // --- for speed only
  // ---------------------------------------------------------------------------------------------

  compile(program: Program): CompiledProgram | undefined {
    return compileProgram(program, this.memoryOf, this);
  }

  // --- for the kernels
  // --------------------------------------------------------------------------------------------

  private operand(x: Operand): elementwise.Operand {
    return typeof x === 'number' ? x : this.strided(x);
  }

  private strided({ storage, offset, strides }: Strided): Exclude<elementwise.Operand, number> {
    return { array: this.memoryOf.arrayOf(storage), offset, strides };
  }
}
