/**
 * Telling what belongs to the rows of the batch from what belongs to the features of a row, by
 * sizes and strides alone: the number of rows is a placeholder, a prime so large that no number of
 * features is a multiple of it.
 */
import type { Operand, Storage, Strided } from '../../backend.js';
import { TraceError } from '../../errors.js';
import { sizeOf } from '../../shape.js';
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
export interface FeatureWalk {
  readonly offset: number;
  readonly sizes: readonly number[];
  readonly strides: readonly number[];
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
}
