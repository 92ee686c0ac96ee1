import type { ConformanceCase } from './case.js';
import { contractionCases } from './kernels/contraction.js';
import { elementwiseCases } from './kernels/elementwise.js';
import { indexingCases } from './kernels/indexing.js';
import { movementCases } from './kernels/movement.js';
import { specialValueCases } from './kernels/special-values.js';
import { storageCases } from './kernels/storage.js';
import { wholeNumberCases } from './kernels/whole-numbers.js';
import { cellCases } from './programs/cell-cases.js';
import { functionCases } from './programs/function-cases.js';
import { programCases } from './programs/program-cases.js';
import { stepCases } from './programs/step-cases.js';
import { backendCases } from './tensors/backend-cases.js';
import { emptyCases } from './tensors/empty-cases.js';
import { errorCases } from './tensors/error-cases.js';
import { memoryCases } from './tensors/memory-cases.js';
import { operationCases } from './tensors/operation-cases.js';
import { scanCases } from './tensors/scan-cases.js';

/**
 * The cases that need no file: kernels, operations and derivatives against plain float64, memory,
 * errors, independence.
 *
 * @example
 * ```ts
 * const report = await runConformance({ factory: cpu, cases: primitiveCases(), filter: 'matmul' });
 * report.failed; // 0
 * ```
 * @returns all of them, in the order in which a new backend should make them pass
 */
export function primitiveCases(): ConformanceCase[] {
  return [
    ...backendCases(),
    ...storageCases(),
    ...elementwiseCases(),
    ...movementCases(),
    ...contractionCases(),
    ...indexingCases(),
    ...specialValueCases(),
    ...wholeNumberCases(),
    ...emptyCases(),
    ...operationCases(),
    ...scanCases(),
    ...functionCases(),
    ...programCases(),
    ...cellCases(),
    ...stepCases(),
    ...memoryCases(),
    ...errorCases(),
  ];
}
