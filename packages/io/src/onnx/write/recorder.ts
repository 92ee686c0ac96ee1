/**
 * A backend that computes on another one and writes down what it does, in ONNX's operators. A model
 * that runs on it leaves its graph behind. Sizes are numbers here; two or three runs with different
 * sizes tell which of them depend on the inputs.
 */
import {
  ArgumentError,
  fromData,
  sizeOf,
  zeros,
  type Backend,
  type BackendInfo,
  type BinaryOp,
  type CompiledProgram,
  type ConcatPart,
  type DType,
  type IndexSizes,
  type Matrices,
  type MatmulSizes,
  type MemoryUse,
  type Operand,
  type Program,
  type ProgramArguments,
  type ProgramResults,
  type ReduceOp,
  type Storage,
  type Strided,
  type Tensor,
  type TypedArray,
  type UnaryOp,
} from '@rnn/core';
import { binaryNode, selectNode, unaryNode } from './elementwise.js';
import { IrBuilder, type IrValue } from './ir.js';
import { gathered, product } from './products.js';
import { programScan, type LoopValues } from './program-scan.js';
import { ReadLengths } from './read-lengths.js';
import { walkOver } from './walk.js';

/** A storage of the other backend with the value that it holds in the graph. */
interface Recorded extends Storage {
  readonly inner: Storage;
  readonly value: IrValue;
  /** Whether the numbers depend on the model's inputs. */
  readonly isVariable: boolean;
}

export class Recorder implements Backend {
  readonly info: BackendInfo;
  readonly ir: IrBuilder = new IrBuilder();
  readonly lengths: ReadLengths = new ReadLengths(this.ir);
  readonly #inner: Backend;
  readonly #opset: number;
  #next: IrValue | undefined;
  /** Whether operations are computed only. */
  isPaused: boolean = false;

  constructor(inner: Backend, opset: number) {
    this.#inner = inner;
    this.#opset = opset;
    this.info = {
      ...inner.info,
      name: 'onnx',
      device: `records what runs on ${inner.info.name}`,
      // Like that of a graphics card, a graph is not planned by what a few rows cost: it is the
      // same for all sizes.
      simd: 'gpu',
      records: true,
    };
  }

  // --- between tensors and the graph
  // ----------------------------------------------------------------------------
  /** A tensor that stands for a value of the graph, with numbers to compute with. */
  tensorOf(value: IrValue, numbers: TypedArray): Tensor {
    this.#next = value;
    try {
      return fromData(numbers, value.shape, { dtype: value.type as DType, backend: this });
    } finally {
      this.#next = undefined;
    }
  }

  /** The same with zeros. */
  zerosOf(value: IrValue): Tensor {
    this.#next = value;
    try {
      return zeros(value.shape, { dtype: value.type as DType, backend: this });
    } finally {
      this.#next = undefined;
    }
  }

  /** The value that a tensor stands for, in the tensor's shape. */
  valueOf(tensor: Tensor): IrValue {
    return this.ir.reshaped(this.#recordedOf(tensor).value, tensor.shape);
  }

  /** Runs a function whose operations are not written down. */
  paused<R>(fn: () => R): R {
    const before = this.isPaused;
    this.isPaused = true;
    try {
      return fn();
    } finally {
      this.isPaused = before;
    }
  }

  #recordedOf(tensor: Tensor): Recorded {
    if (tensor.backend === this) return tensor.storage as Recorded;
    throw new ArgumentError(
      'writeOnnx: the model uses or returns a tensor that is neither a parameter, a buffer, an input nor made from those; register it with registerBuffer',
      { argument: 'model' },
    );
  }

  #made(inner: Storage, sources: readonly Storage[], value: () => IrValue): Storage {
    const isVariable = sources.some((source) => (source as Recorded).isVariable);
    const made = this.isPaused ? { type: inner.dtype, shape: [inner.size] } : value();
    return recorded(inner, made, isVariable);
  }

  // --- memory
  // -----------------------------------------------------------------------------------------------
  upload(values: TypedArray): Storage {
    const inner = this.#inner.upload(values);
    const mask = this.#next === undefined && !this.isPaused ? this.lengths.maskOf(values, inner.dtype) : undefined;
    if (mask !== undefined) return recorded(inner, mask, true);
    const value = this.#next ?? { type: inner.dtype, shape: [values.length], constant: Array.from(values) };
    return recorded(inner, value, this.#next !== undefined && this.#next.constant === undefined);
  }

  fill(number: number, size: number, dtype: DType): Storage {
    const inner = this.#inner.fill(number, size, dtype);
    if (this.#next !== undefined) return recorded(inner, this.#next, this.#next.constant === undefined);
    return this.#made(inner, [], () => {
      const one = this.#number(number, dtype);
      return size === 1 ? this.ir.reshaped(one, [1]) : this.ir.node('Expand', [one, [size]], dtype, [size]);
    });
  }

  read(storage: Storage): Promise<TypedArray> {
    return Promise.resolve(this.readSync(storage));
  }

  readSync(storage: Storage): TypedArray {
    const source = storage as Recorded;
    if (source.isVariable && source.dtype !== 'int32' && !this.isPaused) {
      throw new ArgumentError(
        'writeOnnx: forward reads numbers that depend on the inputs (item, dataSync, toArray), so what it does cannot be written as one graph; choose with where',
        { argument: 'model', expected: 'a forward that reads no numbers' },
      );
    }
    const numbers = this.#inner.readSync(source.inner);
    if (source.isVariable && !this.isPaused) this.lengths.add(source.value, numbers);
    return numbers;
  }

  release(storage: Storage): void {
    this.#inner.release((storage as Recorded).inner);
  }

  memory(): MemoryUse {
    return this.#inner.memory();
  }

  dispose(): void {}

  // --- loops over time
  // ------------------------------------------------------------------------------------------
  /**
   * A loop becomes a Scan. What has no state is written down operation by operation, as core then
   * runs it.
   */
  compile(program: Program): CompiledProgram | undefined {
    const inner = program.carry.length === 0 ? undefined : this.#inner.compile?.(program);
    return inner && { run: (args) => this.#loop(program, inner, args) };
  }

  #loop(program: Program, inner: CompiledProgram, args: ProgramArguments): ProgramResults {
    const { steps, rows } = args;
    const bare = (list: readonly Storage[]): Storage[] => list.map((storage) => (storage as Recorded).inner);
    const { xs, carry, perRow, consts } = args;
    const results = inner.run({
      steps,
      rows,
      xs: bare(xs),
      carry: bare(carry),
      perRow: bare(perRow),
      consts: bare(consts),
    });
    const sources = [...xs, ...carry, ...perRow, ...consts];
    const values = (list: readonly Storage[]): IrValue[] => list.map((storage) => (storage as Recorded).value);
    this.lengths.loop(values(xs));
    const written = this.isPaused
      ? undefined
      : programScan(this.ir, this.#opset, program, {
          steps,
          rows,
          xs: values(xs),
          carry: values(carry),
          perRow: values(perRow),
          consts: values(consts),
        });
    const made = (kind: 'ys' | 'carry'): Storage[] =>
      results[kind].map((storage, i) => this.#made(storage, sources, () => (written as LoopValues)[kind][i]));
    return { ys: made('ys'), carry: made('carry') };
  }

  // --- elementwise
  // ----------------------------------------------------------------------------------------------
  unary(op: UnaryOp, x: Storage): Storage {
    const { inner, value } = x as Recorded;
    return this.#made(this.#inner.unary(op, inner), [x], () => unaryNode(this.ir, op, value));
  }

  binary(op: BinaryOp, a: Operand, b: Operand, sizes: readonly number[]): Storage {
    const dtype = typeof a === 'object' ? a.storage.dtype : (b as Strided).storage.dtype;
    const inner = this.#inner.binary(op, this.#innerOperand(a), this.#innerOperand(b), sizes);
    return this.#made(inner, storagesOf(a, b), () => {
      const [left, right] = [this.#operand(a, sizes, dtype), this.#operand(b, sizes, dtype)];
      return this.#whole(binaryNode(this.ir, op, left, right, dtype), sizes);
    });
  }

  select(condition: Strided, a: Operand, b: Operand, sizes: readonly number[], dtype: DType): Storage {
    const inner = this.#inner.select(
      this.#innerOperand(condition) as Strided,
      this.#innerOperand(a),
      this.#innerOperand(b),
      sizes,
      dtype,
    );
    return this.#made(inner, storagesOf(condition, a, b), () => {
      const test = this.#operand(condition, sizes, dtype);
      const [left, right] = [this.#operand(a, sizes, dtype), this.#operand(b, sizes, dtype)];
      return this.#whole(selectNode(this.ir, test, left, right, dtype), sizes);
    });
  }

  /** An operand in a shape that broadcasts to the walk's. */
  #operand(operand: Operand, sizes: readonly number[], dtype: DType): IrValue {
    if (typeof operand === 'number') return this.#number(operand, dtype);
    const { value } = operand.storage as Recorded;
    return walkOver(this.ir, value, operand, sizes, false);
  }

  /** Where every operand was broadcast, the result still has to be spread. */
  #whole(value: IrValue, sizes: readonly number[]): IrValue {
    if (sizeOf(value.shape) === sizeOf(sizes)) return value;
    return this.ir.node('Expand', [value, [...sizes]], value.type, [...sizes]);
  }

  #number(number: number, dtype: DType): IrValue {
    return { type: dtype, shape: [], constant: [number] };
  }

  #innerOperand(operand: Operand): Operand {
    return typeof operand === 'number' ? operand : { ...operand, storage: (operand.storage as Recorded).inner };
  }

  // --- moving data
  // ----------------------------------------------------------------------------------------------
  copy(x: Strided, sizes: readonly number[], dtype: DType): Storage {
    const inner = this.#inner.copy(this.#innerOperand(x) as Strided, sizes, dtype);
    const { value } = x.storage as Recorded;
    return this.#made(inner, [x.storage], () => this.ir.cast(walkOver(this.ir, value, x, sizes, true), dtype));
  }

  concat(parts: readonly ConcatPart[], outer: number): Storage {
    const inner = this.#inner.concat(
      parts.map(({ storage, run }) => ({ storage: (storage as Recorded).inner, run })),
      outer,
    );
    return this.#made(
      inner,
      parts.map(({ storage }) => storage),
      () => {
        const values = parts.map(({ storage, run }) => this.ir.reshaped((storage as Recorded).value, [outer, run]));
        const run = parts.reduce((sum, part) => sum + part.run, 0);
        return this.ir.node('Concat', values, inner.dtype, [outer, run], { axis: 1 });
      },
    );
  }

  gather(x: Storage, index: Strided, sizes: IndexSizes): Storage {
    const inner = this.#inner.gather((x as Recorded).inner, this.#innerOperand(index) as Strided, sizes);
    return this.#made(inner, [x, index.storage], () => {
      const places = { value: (index.storage as Recorded).value, strides: index.strides };
      return gathered(this.ir, (x as Recorded).value, places, sizes, inner.dtype);
    });
  }

  scatterAdd(): Storage {
    throw new ArgumentError('writeOnnx: the model adds by index (scatterAdd), which is not written', {
      argument: 'model',
    });
  }

  // --- contracting
  // ----------------------------------------------------------------------------------------------
  reduce(op: ReduceOp, x: Storage, outer: number, size: number, width: number): Storage {
    const inner = this.#inner.reduce(op, (x as Recorded).inner, outer, size, width);
    return this.#made(inner, [x], () => {
      const value = this.ir.reshaped((x as Recorded).value, [outer, size, width]);
      if (op !== 'argmax') return this.ir.reduced(op, value, 1, this.#opset);
      return this.ir.cast(this.ir.node('ArgMax', [value], 'int64', [outer, width], { axis: 1, keepdims: 0 }), 'int32');
    });
  }

  matmul(a: Matrices, b: Matrices, sizes: MatmulSizes): Storage {
    const bare = (side: Matrices): Matrices => ({ ...side, storage: (side.storage as Recorded).inner });
    const inner = this.#inner.matmul(bare(a), bare(b), sizes);
    return this.#made(inner, [a.storage, b.storage], () => {
      const value = ({ storage }: Matrices): IrValue => (storage as Recorded).value;
      return product(this.ir, { ...a, value: value(a) }, { ...b, value: value(b) }, sizes, inner.dtype);
    });
  }
}

function recorded(inner: Storage, value: IrValue, isVariable: boolean): Recorded {
  return { dtype: inner.dtype, size: inner.size, inner, value, isVariable };
}

function storagesOf(...operands: readonly Operand[]): Storage[] {
  return operands.flatMap((operand) => (typeof operand === 'number' ? [] : [operand.storage]));
}
