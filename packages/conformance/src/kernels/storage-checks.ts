import type { DType, Storage } from '@rnn/core';
import type { Exemption } from '../case.js';
import type { Checks } from '../checks.js';
import type { Workbench } from './workbench.js';

/** The types to try a kernel on. */
export function dtypes(whole: boolean): DType[] {
  return whole ? ['float32', 'float64', 'int32'] : ['float32', 'float64'];
}

/** A backend that does not declare a type is not asked for it. */
export function without(...needed: readonly DType[]): Exemption {
  return ({ name, dtypes }) => {
    const missing = needed.find((dtype) => !dtypes.includes(dtype));
    return missing && `${name} does not declare ${missing}`;
  };
}

/** What a kernel's result must be. */
export interface Expectation {
  readonly dtype: DType;
  readonly expected: readonly number[];
  readonly tolerance: number;
  readonly scale?: readonly number[];
}

/** Compares a kernel's result: type, size, numbers. */
export async function checkStorage(
  checks: Checks,
  bench: Workbench,
  result: Storage,
  { dtype, expected, tolerance, scale }: Expectation,
): Promise<void> {
  checks.fact(`the result is ${String(result.dtype)}, expected ${dtype}`, result.dtype === dtype);
  checks.fact(`the result's size is ${result.size}, expected ${expected.length}`, result.size === expected.length);
  const got = await bench.read(result);
  const exact = dtype === 'int32';
  checks.close('result', got, expected, [expected.length], { tolerance: exact ? 0 : tolerance, scale, exact });
}
