/**
 * Matrix products of a traced step: rows by a constant matrix, matrices of a row, sums over rows,
 * and products of constant matrices.
 */
import type { Matrices, MatmulSizes, Storage } from '../../backend.js';
import { TraceError } from '../../errors.js';
import type { BlockSizes } from '../../instruction.js';
import { mergeDims, sizeOf } from '../../shape.js';
import type { Graph, Value } from '../ir/graph.js';
import type { TraceConstants } from './constants.js';
import type { FeatureWalk, TraceRows, TraceStorage } from './rows.js';

/** A product as one row of the batch sees it. */
interface RowProduct extends BlockSizes {
  readonly a: Value;
  readonly b: Value;
}

export class TraceProducts {
  private readonly graph: Graph;
  private readonly rows: TraceRows;
  private readonly constants: TraceConstants;

  constructor(graph: Graph, rows: TraceRows, constants: TraceConstants) {
    this.graph = graph;
    this.rows = rows;
    this.constants = constants;
  }

  /** The gradient of a constant, as a sum over the batch. */
  totalOf(storage: Storage): Value {
    const { value } = storage as TraceStorage;
    if (value.domain === 'reduced') return value;
    if (value.domain === 'constant') throw new TraceError('a gradient does not depend on the rows');
    return this.graph.sumRows(value);
  }

  matmul(a: Matrices, b: Matrices, sizes: MatmulSizes): Storage {
    const { m, k, n } = sizes;
    const { count } = this.rows;
    const left = a.storage as TraceStorage;
    const right = b.storage as TraceStorage;
    const batch = sizeOf(sizes.batch);
    const [variesLeft, variesRight] = [this.rows.isSpread(left), this.rows.isSpread(right)];
    if (!variesLeft && !variesRight) {
      const key = `matmul ${this.constants.name(left)}${a.transposed ? '^T' : ''} ${this.constants.name(right)}${b.transposed ? '^T' : ''} ${batch} ${m} ${k} ${n} [${a.batchStrides.join()}] [${b.batchStrides.join()}]`;
      return this.constants.primitive(key, batch * m * n, left.dtype, [left, right], (backend, [x, y]) =>
        backend.matmul({ ...a, storage: x }, { ...b, storage: y }, sizes),
      );
    }
    if (left.value.domain === 'reduced' || right.value.domain === 'reduced')
      throw new TraceError('the step multiplies by a sum over the batch');
    const alongA = (size: number): readonly [number, number] => (a.transposed ? [1, size] : [k, 1]);
    const alongB = (size: number): readonly [number, number] => (b.transposed ? [1, size] : [n, 1]);
    // The rows of the batch are matrices of their own ...
    if (count === 1 || batch % count === 0) {
      const [walkA, walkB] = [this.blocksOf(a, sizes), this.blocksOf(b, sizes)];
      const merged = mergeDims(walkA.sizes, [walkA.strides, walkB.strides]);
      if (merged.sizes.length > 1)
        throw new TraceError('the step multiplies matrices along several dimensions at once');
      const [[stepA], [stepB]] = merged.strides;
      return this.made({
        a: this.operandOf(left),
        b: this.operandOf(right),
        blocks: merged.sizes[0],
        m,
        k,
        n,
        aStrides: [stepA, ...alongA(m)],
        bStrides: [stepB, ...alongB(k)],
      });
    }
    // ... or rows of one matrix, which may take several of them ...
    if (batch === 1 && variesLeft && !variesRight && m % count === 0 && !a.transposed) {
      const [x, weight] = [this.operandOf(left), this.operandOf(right)];
      const sides = { aStrides: [0, k, 1], bStrides: [0, ...alongB(k)] } as const;
      return this.made({ a: x, b: weight, blocks: 1, m: m / count, k, n, ...sides });
    }
    // ... or what is contracted: a sum over all rows.
    if (batch === 1 && variesLeft && variesRight && k % count === 0 && a.transposed && !b.transposed) {
      const [x, y] = [this.rows.rowOf(left), this.rows.rowOf(right)];
      return this.rows.storageOf(
        this.graph.productRows(x, y, { blocks: 1, m, k: k / count, n, aStrides: [0, 1, m], bStrides: [0, n, 1] }),
      );
    }
    throw new TraceError('the step multiplies rows of the batch by each other');
  }

  /** The matrices of one side that belong to one row. */
  private blocksOf({ storage, batchStrides }: Matrices, { batch }: MatmulSizes): FeatureWalk {
    return batch.length === 0
      ? { offset: 0, sizes: [1], strides: [0] }
      : this.rows.features({ storage, offset: 0, strides: batchStrides }, batch);
  }

  /** A side of a product as a value: of a row, or a constant. */
  private operandOf(storage: TraceStorage): Value {
    const { value, size } = storage;
    if (this.rows.isSpread(storage)) return this.rows.rowOf(storage);
    return value.operation.kind === 'number' ? this.graph.fill(value.operation.value, size, value.dtype) : value;
  }

  private made(product: RowProduct): Storage {
    return this.rows.storageOf(this.blockProduct(product));
  }

  /** The value of a product, in the simplest form that there is for it. */
  private blockProduct(product: RowProduct): Value {
    const { a, b, blocks, m, k, n, aStrides, bStrides } = product;
    if (a.domain === 'constant') {
      // A^T on the right: the constant is the second operand.
      const turned = this.blockProduct({
        a: b,
        b: a,
        blocks,
        m: n,
        k,
        n: m,
        aStrides: [bStrides[0], bStrides[2], bStrides[1]],
        bStrides: [aStrides[0], aStrides[2], aStrides[1]],
      });
      return m === 1 || n === 1 ? turned : this.graph.copy(turned, 0, [blocks, m, n], [m * n, 1, m]);
    }
    // One matrix for all blocks: more rows of one block.
    if (blocks > 1 && bStrides[0] === 0 && (m === 1 || aStrides[0] === m * aStrides[1]))
      return this.blockProduct({
        ...product,
        blocks: 1,
        m: blocks * m,
        aStrides: [0, m === 1 ? aStrides[0] : aStrides[1], aStrides[2]],
      });
    const isStraight = (bStrides[1] === n || k === 1) && (bStrides[2] === 1 || n === 1);
    const isTransposed = (bStrides[1] === 1 || k === 1) && (bStrides[2] === k || n === 1);
    const isRow = blocks === 1 && m === 1 && a.width === k && (aStrides[2] === 1 || k === 1);
    if (isRow && b.domain === 'constant' && b.width === k * n && (isStraight || isTransposed))
      return this.productOf(a, b, !isStraight, n);
    return this.graph.product(a, b, { blocks, m, k, n, aStrides, bStrides });
  }

  /**
   * `[x, h] W` is `x Wx + h Wh`: where only a part of a concatenation is carried, the product with
   * the rest is done before the loop.
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
      const share = this.graph.primitive('constant', part.width * width, dtype, key, [weight], (backend, [storage]) =>
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
}
