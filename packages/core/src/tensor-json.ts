import type { DType, TypedArray } from './dtype.js';

/** A number, or the text that stands for one that JSON does not have. */
export type JsonNumber = number | 'NaN' | 'Infinity' | '-Infinity' | '-0';

/** A tensor as JSON has it. */
export interface TensorJson {
  readonly shape: number[];
  readonly dtype: DType;
  /** In row-major order; one text where the numbers cannot be read at once. */
  readonly data: JsonNumber[] | string;
}

/** Numbers that survive JSON. */
export function jsonNumbers(data: TypedArray): JsonNumber[] {
  return Array.from(data, (value) =>
    Number.isFinite(value) && !Object.is(value, -0)
      ? value
      : ((Object.is(value, -0) ? '-0' : String(value)) as JsonNumber),
  );
}
