/** What a product of matrices is computed from and with. */
import type { Kernels } from './kernels.js';
import type { Memory } from './memory.js';

/** One matrix of a product: address, bytes from row to row and from column to column. */
export interface Factor {
  readonly at: number;
  readonly row: number;
  readonly column: number;
}

/** Sizes of one product: rows, terms of each sum, columns. */
export interface Sizes {
  readonly m: number;
  readonly k: number;
  readonly n: number;
}

/** What products are computed with. */
export interface MatmulContext {
  readonly memory: Memory;
  readonly kernels: Kernels;
  /**
   * What computes products of many rows, by a factor that is packed; left out, they are computed
   * row by row, which takes longer where a factor does not fit into a cache.
   */
  readonly packed: Product | undefined;
}

/** Computes one product. */
export type Product = (context: MatmulContext, A: Factor, B: Factor, c: number, sizes: Sizes) => void;
