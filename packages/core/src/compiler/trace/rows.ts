/**
 * What one row of the batch sees of walks and products. What belongs to the rows is told from what
 * belongs to the features of a row by sizes and strides alone: the number of rows is a placeholder,
 * a prime so large that no number of features is a multiple of it.
 */
import type { Matrices, MatmulSizes, Operand, Storage, Strided } from '../../backend.js';
import { TraceError } from '../../errors.js';
import type { BlockSizes } from '../../instruction.js';
import { mergeDims, sizeOf } from '../../shape.js';
import type { Argument, Graph, Value } from '../ir/graph.js';

/**
 * A storage that stands for a value: a row value has `rows * width` elements; so has a constant
 * that was spread over the rows.
 */
export interface TraceStorage extends Storage {
  readonly value: Value;
}

/** A storage of a size for a value. */
export function holding(value: Value, size: number): TraceStorage {
  return { dtype: value.dtype, size, value };
}

/** The features of one row that a walk visits. */
interface FeatureWalk {
  readonly offset: number;
  readonly sizes: readonly number[];
  readonly strides: readonly number[];
}

/** A product as one row of the batch sees it. */
interface RowProduct extends BlockSizes {
  readonly a: Value;
  readonly b: Value;
}

export class TraceRows {
  /** The placeholder: a large prime, or 1 for single vectors. */
  readonly count: number;
  private readonly graph: Graph;

  constructor(graph: Graph, count: number) {
    this.graph = graph;
    this.count = count;
  }

  /** A storage for a value of the graph. */
  storageOf(value: Value): TraceStorage {
    return holding(value, value.domain === 'batched' ? this.count * value.width : value.width);
  }

  /** Whether a storage has elements for each row. */
  isSpread({ value, size }: TraceStorage): boolean {
    if (value.domain === 'batched') return true;
    return this.count > 1 && value.domain === 'constant' && size % this.count === 0;
  }

  /**
   * Whether an elementwise result has elements for each row. Refuses one that is neither that nor
   * the same for all rows.
   */
  hasRows(operands: readonly Operand[], size: number): boolean {
    let isRow = this.count > 1 && size % this.count === 0;
    let isReduced = false;
    for (const operand of operands) {
      if (typeof operand !== 'object') continue;
      const { domain } = (operand.storage as TraceStorage).value;
      isRow ||= domain === 'batched';
      isReduced ||= domain === 'reduced';
    }
    if (!isRow) return false;
    if (isReduced) throw new TraceError('the step mixes a sum over the batch with its rows');
    if (size % this.count !== 0) throw new TraceError('the step mixes rows of the batch');
    return true;
  }

  /** A spread storage as a row value. */
  rowOf(storage: TraceStorage): Value {
    const { value, size } = storage;
    return value.domain === 'batched' ? value : this.rangeOf(storage, 0, size / this.count);
  }

  /**
   * An operand of a row-wise operation: a value whose features are those of the result (or a single
   * one), or a number.
   */
  argument(operand: Operand, sizes: readonly number[]): Argument {
    if (typeof operand === 'number') return operand;
    const { value } = operand.storage as TraceStorage;
    if (value.operation.kind === 'number') return value.operation.value;
    const width = sizeOf(sizes) / this.count;
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

  /**
   * The part of a walk that lies inside one row. Refuses a walk that takes the rows out of order.
   */
  features({ storage, offset, strides }: Strided, sizes: readonly number[]): FeatureWalk {
    const rows = this.count;
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

  /** Features `[from, from + run)` of a row, also where the row is the same for all. */
  rangeOf({ value }: TraceStorage, from: number, run: number): Value {
    if (value.operation.kind === 'number') return this.graph.fill(value.operation.value, run, value.dtype);
    return this.graph.copy(value, from, [run], [1]);
  }

  /** A product of matrices of which at least one side has elements for each row. */
  matmul(a: Matrices, b: Matrices, sizes: MatmulSizes): Storage {
    const { m, k, n } = sizes;
    const { count } = this;
    const left = a.storage as TraceStorage;
    const right = b.storage as TraceStorage;
    const batch = sizeOf(sizes.batch);
    const [variesLeft, variesRight] = [this.isSpread(left), this.isSpread(right)];
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
      const [x, y] = [this.rowOf(left), this.rowOf(right)];
      return this.storageOf(
        this.graph.productRows(x, y, { blocks: 1, m, k: k / count, n, aStrides: [0, 1, m], bStrides: [0, n, 1] }),
      );
    }
    throw new TraceError('the step multiplies rows of the batch by each other');
  }

  /** The matrices of one side that belong to one row. */
  private blocksOf({ storage, batchStrides }: Matrices, { batch }: MatmulSizes): FeatureWalk {
    return batch.length === 0
      ? { offset: 0, sizes: [1], strides: [0] }
      : this.features({ storage, offset: 0, strides: batchStrides }, batch);
  }

  /** A side of a product as a value: of a row, or a constant. */
  private operandOf(storage: TraceStorage): Value {
    const { value, size } = storage;
    if (this.isSpread(storage)) return this.rowOf(storage);
    return value.operation.kind === 'number' ? this.graph.fill(value.operation.value, size, value.dtype) : value;
  }

  private made(product: RowProduct): Storage {
    return this.storageOf(this.blockProduct(product));
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
      const key = `copy ${weight.id} ${offset} [${sizes.join()}] [${strides.join()}]`;
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
