/**
 * A backend that computes nothing: its storages stand for values of a graph, and its primitives add
 * to it. A step that is called on tensors that live here leaves behind what it would have computed;
 * the derivative, which core's autograd takes of it here, likewise.
 *
 * The batch is a placeholder: `rows` is a prime so large that no number of features is a multiple
 * of it, so a walk over rows can be told from a walk over features, and one trace serves all batch
 * sizes. A step on single vectors has `rows` 1, and then every walk over something that changes
 * from step to step is one over features.
 */
import type {
  Backend,
  BinaryOp,
  ConcatPart,
  Matrices,
  MatmulSizes,
  Operand,
  ReduceOp,
  Storage,
  Strided,
  UnaryOp,
} from '../../backend.js';
import type { DType } from '../../dtype.js';
import { TraceError } from '../../errors.js';
import { sizeOf } from '../../shape.js';
import type { Graph, Value } from '../ir/graph.js';
import { SymbolicBackend } from './recorder.js';
import { holding, TraceRows, type TraceStorage } from './rows.js';

export class Tracer extends SymbolicBackend implements Backend {
  private readonly graph: Graph;
  private readonly rows: TraceRows;

  /**
   * @param graph - where the primitives write
   * @param rows - the placeholder for the batch: a large prime, or 1 for single vectors
   * @param real - the backend for which the trace is made; its types are ours
   */
  constructor(graph: Graph, rows: number, real: Backend) {
    super(real);
    this.graph = graph;
    this.rows = new TraceRows(graph, rows);
  }

  /** A storage for a value of the graph. */
  storageOf(value: Value): Storage {
    return this.rows.storageOf(value);
  }

  /** A result of the step, as a row value. */
  rowValueOf(storage: Storage): Value {
    const held = storage as TraceStorage;
    if (held.value.domain === 'reduced') throw new TraceError('the step returns a sum over the batch');
    return this.rows.rowOf(held);
  }

  /** The gradient of a constant, as a sum over the batch. */
  totalOf(storage: Storage): Value {
    const { value } = storage as TraceStorage;
    if (value.domain === 'reduced') return value;
    if (value.domain === 'constant') throw new TraceError('a gradient does not depend on the rows');
    return this.graph.sumRows(value);
  }

  isZero(storage: Storage): boolean {
    const { operation } = (storage as TraceStorage).value;
    return operation.kind === 'number' && operation.value === 0;
  }

  fill(value: number, size: number, dtype: DType): Storage {
    return holding(this.graph.number(value, dtype), size);
  }

  unary(op: UnaryOp, x: Storage): Storage {
    const storage = x as TraceStorage;
    this.checkFloat(x.dtype);
    if (this.rows.isSpread(storage)) return this.storageOf(this.graph.unary(op, this.rows.rowOf(storage)));
    return this.primitive(`${op} ${this.name(x)}`, x.size, x.dtype, [x], (backend, [s]) => backend.unary(op, s));
  }

  binary(op: BinaryOp, a: Operand, b: Operand, sizes: readonly number[]): Storage {
    const dtype = typeof a === 'object' ? a.storage.dtype : (b as Strided).storage.dtype;
    this.checkFloat(dtype);
    const size = sizeOf(sizes);
    if (!this.rows.hasRows([a, b], size)) {
      return this.elementwise(op, [a, b], sizes, dtype, (backend, [x, y]) => backend.binary(op, x, y, sizes));
    }
    const width = size / this.rows.count;
    const [x, y] = [this.rows.argument(a, sizes), this.rows.argument(b, sizes)];
    // Two constants that were spread over the rows are rows like any other.
    const first = typeof x === 'number' && typeof y === 'number' ? this.graph.fill(x, width, dtype) : x;
    return this.storageOf(this.graph.binary(op, first, y, width, dtype));
  }

  select(condition: Strided, a: Operand, b: Operand, sizes: readonly number[], dtype: DType): Storage {
    this.checkFloat(dtype);
    this.checkFloat(condition.storage.dtype);
    const size = sizeOf(sizes);
    if (!this.rows.hasRows([condition, a, b], size)) {
      return this.elementwise('select', [condition, a, b], sizes, dtype, (backend, [c, x, y]) =>
        backend.select(c as Strided, x, y, sizes, dtype),
      );
    }
    const test = this.rows.argument(condition, sizes);
    const [x, y] = [this.rows.argument(a, sizes), this.rows.argument(b, sizes)];
    const mark = typeof test === 'number' ? this.graph.fill(test, size / this.rows.count, dtype) : test;
    return this.storageOf(this.graph.select(mark, x, y, size / this.rows.count, dtype));
  }

  copy(x: Strided, sizes: readonly number[], dtype: DType): Storage {
    const { value } = x.storage as TraceStorage;
    const size = sizeOf(sizes);
    this.checkCopy(x, dtype);
    if (value.operation.kind === 'number') return holding(value, size);
    if (!this.rows.hasRows([x], size)) {
      return this.elementwise('copy', [x], sizes, dtype, (backend, [real]) =>
        backend.copy(real as Strided, sizes, dtype),
      );
    }
    const { offset, ...walk } = this.rows.features(x, sizes);
    return this.storageOf(this.graph.copy(value, offset, walk.sizes, walk.strides));
  }

  concat(parts: readonly ConcatPart[], outer: number): Storage {
    const { dtype } = parts[0].storage;
    const size = parts.reduce((sum, part) => sum + part.run, 0) * outer;
    const storages = parts.map(({ storage }) => storage as TraceStorage);
    if (!storages.some((storage) => this.rows.isSpread(storage))) {
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
    if (outer % this.rows.count !== 0) throw new TraceError('the step joins tensors along the batch');
    // Runs inside a row: piece j of every part in turn.
    const pieces: Value[] = [];
    for (let j = 0; j < outer / this.rows.count; j++) {
      for (const { storage, run } of parts) pieces.push(this.rows.rangeOf(storage as TraceStorage, j * run, run));
    }
    return this.storageOf(this.graph.concat(pieces));
  }

  reduce(op: ReduceOp, x: Storage, outer: number, size: number, inner: number): Storage {
    const storage = x as TraceStorage;
    this.checkReduce(op);
    this.checkFloat(x.dtype);
    if (!this.rows.isSpread(storage)) {
      const key = `${op} ${this.name(storage)} over ${outer} ${size} ${inner}`;
      return this.primitive(key, outer * inner, x.dtype, [x], (backend, [s]) =>
        backend.reduce(op, s, outer, size, inner),
      );
    }
    if (this.rows.count === 1 || outer % this.rows.count === 0) {
      return this.storageOf(this.graph.reduce(op, this.rows.rowOf(storage), outer / this.rows.count, size, inner));
    }
    if (op !== 'sum' || outer !== 1 || size % this.rows.count !== 0)
      throw new TraceError(`the step takes the ${op} over the batch`);
    const row = this.rows.rowOf(storage);
    const features = size / this.rows.count;
    return this.storageOf(this.graph.sumRows(features === 1 ? row : this.graph.reduce('sum', row, 1, features, inner)));
  }

  matmul(a: Matrices, b: Matrices, sizes: MatmulSizes): Storage {
    const { dtype } = a.storage;
    this.checkFloat(dtype);
    if (this.rows.isSpread(a.storage as TraceStorage) || this.rows.isSpread(b.storage as TraceStorage))
      return this.rows.matmul(a, b, sizes);
    const { batch, m, k, n } = sizes;
    const size = sizeOf(batch) * m * n;
    const side = ({ storage, transposed, batchStrides }: Matrices): string =>
      `${this.name(storage)}${transposed ? '^T' : ''} [${batchStrides.join()}]`;
    const key = `matmul ${side(a)} ${side(b)} [${batch.join()}] ${m} ${k} ${n}`;
    return this.primitive(key, size, dtype, [a.storage, b.storage], (backend, [x, y]) =>
      backend.matmul({ ...a, storage: x }, { ...b, storage: y }, sizes),
    );
  }

  private checkFloat(dtype: DType): void {
    if (dtype === 'int32') throw new TraceError('the step computes with int32');
  }

  /** What a key says of a storage: a number has the size that this use of it needs. */
  private name(storage: Storage): string {
    const { value, size } = storage as TraceStorage;
    return value.operation.kind === 'number' ? `${value.id}(${size})` : String(value.id);
  }

  /**
   * A call of a primitive on values that are the same for all rows, or are sums over them: repeated
   * once a run, on real storages.
   */
  private primitive(
    key: string,
    size: number,
    dtype: DType,
    storages: readonly Storage[],
    call: (backend: Backend, storages: readonly Storage[]) => Storage,
  ): Storage {
    const values = storages.map((storage) => (storage as TraceStorage).value);
    const domain = values.some((value) => value.domain === 'reduced') ? 'reduced' : 'constant';
    const sizes = storages.map((storage) => storage.size);
    const value = this.graph.primitive(domain, size, dtype, key, values, (backend, inputs) => {
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
    return holding(value, size);
  }

  /** The same for a primitive that walks strided operands. */
  private elementwise(
    op: string,
    operands: readonly Operand[],
    sizes: readonly number[],
    dtype: DType,
    call: (backend: Backend, operands: readonly Operand[]) => Storage,
  ): Storage {
    const words = operands.map((x) =>
      typeof x === 'number' ? `(${x})` : `${this.name(x.storage)}+${x.offset}[${x.strides.join()}]`,
    );
    const key = `${op} ${words.join(' ')} : [${sizes.join()}]`;
    const storages = operands.flatMap((x) => (typeof x === 'number' ? [] : [x.storage]));
    return this.primitive(key, sizeOf(sizes), dtype, storages, (backend, real) => {
      let next = 0;
      return call(
        backend,
        operands.map((x) => (typeof x === 'number' ? x : { ...x, storage: real[next++] })),
      );
    });
  }
}
