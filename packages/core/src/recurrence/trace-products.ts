/** Matrix products of a traced step: rows by a fixed matrix, sums over rows of outer products, and products of fixed matrices. */
import type { Matrices, MatmulSizes, Storage } from '../backend.js';
import { TraceError } from '../errors.js';
import { sizeOf } from '../shape.js';
import type { Graph, Value } from './graph.js';
import type { TraceFixed } from './trace-fixed.js';
import type { TraceRows, TraceStorage } from './trace-rows.js';

export class TraceProducts {
  private readonly graph: Graph;
  private readonly rows: TraceRows;
  private readonly fixed: TraceFixed;
  /** Outer products of single vectors and what they are made of: summed over steps, each is one product. */
  private readonly outers = new Map<Value, readonly [Value, Value]>();

  constructor(graph: Graph, rows: TraceRows, fixed: TraceFixed) {
    this.graph = graph;
    this.rows = rows;
    this.fixed = fixed;
  }

  /** The gradient of something fixed, as a total. */
  totalOf(storage: Storage): Value {
    const { value } = storage as TraceStorage;
    if (value.domain === 'total') return value;
    if (value.domain === 'fixed') throw new TraceError('a gradient does not depend on the rows');
    const factors = this.outers.get(value);
    return factors === undefined ? this.graph.sumRows(value) : this.graph.productRows(...factors);
  }

  matmul(a: Matrices, b: Matrices, sizes: MatmulSizes): Storage {
    const { m, k, n } = sizes;
    const left = a.storage as TraceStorage;
    const right = b.storage as TraceStorage;
    const batch = sizeOf(sizes.batch);
    const [variesLeft, variesRight] = [this.rows.isSpread(left), this.rows.isSpread(right)];
    if (!variesLeft && !variesRight) {
      const key = `matmul ${this.fixed.name(left)}${a.transposed ? '^T' : ''} ${this.fixed.name(right)}${b.transposed ? '^T' : ''} ${batch} ${m} ${k} ${n} [${a.batchStrides.join()}] [${b.batchStrides.join()}]`;
      return this.fixed.primitive(key, batch * m * n, left.dtype, [left, right], (backend, [x, y]) =>
        backend.matmul({ ...a, storage: x }, { ...b, storage: y }, sizes),
      );
    }
    if (
      variesLeft &&
      !variesRight &&
      batch === 1 &&
      m === this.rows.count &&
      (!a.transposed || this.rows.count === 1)
    ) {
      return this.product(left, right, b.transposed, n);
    }
    if (
      variesRight &&
      !variesLeft &&
      n === 1 &&
      (this.rows.count === 1 ? batch === 1 : batch === this.rows.count && m * k === left.value.width)
    ) {
      // A matrix times a column is the row times the transpose.
      return this.product(right, left, !a.transposed, m);
    }
    if (variesLeft && variesRight && batch === 1) {
      if (this.rows.count > 1 && k === this.rows.count && a.transposed && !b.transposed) {
        return this.rows.storageOf(this.graph.productRows(this.rows.rowOf(left), this.rows.rowOf(right)));
      }
      if (this.rows.count === 1 && k === 1) return this.outer(left, right, m, n);
    }
    throw new TraceError(reasonAgainst(variesLeft, variesRight, batch / this.rows.count));
  }

  private product(x: TraceStorage, weight: TraceStorage, transposed: boolean, width: number): Storage {
    if (weight.value.operation.kind === 'number') throw new TraceError('the step multiplies by a matrix of constants');
    return this.rows.storageOf(this.productOf(this.rows.rowOf(x), weight.value, transposed, width));
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
      m * n === storage.value.width
        ? this.rows.rowOf(storage)
        : this.graph.copy(this.rows.rowOf(storage), 0, [m, n], strides);
    const value = this.graph.binary('mul', spread(left, [1, 0]), spread(right, [0, 1]), m * n, left.dtype);
    this.outers.set(value, [this.rows.rowOf(left), this.rows.rowOf(right)]);
    return this.rows.storageOf(value);
  }
}

/** Why there is no instruction for a product. */
function reasonAgainst(variesLeft: boolean, variesRight: boolean, matrices: number): string {
  if (variesLeft && variesRight) return 'the step multiplies two values that both change from step to step';
  const side = variesLeft ? 'from the right' : 'from the left';
  if (matrices > 1)
    return `the step multiplies by several fixed matrices at once (heads, block-diagonal weights) ${side}`;
  return `the step multiplies a matrix for each row by a fixed one ${side}; a program has rows only`;
}
