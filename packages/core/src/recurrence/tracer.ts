/**
 * A backend that computes nothing: its storages stand for values of a graph, and its primitives add to it. A step that is called on
 * tensors that live here leaves behind what it would have computed; the derivative, which core's autograd takes of it here, likewise.
 *
 * The batch is a placeholder: `rows` is a prime so large that no number of features is a multiple of it, so a walk over rows can be
 * told from a walk over features, and one trace serves all batch sizes. A step on single vectors has `rows` 1, and then every walk over
 * something that changes from step to step is one over features.
 */
import type {
  Backend,
  BackendInfo,
  BinaryOp,
  ConcatPart,
  Matrices,
  MatmulSizes,
  Operand,
  ReduceOp,
  Storage,
  Strided,
  UnaryOp,
} from '../backend.js';
import type { DType, TypedArray } from '../dtype.js';
import { BackendError, TraceError } from '../errors.js';
import { sizeOf } from '../shape.js';
import type { Argument, Graph, Value } from './graph.js';

/** A storage that stands for a value: a row value has `rows * width` elements; so has a fixed value that was spread over the rows. */
interface TraceStorage extends Storage {
  readonly value: Value;
}

/** The features of one row that a walk visits. */
interface FeatureWalk {
  readonly offset: number;
  readonly sizes: readonly number[];
  readonly strides: readonly number[];
}

export class Tracer implements Backend {
  readonly info: BackendInfo;
  private readonly graph: Graph;
  private readonly rows: number;
  /** Outer products of single vectors and what they are made of: summed over steps, each is one product. */
  private readonly outers = new Map<Value, readonly [Value, Value]>();

  /**
   * @param graph - where the primitives write
   * @param rows - the placeholder for the batch: a large prime, or 1 for single vectors
   * @param real - the backend for which the trace is made; its types are ours
   */
  constructor(graph: Graph, rows: number, real: Backend) {
    this.graph = graph;
    this.rows = rows;
    this.info = { ...real.info, name: 'trace', device: 'none: records operations', synchronous: true };
  }

  /** A storage for a value of the graph. */
  storageOf(value: Value): Storage {
    return this.holds(value, value.domain === 'row' ? this.rows * value.width : value.width);
  }

  /** A result of the step, as a row value. */
  rowValueOf(storage: Storage): Value {
    const held = storage as TraceStorage;
    if (held.value.domain === 'total') throw new TraceError('the step returns a sum over the batch');
    return this.rowOf(held);
  }

  /** The gradient of something fixed, as a total. */
  totalOf(storage: Storage): Value {
    const { value } = storage as TraceStorage;
    if (value.domain === 'total') return value;
    if (value.domain === 'fixed') throw new TraceError('a gradient does not depend on the rows');
    const factors = this.outers.get(value);
    return factors === undefined ? this.graph.sumRows(value) : this.graph.productRows(...factors);
  }

  isZero(storage: Storage): boolean {
    const { operation } = (storage as TraceStorage).value;
    return operation.kind === 'number' && operation.value === 0;
  }

  private holds(value: Value, size: number): TraceStorage {
    return { dtype: value.dtype, size, value };
  }

  // --- memory ---------------------------------------------------------------------------------------------------
  upload(values: TypedArray): Storage {
    if (values.length === 1) return this.fill(values[0], 1, values instanceof Int32Array ? 'int32' : 'float32');
    throw new TraceError('the step makes a tensor out of numbers; make it outside and let the step use it');
  }

  fill(value: number, size: number, dtype: DType): Storage {
    return this.holds(this.graph.number(value, dtype), size);
  }

  read(): Promise<TypedArray> {
    return Promise.reject(this.refusal());
  }

  readSync(): TypedArray {
    throw this.refusal();
  }

  private refusal(): TraceError {
    return new TraceError('the step reads numbers (data, item, toArray), so what it does may depend on them');
  }

  release(): void {}

  memory(): { storages: number; bytes: number } {
    return { storages: 0, bytes: 0 };
  }

  dispose(): void {
    throw new BackendError('the tracing backend cannot be disposed of');
  }

  // --- elementwise ----------------------------------------------------------------------------------------------
  unary(op: UnaryOp, x: Storage): Storage {
    const storage = x as TraceStorage;
    this.checkFloat(x.dtype);
    if (this.isSpread(storage)) return this.storageOf(this.graph.unary(op, this.rowOf(storage)));
    return this.primitive(`${op} ${this.name(x)}`, x.size, x.dtype, [x], (backend, [s]) => backend.unary(op, s));
  }

  binary(op: BinaryOp, a: Operand, b: Operand, sizes: readonly number[]): Storage {
    const dtype = typeof a === 'object' ? a.storage.dtype : (b as Strided).storage.dtype;
    this.checkFloat(dtype);
    const size = sizeOf(sizes);
    if (!this.hasRows([a, b], size)) {
      return this.fixedCall(op, [a, b], sizes, dtype, (backend, [x, y]) => backend.binary(op, x, y, sizes));
    }
    const width = size / this.rows;
    const [x, y] = [this.argument(a, sizes), this.argument(b, sizes)];
    // Two constants that were spread over the rows are rows like any other.
    const first = typeof x === 'number' && typeof y === 'number' ? this.graph.fill(x, width, dtype) : x;
    return this.storageOf(this.graph.binary(op, first, y, width, dtype));
  }

  select(condition: Strided, a: Operand, b: Operand, sizes: readonly number[], dtype: DType): Storage {
    this.checkFloat(dtype);
    this.checkFloat(condition.storage.dtype);
    const size = sizeOf(sizes);
    if (!this.hasRows([condition, a, b], size)) {
      return this.fixedCall('select', [condition, a, b], sizes, dtype, (backend, [c, x, y]) =>
        backend.select(c as Strided, x, y, sizes, dtype),
      );
    }
    const test = this.argument(condition, sizes);
    const [x, y] = [this.argument(a, sizes), this.argument(b, sizes)];
    const mark = typeof test === 'number' ? this.graph.fill(test, size / this.rows, dtype) : test;
    return this.storageOf(this.graph.select(mark, x, y, size / this.rows, dtype));
  }

  // --- moving data ----------------------------------------------------------------------------------------------
  copy(x: Strided, sizes: readonly number[], dtype: DType): Storage {
    const { value } = x.storage as TraceStorage;
    const size = sizeOf(sizes);
    if (x.storage.dtype !== dtype) throw new TraceError(`the step converts ${x.storage.dtype} to ${dtype}`);
    if (value.operation.kind === 'number') return this.holds(value, size);
    if (!this.hasRows([x], size)) {
      const { offset, strides } = x;
      const key = `copy ${value.id} ${offset} [${sizes.join()}] [${strides.join()}]`;
      return this.primitive(key, size, dtype, [x.storage], (backend, [storage]) =>
        backend.copy({ storage, offset, strides }, sizes, dtype),
      );
    }
    const { offset, ...walk } = this.features(x, sizes);
    return this.storageOf(this.graph.copy(value, offset, walk.sizes, walk.strides));
  }

  concat(parts: readonly ConcatPart[], outer: number): Storage {
    const { dtype } = parts[0].storage;
    const size = parts.reduce((sum, part) => sum + part.run, 0) * outer;
    const storages = parts.map(({ storage }) => storage as TraceStorage);
    if (!storages.some((storage) => this.isSpread(storage))) {
      const key = `concat ${parts.map(({ storage, run }) => `${this.name(storage)}*${run}`).join()} ${outer}`;
      const runs = parts.map(({ run }) => run);
      return this.primitive(key, size, dtype, storages, (backend, list) =>
        backend.concat(
          list.map((storage, i) => ({ storage, run: runs[i] })),
          outer,
        ),
      );
    }
    this.checkFloat(dtype);
    if (outer % this.rows !== 0) throw new TraceError('the step joins tensors along the batch');
    // Runs inside a row: piece j of every part in turn.
    const pieces: Value[] = [];
    for (let j = 0; j < outer / this.rows; j++) {
      for (const { storage, run } of parts) pieces.push(this.rangeOf(storage as TraceStorage, j * run, run));
    }
    return this.storageOf(this.graph.concat(pieces));
  }

  /** Features `[from, from + run)` of a row, also where the row is the same for all. */
  private rangeOf({ value }: TraceStorage, from: number, run: number): Value {
    if (value.operation.kind === 'number') return this.graph.fill(value.operation.value, run, value.dtype);
    return this.graph.copy(value, from, [run], [1]);
  }

  gather(): Storage {
    throw new TraceError('the step picks by index (gather, indexSelect)');
  }

  scatterAdd(): Storage {
    throw new TraceError('the step adds by index (scatterAdd)');
  }

  // --- contracting ----------------------------------------------------------------------------------------------
  reduce(op: ReduceOp, x: Storage, outer: number, size: number, inner: number): Storage {
    const storage = x as TraceStorage;
    if (op === 'argmax') throw new TraceError('the step looks for a position (argmax, max with indices)');
    this.checkFloat(x.dtype);
    if (!this.isSpread(storage)) {
      const key = `${op} ${this.name(storage)} over ${outer} ${size} ${inner}`;
      return this.primitive(key, outer * inner, x.dtype, [x], (backend, [s]) =>
        backend.reduce(op, s, outer, size, inner),
      );
    }
    if (this.rows === 1 || outer % this.rows === 0) {
      return this.storageOf(this.graph.reduce(op, this.rowOf(storage), outer / this.rows, size, inner));
    }
    if (op !== 'sum' || outer !== 1 || size % this.rows !== 0)
      throw new TraceError(`the step takes the ${op} over the batch`);
    const row = this.rowOf(storage);
    const features = size / this.rows;
    return this.storageOf(this.graph.sumRows(features === 1 ? row : this.graph.reduce('sum', row, 1, features, inner)));
  }

  matmul(a: Matrices, b: Matrices, sizes: MatmulSizes): Storage {
    const { m, k, n } = sizes;
    const left = a.storage as TraceStorage;
    const right = b.storage as TraceStorage;
    const batch = sizeOf(sizes.batch);
    this.checkFloat(left.dtype);
    const [variesLeft, variesRight] = [this.isSpread(left), this.isSpread(right)];
    if (!variesLeft && !variesRight) {
      const key = `matmul ${this.name(left)}${a.transposed ? '^T' : ''} ${this.name(right)}${b.transposed ? '^T' : ''} ${batch} ${m} ${k} ${n} [${a.batchStrides.join()}] [${b.batchStrides.join()}]`;
      return this.primitive(key, batch * m * n, left.dtype, [left, right], (backend, [x, y]) =>
        backend.matmul({ ...a, storage: x }, { ...b, storage: y }, sizes),
      );
    }
    if (variesLeft && !variesRight && batch === 1 && m === this.rows && (!a.transposed || this.rows === 1)) {
      return this.product(left, right, b.transposed, n);
    }
    if (
      variesRight &&
      !variesLeft &&
      n === 1 &&
      (this.rows === 1 ? batch === 1 : batch === this.rows && m * k === left.value.width)
    ) {
      // A matrix times a column is the row times the transpose.
      return this.product(right, left, !a.transposed, m);
    }
    if (variesLeft && variesRight && batch === 1) {
      if (this.rows > 1 && k === this.rows && a.transposed && !b.transposed) {
        return this.storageOf(this.graph.productRows(this.rowOf(left), this.rowOf(right)));
      }
      if (this.rows === 1 && k === 1) return this.outer(left, right, m, n);
    }
    throw new TraceError('the step multiplies two matrices that both change from step to step');
  }

  private product(x: TraceStorage, weight: TraceStorage, transposed: boolean, width: number): Storage {
    if (weight.value.operation.kind === 'number') throw new TraceError('the step multiplies by a matrix of constants');
    return this.storageOf(this.productOf(this.rowOf(x), weight.value, transposed, width));
  }

  /**
   * `[x, h] W` is `x Wx + h Wh`: where only a part of a concatenation is carried, the product with the rest is done before the loop.
   */
  private productOf(x: Value, weight: Value, transposed: boolean, width: number): Value {
    const { operation } = x;
    if (operation.kind !== 'concat' || operation.parts.every((part) => part.carried === x.carried)) {
      return this.graph.matmul(x, weight, transposed, width);
    }
    const { dtype } = x;
    let from = 0;
    const products = operation.parts.map((part) => {
      const [offset, sizes, strides] = transposed
        ? [from, [width, part.width], [x.width, 1]]
        : [from * width, [part.width * width], [1]];
      const key = `copy ${weight.id} ${offset} [${sizes.join()}] [${strides.join()}] fixed`;
      const share = this.graph.primitive('fixed', part.width * width, dtype, key, [weight], (backend, [storage]) =>
        backend.copy({ storage, offset, strides }, sizes, dtype),
      );
      from += part.width;
      return this.graph.matmul(part, share, transposed, width);
    });
    // The carried ones last, so that each starts from what is known before the loop.
    return products
      .sort((a, b) => Number(a.carried) - Number(b.carried))
      .reduce((sum, term) => this.graph.binary('add', term, sum, width, dtype));
  }

  /** The outer product of two vectors, as a row of m * n features. */
  private outer(left: TraceStorage, right: TraceStorage, m: number, n: number): Storage {
    const spread = (storage: TraceStorage, strides: readonly number[]): Value =>
      m * n === storage.value.width ? this.rowOf(storage) : this.graph.copy(this.rowOf(storage), 0, [m, n], strides);
    const value = this.graph.binary('mul', spread(left, [1, 0]), spread(right, [0, 1]), m * n, left.dtype);
    this.outers.set(value, [this.rowOf(left), this.rowOf(right)]);
    return this.storageOf(value);
  }

  // --- telling rows from features -------------------------------------------------------------------------------
  /** Whether a storage has elements for each row. */
  private isSpread({ value, size }: TraceStorage): boolean {
    if (value.domain === 'row') return true;
    return this.rows > 1 && value.domain === 'fixed' && size % this.rows === 0;
  }

  private hasRows(operands: readonly Operand[], size: number): boolean {
    const storages = operands.flatMap((x) => (typeof x === 'object' ? [x.storage as TraceStorage] : []));
    if (storages.some(({ value }) => value.domain === 'row') || (this.rows > 1 && size % this.rows === 0)) {
      const total = storages.find(({ value }) => value.domain === 'total');
      if (total !== undefined) throw new TraceError('the step mixes a sum over the batch with its rows');
      if (size % this.rows !== 0) throw new TraceError('the step mixes rows of the batch');
      return true;
    }
    return false;
  }

  /** A spread storage as a row value. */
  private rowOf(storage: TraceStorage): Value {
    const { value, size } = storage;
    return value.domain === 'row' ? value : this.rangeOf(storage, 0, size / this.rows);
  }

  /** An operand of a row-wise operation: a value whose features are those of the result (or a single one), or a number. */
  private argument(operand: Operand, sizes: readonly number[]): Argument {
    if (typeof operand === 'number') return operand;
    const { value } = operand.storage as TraceStorage;
    if (value.operation.kind === 'number') return value.operation.value;
    const width = sizeOf(sizes) / this.rows;
    const { offset, ...walk } = this.features(operand, sizes);
    if (value.width === 1 && walk.strides.every((stride, i) => stride === 0 || walk.sizes[i] === 1)) return value;
    let dense = 1;
    let straight = offset === 0 && value.width === width;
    for (let i = walk.sizes.length - 1; i >= 0; i--) {
      straight &&= walk.strides[i] === dense || walk.sizes[i] === 1;
      dense *= walk.sizes[i];
    }
    return straight ? value : this.graph.copy(value, offset, walk.sizes, walk.strides);
  }

  /** The part of a walk that lies inside one row. Refuses a walk that takes the rows out of order. */
  private features({ storage, offset, strides }: Strided, sizes: readonly number[]): FeatureWalk {
    const { rows } = this;
    if (rows === 1) return { offset, sizes, strides };
    const { value, size } = storage as TraceStorage;
    const each = sizes[0] / rows; // features in the first merged dimension
    const expected = this.isSpread(storage as TraceStorage) ? size / rows : 0;
    if (!Number.isInteger(each) || strides[0] * each !== expected || offset < 0 || offset >= value.width) {
      throw new TraceError('the step moves rows of the batch, or mixes them');
    }
    return each === 1
      ? sizes.length === 1
        ? { offset, sizes: [1], strides: [0] }
        : { offset, sizes: sizes.slice(1), strides: strides.slice(1) }
      : { offset, sizes: [each, ...sizes.slice(1)], strides };
  }

  // --- fixed values and totals ----------------------------------------------------------------------------------
  private name(storage: Storage): string {
    const { value, size } = storage as TraceStorage;
    return value.operation.kind === 'number' ? `${value.id}(${size})` : String(value.id);
  }

  /** A call of a primitive on values that are the same for all rows, or are sums over them: done once a run. */
  private primitive(
    key: string,
    size: number,
    dtype: DType,
    storages: readonly Storage[],
    call: (backend: Backend, storages: readonly Storage[]) => Storage,
  ): Storage {
    const values = storages.map((storage) => (storage as TraceStorage).value);
    const domain = values.some((value) => value.domain === 'total') ? 'total' : 'fixed';
    const sizes = storages.map((storage) => storage.size);
    // A number has the size that this use of it needs.
    const value = this.graph.primitive(domain, size, dtype, `${key} ${domain}`, values, (backend, inputs) => {
      const made: Storage[] = [];
      const real = inputs.map((input, i) => {
        if (input.size === sizes[i]) return input;
        const { operation } = values[i];
        const filled = backend.fill(operation.kind === 'number' ? operation.value : NaN, sizes[i], dtype);
        made.push(filled);
        return filled;
      });
      const result = call(backend, real);
      for (const storage of made) backend.release(storage);
      return result;
    });
    return this.holds(value, size);
  }

  private fixedCall(
    op: string,
    operands: readonly Operand[],
    sizes: readonly number[],
    dtype: DType,
    call: (backend: Backend, operands: readonly Operand[]) => Storage,
  ): Storage {
    const storages: Storage[] = [];
    const places = operands.map((operand) => (typeof operand === 'object' ? storages.push(operand.storage) - 1 : -1));
    const words = operands.map((x) =>
      typeof x === 'number' ? `(${x})` : `${this.name(x.storage)}+${x.offset}[${x.strides.join()}]`,
    );
    return this.primitive(
      `${op} ${words.join(' ')} : [${sizes.join()}]`,
      sizeOf(sizes),
      dtype,
      storages,
      (backend, real) =>
        call(
          backend,
          operands.map((x, i) => (typeof x === 'number' ? x : { ...x, storage: real[places[i]] })),
        ),
    );
  }

  private checkFloat(dtype: DType): void {
    if (dtype === 'int32') throw new TraceError('the step computes with int32');
  }
}
