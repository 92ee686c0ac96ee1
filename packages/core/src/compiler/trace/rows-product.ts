/** Sums over rows of products: gradients of weights, each one product for all rows and steps. */
import type { Backend, Storage } from '../../backend.js';
import type { BlockSizes, BlockStrides } from '../../instruction.js';
import { mergeDims } from '../../shape.js';
import { transaction, type Primitives } from '../../transaction.js';

/** One of the two sides: for each block, `[k, size]` of each row. */
interface Side {
  /** Features of a row. */
  readonly width: number;
  readonly size: number;
  readonly strides: readonly [block: number, k: number, size: number];
  /** Whether all rows are one matrix as they lie there. */
  readonly isDense: boolean;
}

export class RowsProduct {
  private readonly sizes: BlockSizes;
  private readonly left: Side;
  private readonly right: Side;

  /**
   * @param a - features of a row on the left
   * @param b - on the right
   * @param sizes - of the products in a row
   */
  constructor(a: number, b: number, sizes: BlockSizes) {
    const { blocks, m, k, n, aStrides, bStrides } = sizes;
    this.sizes = sizes;
    const side = (width: number, size: number, strides: BlockStrides): Side => ({
      width,
      size,
      strides,
      isDense:
        blocks === 1 && width === k * size && (strides[1] === size || k === 1) && (strides[2] === 1 || size === 1),
    });
    this.left = side(a, m, [aStrides[0], aStrides[2], aStrides[1]]);
    this.right = side(b, n, bStrides);
  }

  /** `[blocks, m, n]` of some rows, steps included. */
  run(backend: Backend, a: Storage, b: Storage, rows: number): Storage {
    const { blocks, m, k, n } = this.sizes;
    return transaction(backend, (primitives) => {
      const [left, right] = [
        this.matrices(primitives, a, this.left, rows),
        this.matrices(primitives, b, this.right, rows),
      ];
      const result = primitives.matmul(
        { storage: left, batchStrides: [rows * k * m], transposed: true },
        { storage: right, batchStrides: [rows * k * n], transposed: false },
        { batch: [blocks], m, k: rows * k, n },
      );
      if (left !== a) primitives.release(left);
      if (right !== b) primitives.release(right);
      return result;
    });
  }

  /** One side as `[blocks, rows * k, size]`. */
  private matrices(
    backend: Primitives,
    storage: Storage,
    { width, size, strides: [block, k, each], isDense }: Side,
    rows: number,
  ): Storage {
    if (isDense) return storage;
    const walk = mergeDims([this.sizes.blocks, rows, this.sizes.k, size], [[block, width, k, each]]);
    return backend.copy({ storage, offset: 0, strides: walk.strides[0] }, walk.sizes, storage.dtype);
  }
}
