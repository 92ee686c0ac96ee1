/**
 * A backend that computes what belongs to the model and writes down the rest as a flow. The sequence that it runs on has so many steps,
 * a prime, that time can be told from features: no number of features is a multiple of it. Scans come as programs, by `compile`.
 */
import {
  ArgumentError,
  dtypeOf,
  fromData,
  hostArray,
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
  type ReduceOp,
  type Shape,
  type Storage,
  type Strided,
  type Tensor,
  type TypedArray,
  type UnaryOp,
} from '@rnn/core';
import { STEPS, type FlowStorage, type FlowWriter } from './flow-storage.js';
import { Flow, type FlowValue, type Matrix } from './flow.js';
import { inlineProgram } from './inline-program.js';
import { boundsOf, featureSizes, OverTime, placesOf, walkOfStep } from './row-walk.js';

const comparisons: readonly BinaryOp[] = ['eq', 'ne', 'lt', 'le', 'gt', 'ge'];

export class FlowTracer implements Backend, FlowWriter {
  readonly info: BackendInfo;
  readonly flow: Flow = new Flow();
  readonly names: FlowWriter['names'];
  readonly #inner: Backend;
  readonly #constants = new WeakMap<Storage, Map<string, FlowValue>>();
  readonly #matrices = new WeakMap<Storage, Map<string, Matrix>>();
  #next: FlowValue | undefined;
  #seen: FlowStorage | undefined;
  #isAsking = false;

  constructor(inner: Backend, names: FlowWriter['names']) {
    this.#inner = inner;
    this.names = names;
    this.info = { ...inner.info, name: 'module', device: `traces for a module`, synchronous: true };
  }

  // --- between tensors and the flow -----------------------------------------------------------------------------
  /** A tensor that stands for a value; its numbers are never looked at. */
  tensorOf(value: FlowValue, shape: Shape, dtype: DType): Tensor {
    this.#next = value;
    try {
      return zeros(shape, { dtype, backend: this });
    } finally {
      this.#next = undefined;
    }
  }

  constantTensor(numbers: TypedArray, shape: Shape, dtype: DType): Tensor {
    return fromData(numbers, shape, { dtype, backend: this });
  }

  /** What a tensor stands for. Reading asks for a storage; that is the one public way from a tensor to it. */
  storageOf(tensor: Tensor): FlowStorage {
    this.#isAsking = true;
    try {
      tensor.dataSync();
    } finally {
      this.#isAsking = false;
    }
    const seen = this.#seen;
    this.#seen = undefined;
    if (seen !== undefined) return seen;
    throw new ArgumentError(
      'exportModule: forward uses or returns a tensor that is neither a parameter, a buffer, the input nor made from those; register it with registerBuffer',
      { argument: 'model' },
    );
  }

  /** The value of a storage that may be a constant: of the width, or one number for all. */
  valueOf(storage: Storage): FlowValue {
    const { value, number, size } = storage as FlowStorage;
    if (value !== undefined) return value;
    if (number !== undefined) return this.flow.number(number);
    return this.#constant(storage as FlowStorage, 0, [size], [1]);
  }

  /** A storage for a value. */
  made(value: FlowValue, size: number, dtype: DType): FlowStorage {
    return { dtype, size, value, number: undefined, inner: undefined };
  }

  /** A constant as the matrix `[n, k]` of a product. */
  matrixOf(storage: Storage, rows: number, columns: number, isTransposed: boolean): Matrix {
    const source = this.#innerOf(storage);
    const key = `${rows} ${isTransposed}`;
    let known = this.#matrices.get(source);
    if (known === undefined) this.#matrices.set(source, (known = new Map<string, Matrix>()));
    let matrix = known.get(key);
    if (matrix !== undefined) return matrix;
    const data = this.#inner.readSync(source);
    if (isTransposed) matrix = { numbers: data, n: rows, k: columns };
    else {
      const numbers = new Float64Array(data.length);
      for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) numbers[j * rows + i] = data[i * columns + j];
      matrix = { numbers, n: columns, k: rows };
    }
    known.set(key, matrix);
    return matrix;
  }

  // --- constants ------------------------------------------------------------------------------------------------
  #folded(inner: Storage): FlowStorage {
    return { dtype: inner.dtype, size: inner.size, value: undefined, number: undefined, inner };
  }

  #uniform(number: number, size: number, dtype: DType): FlowStorage {
    return { dtype, size, value: undefined, number, inner: undefined };
  }

  #innerOf(storage: Storage): Storage {
    const { inner, number, size, dtype } = storage as FlowStorage;
    return inner ?? this.#inner.fill(number as number, size, dtype);
  }

  #innerOperand(operand: Operand): Operand {
    return typeof operand === 'number' ? operand : { ...operand, storage: this.#innerOf(operand.storage) };
  }

  /** Numbers of the model, walked. */
  #constant(storage: FlowStorage, offset: number, sizes: readonly number[], strides: readonly number[]): FlowValue {
    if (storage.number !== undefined) return this.flow.number(storage.number);
    const source = this.#innerOf(storage);
    const key = [offset, ...sizes, '|', ...strides].join(' ');
    let known = this.#constants.get(source);
    if (known === undefined) this.#constants.set(source, (known = new Map<string, FlowValue>()));
    let value = known.get(key);
    if (value === undefined) {
      const data = this.#inner.readSync(source);
      const isWhole = offset === 0 && sizes.length === 1 && sizes[0] === data.length && strides[0] === 1;
      value = this.flow.constant(isWhole ? data : placesOf({ offset, sizes, strides }).map((place) => data[place]));
      known.set(key, value);
    }
    return value;
  }

  /** What an operand of a walk is at one step, or after all: of the width, or one number for all. */
  #operand(operand: Operand, sizes: readonly number[], isRow: boolean): FlowValue {
    if (typeof operand === 'number') return this.flow.number(operand);
    const { offset, strides } = operand;
    const storage = operand.storage as FlowStorage;
    const { value, number } = storage;
    if (number !== undefined) return this.flow.number(number);
    const timeStride = value?.domain === 'row' ? value.width : 0;
    if (!isRow && timeStride > 0) return this.#ofOneStep(value as FlowValue, { offset, strides }, sizes);
    const walk = isRow ? walkOfStep(sizes, offset, strides, STEPS, timeStride) : { offset, sizes, strides };
    if (value === undefined) return this.#constant(storage, walk.offset, walk.sizes, walk.strides);
    if (walk.strides.every((stride) => stride === 0)) return this.flow.range(value, walk.offset, 1);
    return this.flow.pick(value, placesOf(walk));
  }

  /** Numbers of a row value at the first or last step. */
  #ofOneStep(
    value: FlowValue,
    { offset, strides }: { readonly offset: number; readonly strides: readonly number[] },
    sizes: readonly number[],
  ): FlowValue {
    const [step, last] = boundsOf({ offset, sizes, strides }).map((place) => Math.floor(place / value.width));
    if (last !== step) throw new OverTime('takes a part of the sequence');
    if (step !== 0 && step !== STEPS - 1)
      throw new OverTime(`picks step ${step} of the sequence by its number; a loop over time is a scan or a Recurrent`);
    const end = this.flow.end(value, step !== 0);
    return this.flow.pick(end, placesOf({ offset: offset - step * value.width, sizes, strides }));
  }

  // --- memory ---------------------------------------------------------------------------------------------------
  upload(values: TypedArray): Storage {
    if (values.length === 1) return this.#uniform(values[0], 1, dtypeOf(values));
    return this.#folded(this.#inner.upload(values));
  }

  fill(number: number, size: number, dtype: DType): Storage {
    return this.#next === undefined ? this.#uniform(number, size, dtype) : this.made(this.#next, size, dtype);
  }

  read(storage: Storage): Promise<TypedArray> {
    return Promise.resolve(this.readSync(storage));
  }

  readSync(storage: Storage): TypedArray {
    if (this.#isAsking) {
      this.#seen = storage as FlowStorage;
      return hostArray(storage.dtype, 0);
    }
    if ((storage as FlowStorage).value !== undefined)
      throw new OverTime('reads numbers that depend on the input (item, dataSync, toArray); choose with where');
    return this.#inner.readSync(this.#innerOf(storage));
  }

  release(): void {}

  memory(): MemoryUse {
    return this.#inner.memory();
  }

  dispose(): void {}

  // --- elementwise ----------------------------------------------------------------------------------------------
  unary(op: UnaryOp, x: Storage): Storage {
    const { value, number, size, dtype } = x as FlowStorage;
    if (value === undefined) {
      if (number === undefined) return this.#folded(this.#inner.unary(op, this.#innerOf(x)));
      const one = this.#inner.unary(op, this.#inner.fill(number, 1, dtype));
      return this.#uniform(this.#inner.readSync(one)[0], size, dtype);
    }
    checkFloat(dtype);
    return this.made(
      this.flow.make({ kind: 'unary', op, x: value }, value.width, value.domain === 'once'),
      size,
      dtype,
    );
  }

  binary(op: BinaryOp, a: Operand, b: Operand, sizes: readonly number[]): Storage {
    const dtype = typeof a === 'object' ? a.storage.dtype : (b as Strided).storage.dtype;
    const size = sizeOf(sizes);
    if (!isVariable(a, b)) {
      const [x, y] = [uniformOf(a), uniformOf(b)];
      if (x === undefined || y === undefined)
        return this.#folded(this.#inner.binary(op, this.#innerOperand(a), this.#innerOperand(b), sizes));
      const one = { storage: this.#inner.fill(x, 1, dtype), offset: 0, strides: [1] };
      return this.#uniform(this.#inner.readSync(this.#inner.binary(op, one, y, [1]))[0], size, dtype);
    }
    if (!comparisons.includes(op)) checkFloat(dtype);
    const walk = featureSizes(sizes, STEPS);
    const [x, y] = [this.#operand(a, sizes, walk.isRow), this.#operand(b, sizes, walk.isRow)];
    const value = this.flow.make({ kind: 'binary', op, a: x, b: y }, sizeOf(walk.sizes), !walk.isRow);
    return this.made(value, size, dtype);
  }

  select(condition: Strided, a: Operand, b: Operand, sizes: readonly number[], dtype: DType): Storage {
    if (!isVariable(condition, a, b)) {
      const test = this.#innerOperand(condition) as Strided;
      return this.#folded(this.#inner.select(test, this.#innerOperand(a), this.#innerOperand(b), sizes, dtype));
    }
    const walk = featureSizes(sizes, STEPS);
    const of = (operand: Operand): FlowValue => this.#operand(operand, sizes, walk.isRow);
    const op = { kind: 'select', condition: of(condition), a: of(a), b: of(b) } as const;
    return this.made(this.flow.make(op, sizeOf(walk.sizes), !walk.isRow), sizeOf(sizes), dtype);
  }

  // --- moving data ----------------------------------------------------------------------------------------------
  copy(x: Strided, sizes: readonly number[], dtype: DType): Storage {
    const { value, number } = x.storage as FlowStorage;
    const size = sizeOf(sizes);
    if (value === undefined) {
      if (number !== undefined) return this.#uniform(dtype === 'int32' ? Math.trunc(number) : number, size, dtype);
      return this.#folded(this.#inner.copy(this.#innerOperand(x) as Strided, sizes, dtype));
    }
    if (dtype === 'int32' && x.storage.dtype !== 'int32') throw new OverTime('makes whole numbers of others');
    const walk = featureSizes(sizes, STEPS);
    const width = sizeOf(walk.sizes);
    const found = this.#operand(x, sizes, walk.isRow);
    // A walk with strides of 0 is one number; here it is spread.
    const spread =
      found.width === width
        ? found
        : this.flow.pick(
            found,
            Array.from({ length: width }, () => 0),
          );
    return this.made(this.#at(spread, walk.isRow), size, dtype);
  }

  /** A value for a storage that has time or has none: what is the same at all steps becomes a row, too. */
  #at(value: FlowValue, isRow: boolean): FlowValue {
    if (!isRow || value.domain === 'row') return value;
    return this.flow.make({ kind: 'concat', parts: [value] }, value.width, false);
  }

  concat(parts: readonly ConcatPart[], outer: number): Storage {
    const storages = parts.map(({ storage }) => storage as FlowStorage);
    const { dtype } = storages[0];
    const size = storages.reduce((sum, storage) => sum + storage.size, 0);
    if (storages.every(({ value }) => value === undefined)) {
      const inner = parts.map(({ storage, run }) => ({ storage: this.#innerOf(storage), run }));
      return this.#folded(this.#inner.concat(inner, outer));
    }
    const isRow = storages.some(({ value }) => value?.domain === 'row');
    if (isRow && outer % STEPS !== 0) throw new OverTime('joins sequences along time');
    const pieces: FlowValue[] = [];
    for (let j = 0; j < (isRow ? outer / STEPS : outer); j++) {
      for (const { storage, run } of parts) {
        const { value, number } = storage as FlowStorage;
        if (isRow && value === undefined && number === undefined)
          throw new OverTime('joins the sequence with numbers of its own that change from step to step');
        const all = this.valueOf(storage);
        pieces.push(
          value === undefined && number !== undefined
            ? this.flow.pick(
                all,
                Array.from({ length: run }, () => 0),
              )
            : this.flow.range(all, j * run, run),
        );
      }
    }
    return this.made(this.flow.concat(pieces, !isRow), size, dtype);
  }

  gather(x: Storage, index: Strided, sizes: IndexSizes): Storage {
    const { outer, size, inner, count } = sizes;
    const table = x as FlowStorage;
    const places = index.storage as FlowStorage;
    if (table.value === undefined && places.value === undefined) {
      const at = this.#innerOperand(index) as Strided;
      return this.#folded(this.#inner.gather(this.#innerOf(x), at, sizes));
    }
    const isLine = index.strides[0] === 0 && index.strides[2] === 0;
    if (table.value === undefined && outer === 1 && isLine) {
      const walk = featureSizes([count], STEPS);
      const list = this.#operand({ ...index, strides: [index.strides[1]] }, [count], walk.isRow);
      const rows = this.valueOf(x);
      const parts = Array.from({ length: list.width }, (_, i) =>
        this.flow.make(
          { kind: 'gather', table: rows, rows: size, index: this.flow.range(list, i, 1) },
          inner,
          !walk.isRow,
        ),
      );
      return this.made(this.flow.concat(parts, !walk.isRow), count * inner, x.dtype);
    }
    if (table.value === undefined || places.value !== undefined || !isLine)
      throw new OverTime('picks by an index that changes out of what changes (gather)');
    const isRow = table.value.domain === 'row';
    if (isRow && outer % STEPS !== 0) throw new OverTime('picks steps of the sequence by index');
    const chosen = this.#inner.readSync(this.#innerOf(places));
    const groups = isRow ? outer / STEPS : outer;
    const indices: number[] = [];
    for (let o = 0; o < groups; o++)
      for (let c = 0; c < count; c++)
        for (let i = 0; i < inner; i++)
          indices.push((o * size + chosen[index.offset + c * index.strides[1]]) * inner + i);
    return this.made(this.flow.pick(table.value, indices), outer * count * inner, x.dtype);
  }

  scatterAdd(): Storage {
    throw new OverTime('adds by index (scatterAdd)');
  }

  // --- contracting ----------------------------------------------------------------------------------------------
  reduce(op: ReduceOp, x: Storage, outer: number, size: number, inner: number): Storage {
    const { value } = x as FlowStorage;
    if (value === undefined) return this.#folded(this.#inner.reduce(op, this.#innerOf(x), outer, size, inner));
    const isRow = value.domain === 'row';
    if (isRow && outer % STEPS !== 0) throw new OverTime(`takes the ${op} over time`);
    const groups = isRow ? outer / STEPS : outer;
    const made = this.flow.make({ kind: 'reduce', op, x: value, outer: groups, size, inner }, groups * inner, !isRow);
    return this.made(made, outer * inner, op === 'argmax' ? 'int32' : x.dtype);
  }

  matmul(a: Matrices, b: Matrices, sizes: MatmulSizes): Storage {
    const { batch, m, k, n } = sizes;
    const count = sizeOf(batch);
    const [left, right] = [a.storage as FlowStorage, b.storage as FlowStorage];
    if (left.value === undefined && right.value === undefined) {
      const inner = (side: Matrices): Matrices => ({ ...side, storage: this.#innerOf(side.storage) });
      return this.#folded(this.#inner.matmul(inner(a), inner(b), sizes));
    }
    const fits = (side: Matrices, rows: number): boolean =>
      (!side.transposed || rows === 1 || k === 1) && side.batchStrides.every((stride) => stride !== 0 || count === 1);
    const isFixed = (side: Matrices): boolean => side.batchStrides.every((stride, i) => stride === 0 || batch[i] === 1);
    let [values, rows, matrix]: [FlowValue | undefined, number, Matrix | undefined] = [undefined, 0, undefined];
    if (right.value === undefined && isFixed(b) && fits(a, m)) {
      [values, rows] = [left.value, count * m];
      matrix = b.transposed ? this.matrixOf(right, n, k, true) : this.matrixOf(right, k, n, false);
    } else if (left.value === undefined && isFixed(a) && n === 1) {
      // W x with a column: x W^T.
      [values, rows] = [right.value, count];
      matrix = a.transposed ? this.matrixOf(left, k, m, false) : this.matrixOf(left, m, k, true);
    }
    if (values === undefined || matrix === undefined) throw new OverTime('multiplies matrices that both change');
    const isRow = values.domain === 'row';
    if (isRow && rows % STEPS !== 0) throw new OverTime('multiplies along time');
    const weight = matrix;
    const parts = Array.from({ length: isRow ? rows / STEPS : rows }, (_, i) => {
      const x = this.flow.range(values, i * weight.k, weight.k);
      return this.flow.make({ kind: 'matmul', x, weight, init: undefined }, weight.n, !isRow);
    });
    return this.made(this.flow.concat(parts, !isRow), count * m * n, left.dtype);
  }

  compile(program: Program): CompiledProgram {
    return { run: (args) => inlineProgram(this, program, args) };
  }
}

function isVariable(...operands: readonly Operand[]): boolean {
  return operands.some((x) => typeof x === 'object' && (x.storage as FlowStorage).value !== undefined);
}

function uniformOf(operand: Operand): number | undefined {
  return typeof operand === 'number' ? operand : (operand.storage as FlowStorage).number;
}

function checkFloat(dtype: DType): void {
  if (dtype === 'int32') throw new OverTime('computes with whole numbers that depend on the input');
}
