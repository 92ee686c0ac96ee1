import type { DType } from './dtype.js';

/**
 * A backend's own handle of numbers in its memory. Core reads these two fields and hands the object
 * back.
 */
export interface Storage {
  readonly dtype: DType;
  /** Number of elements. */
  readonly size: number;
}
