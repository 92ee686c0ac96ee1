import { dtypeOf, hostArray } from '@rnn/core';
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
import { loadBinding } from './binding.js';
import { DTYPES, numbersOf, SMALL, type Channel } from './channel.js';
import { compileProgram } from './compile.js';
import { bytesOf, type Memory } from './memory.js';

/**
 * The backend: each method writes down what is to be done, and the engine does it. Nothing is
 * checked here but the life of storages, since core has checked everything else.
 */
export class NativeBackend implements Backend {
  readonly info: BackendInfo;
  private readonly memoryOf: Memory;
  private readonly channel: Channel;
  /** Numbers of operations and functions. */
  private readonly operations: Readonly<Record<string, number>>;
  private readonly unaryOps: Readonly<Record<string, number>>;
  private readonly binaryOps: Readonly<Record<string, number>>;
  private readonly reduceOps: Readonly<Record<string, number>>;

  constructor(info: BackendInfo, memory: Memory, channel: Channel) {
    const { operations, unary, binary, reduce } = loadBinding();
    this.info = info;
    this.memoryOf = memory;
    this.channel = channel;
    this.operations = numbersOf(operations);
    this.unaryOps = numbersOf(unary);
    this.binaryOps = numbersOf(binary);
    this.reduceOps = numbersOf(reduce);
  }

  // --- memory
  // -----------------------------------------------------------------------------------------------

  upload(values: TypedArray): Storage {
    const { channel } = this;
    const dtype = dtypeOf(values);
    const { length, byteLength } = values;
    this.begin(this.operations.upload, byteLength);
    if (byteLength <= SMALL) {
      channel.put(1);
      channel.room(dtype).set(values);
      channel.call();
    } else {
      channel.put(0);
      channel.callWith(values);
    }
    return this.result(dtype, length);
  }

  write(storage: Storage, at: number, values: TypedArray): void {
    const size = bytesOf(storage.dtype);
    this.begin(this.operations.write, this.memoryOf.addressOf(storage), at * size, values.length * size);
    this.channel.callWith(values);
  }

  fill(value: number, size: number, dtype: DType): Storage {
    this.begin(this.operations.fill, DTYPES[dtype], size, value);
    this.channel.call();
    return this.result(dtype, size);
  }

  async read(storage: Storage): Promise<TypedArray> {
    return this.readSync(storage);
  }

  readSync(storage: Storage): TypedArray {
    const { channel } = this;
    const { dtype, size } = storage;
    const bytes = size * bytesOf(dtype);
    this.begin(this.operations.read, this.memoryOf.addressOf(storage), bytes);
    if (bytes <= SMALL) {
      channel.put(1);
      channel.call();
      return channel.room(dtype).slice(0, size);
    }
    const values = hostArray(dtype, size);
    channel.put(0);
    channel.callWith(values);
    return values;
  }

  release(storage: Storage): void {
    const at = this.memoryOf.release(storage);
    if (at === 0) return;
    this.channel.release(this.operations.flush, at, storage.size * bytesOf(storage.dtype));
  }

  memory(): MemoryUse {
    return this.memoryOf.use();
  }

  dispose(): void {
    this.memoryOf.dispose();
    this.channel.close();
  }

  // --- elementwise
  // -----------------------------------------------------------------------------------------------

  unary(op: UnaryOp, x: Storage): Storage {
    const { dtype, size } = x;
    this.begin(this.operations.unary, this.unaryOps[op], DTYPES[dtype], this.memoryOf.addressOf(x), size);
    this.channel.call();
    return this.result(dtype, size);
  }

  binary(op: BinaryOp, a: Operand, b: Operand, sizes: readonly number[]): Storage {
    const { dtype } = (typeof a === 'number' ? (b as Strided) : a).storage; // at most one is a number
    this.begin(this.operations.binary, this.binaryOps[op], DTYPES[dtype]);
    this.list(sizes);
    this.operand(a);
    this.operand(b);
    this.channel.call();
    return this.result(dtype, product(sizes));
  }

  select(condition: Strided, a: Operand, b: Operand, sizes: readonly number[], dtype: DType): Storage {
    this.begin(this.operations.select, DTYPES[dtype], DTYPES[condition.storage.dtype]);
    this.list(sizes);
    this.operand(condition);
    this.operand(a);
    this.operand(b);
    this.channel.call();
    return this.result(dtype, product(sizes));
  }

  // --- moving data
  // -----------------------------------------------------------------------------------------------

  copy(x: Strided, sizes: readonly number[], dtype: DType): Storage {
    this.begin(this.operations.copy, DTYPES[x.storage.dtype], DTYPES[dtype]);
    this.list(sizes);
    this.operand(x);
    this.channel.call();
    return this.result(dtype, product(sizes));
  }

  concat(parts: readonly ConcatPart[], outer: number): Storage {
    const { dtype } = parts[0].storage;
    // Many pieces go in groups: what was joined is a piece of the next group.
    if (!this.channel.hasRoomFor(parts.length * 2)) return this.concatGroups(parts, outer);
    this.begin(this.operations.concat, bytesOf(dtype), outer, parts.length);
    let row = 0;
    for (const { storage, run } of parts) {
      this.channel.put(this.memoryOf.addressOf(storage));
      this.channel.put(run);
      row += run;
    }
    this.channel.call();
    return this.result(dtype, row * outer);
  }

  gather(x: Storage, index: Strided, sizes: IndexSizes): Storage {
    this.begin(this.operations.gather, bytesOf(x.dtype), this.memoryOf.addressOf(x));
    this.indices(index, sizes);
    this.channel.call();
    return this.result(x.dtype, sizes.outer * sizes.count * sizes.inner);
  }

  scatterAdd(source: Storage, index: Strided, sizes: IndexSizes): Storage {
    this.begin(this.operations.scatterAdd, DTYPES[source.dtype], this.memoryOf.addressOf(source));
    this.indices(index, sizes);
    this.channel.call();
    return this.result(source.dtype, sizes.outer * sizes.size * sizes.inner);
  }

  // --- contracting
  // -----------------------------------------------------------------------------------------------

  reduce(op: ReduceOp, x: Storage, outer: number, size: number, inner: number): Storage {
    this.begin(this.operations.reduce, this.reduceOps[op], DTYPES[x.dtype], this.memoryOf.addressOf(x));
    this.channel.put(outer);
    this.channel.put(size);
    this.channel.put(inner);
    this.channel.call();
    return this.result(op === 'argmax' ? 'int32' : x.dtype, outer * inner);
  }

  matmul(a: Matrices, b: Matrices, { batch, m, k, n }: MatmulSizes): Storage {
    const { dtype } = a.storage;
    this.begin(this.operations.matmul, DTYPES[dtype]);
    this.list(batch);
    this.channel.put(m);
    this.channel.put(k);
    this.channel.put(n);
    for (const { storage, transposed, batchStrides } of [a, b]) {
      this.channel.put(this.memoryOf.addressOf(storage));
      this.channel.put(Number(transposed));
      for (const stride of batchStrides) this.channel.put(stride);
    }
    this.channel.call();
    return this.result(dtype, product(batch) * m * n);
  }

  // --- programs
  // -----------------------------------------------------------------------------------------------

  compile(program: Program): CompiledProgram | undefined {
    this.memoryOf.refuseDisposed();
    return compileProgram(program, this.memoryOf, this.channel);
  }

  // --- for tests
  // -----------------------------------------------------------------------------------------------

  /** Runs an operation that only tests ask for; returns its answer. */
  probe(operation: string, ...words: readonly number[]): number {
    this.begin(this.operations[operation], ...words);
    this.channel.call();
    return this.channel.words[1];
  }

  // --- arguments
  // -----------------------------------------------------------------------------------------------

  private begin(operation: number, ...words: readonly number[]): void {
    this.memoryOf.refuseDisposed();
    const { channel } = this;
    channel.begin(operation);
    for (const word of words) channel.put(word);
  }

  private list(words: readonly number[]): void {
    const { channel } = this;
    channel.put(words.length);
    for (const word of words) channel.put(word);
  }

  private operand(x: Operand): void {
    const { channel } = this;
    if (typeof x === 'number') {
      channel.put(0);
      channel.put(x);
      return;
    }
    channel.put(this.memoryOf.addressOf(x.storage));
    channel.put(x.offset);
    for (const stride of x.strides) channel.put(stride);
  }

  private indices(index: Strided, { outer, size, inner, count }: IndexSizes): void {
    const { channel } = this;
    channel.put(outer);
    channel.put(size);
    channel.put(inner);
    channel.put(count);
    this.operand(index);
  }

  /** The storage that the operation made. */
  private result(dtype: DType, size: number): Storage {
    return this.memoryOf.keep(dtype, size, this.channel.words[1]);
  }

  private concatGroups(parts: readonly ConcatPart[], outer: number): Storage {
    const half = parts.length >>> 1;
    const groups = [parts.slice(0, half), parts.slice(half)];
    const joined: ConcatPart[] = [];
    try {
      for (const group of groups) {
        const storage = this.concat(group, outer);
        joined.push({ storage, run: storage.size / outer });
      }
      return this.concat(joined, outer);
    } finally {
      for (const { storage } of joined) this.release(storage);
    }
  }
}

function product(sizes: readonly number[]): number {
  let size = 1;
  for (const s of sizes) size *= s;
  return size;
}
