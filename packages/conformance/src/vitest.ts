/** The suite for vitest on Node: everything in one call. */
import { afterAll, describe, it } from 'vitest';
import { caseDirectory } from './case-directory.js';
import { primitiveCases } from './cases.js';
import { referenceCases } from './reference/reference-cases.js';
import { registerConformance } from './register.js';
import type { BackendFactory, CaseOptions } from './run.js';
import { swapCases } from './swap/swap-cases.js';

/** What `conformance` takes besides. */
export interface ConformanceOptions extends CaseOptions {
  /** A directory of other reference cases, instead of those of this package. */
  readonly cases?: string;
  /** Makes another backend: trainings then move to it and back, too. */
  readonly swap?: BackendFactory;
}

/**
 * Everything that a backend must do, as tests of the file that calls this.
 *
 * @example
 * ```ts
 * import { conformance } from '@rnn/conformance/vitest';
 * import { abacus } from './abacus.js';
 * conformance(abacus);
 * ```
 * @param factory - makes a backend
 * @param options - `filter`, `seed`, `runs`, `cases`, `swap`
 */
export function conformance(factory: BackendFactory, { cases, swap, ...options }: ConformanceOptions = {}): void {
  const swaps = swap === undefined ? [] : swapCases(swap);
  const all = [...primitiveCases(), ...referenceCases(caseDirectory(cases)), ...swaps];
  registerConformance({ describe, it, after: afterAll }, factory, all, options);
}
