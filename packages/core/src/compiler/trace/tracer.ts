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
import { SymbolicBackend } from './symbolic-backend.js';
import { TraceConstants } from './constants.js';
import { TraceProducts } from './products.js';
import { holding, TraceRows, type TraceStorage } from './rows.js';

export class Tracer extends SymbolicBackend {
  private readonly graph: Graph;
  private readonly rows: TraceRows;
  private readonly constants: TraceConstants;
  private readonly products: TraceProducts;

  /**
   * @param graph - where the primitives write
   * @param rows - the placeholder for the batch: a large prime, or 1 for single vectors
   * @param real - the backend for which the trace is made; its types are ours
   */
  constructor(graph: Graph, rows: number, real: Backend) {
    super(real);
    this.graph = graph;
    this.rows = new TraceRows(graph, rows);
    this.constants = new TraceConstants(graph);
    this.products = new TraceProducts(graph, this.rows, this.constants);
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
    return this.products.totalOf(storage);
  }

  isZero(storage: Storage): boolean {
    const { operation } = (storage as TraceStorage).value;
    return operation.kind === 'number' && operation.value === 0;
  }

  fill(value: number, size: number, dtype: DType): Storage {
    return holding(this.graph.number(value, dtype), size);
  }

  // --- elementwise
  // ----------------------------------------------------------------------------------------------
  unary(op: UnaryOp, x: Storage): Storage {
    const storage = x as TraceStorage;
    this.checkFloat(x.dtype);
    if (this.rows.isSpread(storage)) return this.storageOf(this.graph.unary(op, this.rows.rowOf(storage)));
    return this.constants.primitive(`${op} ${this.constants.name(x)}`, x.size, x.dtype, [x], (backend, [s]) =>
      backend.unary(op, s),
    );
  }

  binary(op: BinaryOp, a: Operand, b: Operand, sizes: readonly number[]): Storage {
    const dtype = typeof a === 'object' ? a.storage.dtype : (b as Strided).storage.dtype;
    this.checkFloat(dtype);
    const size = sizeOf(sizes);
    if (!this.rows.hasRows([a, b], size)) {
      return this.constants.elementwise(op, [a, b], sizes, dtype, (backend, [x, y]) => backend.binary(op, x, y, sizes));
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
      return this.constants.elementwise('select', [condition, a, b], sizes, dtype, (backend, [c, x, y]) =>
        backend.select(c as Strided, x, y, sizes, dtype),
      );
    }
    const test = this.rows.argument(condition, sizes);
    const [x, y] = [this.rows.argument(a, sizes), this.rows.argument(b, sizes)];
    const mark = typeof test === 'number' ? this.graph.fill(test, size / this.rows.count, dtype) : test;
    return this.storageOf(this.graph.select(mark, x, y, size / this.rows.count, dtype));
  }

  // --- moving data
  // ----------------------------------------------------------------------------------------------
  copy(x: Strided, sizes: readonly number[], dtype: DType): Storage {
    const { value } = x.storage as TraceStorage;
    const size = sizeOf(sizes);
    if (x.storage.dtype !== dtype) throw new TraceError(`the step converts ${x.storage.dtype} to ${dtype}`);
    if (value.operation.kind === 'number') return holding(value, size);
    if (!this.rows.hasRows([x], size)) {
      const { offset, strides } = x;
      const key = `copy ${value.id} ${offset} [${sizes.join()}] [${strides.join()}]`;
      return this.constants.primitive(key, size, dtype, [x.storage], (backend, [storage]) =>
        backend.copy({ storage, offset, strides }, sizes, dtype),
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
      const key = `concat ${parts.map(({ storage, run }) => `${this.constants.name(storage)}*${run}`).join()} ${outer}`;
      const runs = parts.map(({ run }) => run);
      return this.constants.primitive(key, size, dtype, storages, (backend, list) =>
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

  // --- contracting
  // ----------------------------------------------------------------------------------------------
  reduce(op: ReduceOp, x: Storage, outer: number, size: number, inner: number): Storage {
    const storage = x as TraceStorage;
    this.checkReduce(op);
    this.checkFloat(x.dtype);
    if (!this.rows.isSpread(storage)) {
      const key = `${op} ${this.constants.name(storage)} over ${outer} ${size} ${inner}`;
      return this.constants.primitive(key, outer * inner, x.dtype, [x], (backend, [s]) =>
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
    this.checkFloat(a.storage.dtype);
    return this.products.matmul(a, b, sizes);
  }

  private checkFloat(dtype: DType): void {
    if (dtype === 'int32') throw new TraceError('the step computes with int32');
  }
}
