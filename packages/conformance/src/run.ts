import type { Backend, BackendInfo } from '@rnn/core';
import { describeError, type CaseResult, type ConformanceCase, type Subject } from './case.js';

/** Makes a backend, as the factories of backend packages do. */
export type BackendFactory = () => Backend | Promise<Backend>;

/** What every way of running cases takes. */
export interface CaseOptions {
  /**
   * Only cases whose group and name, as in `kernel elementwise unary tanh float32`, contain this
   * text.
   */
  readonly filter?: string;
  /** Where random examples start from; a failure tells it. */
  readonly seed?: number;
  /** How many random examples each property-based case tries. */
  readonly runs?: number;
}

/** How far a run is. */
export interface Progress {
  readonly done: number;
  readonly total: number;
  readonly result: CaseResult;
}

/** What to run and where to. */
export interface RunOptions extends CaseOptions {
  readonly factory: BackendFactory;
  readonly cases: readonly ConformanceCase[];
  /** End after the first case that fails. */
  readonly bail?: boolean;
  /** Called after every case. */
  readonly onProgress?: (progress: Progress) => void;
}

/** What came of a run. */
export interface Report {
  /** `undefined` if the factory made no backend. */
  readonly info: BackendInfo | undefined;
  readonly seed: number;
  readonly runs: number;
  readonly results: readonly CaseResult[];
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export const defaultSeed = 20_261_124;
export const defaultRuns = 40;
/** A page draws itself between cases when this many milliseconds went by. */
const PATIENCE = 30;

/** The cases that a filter lets through. */
export function filtered(cases: readonly ConformanceCase[], filter = ''): ConformanceCase[] {
  return cases.filter(({ group, name }) => `${group} ${name}`.includes(filter));
}

/**
 * Runs cases on a backend. For a web page, a script, or any place without a test runner.
 *
 * @example
 * ```ts
 * const report = await runConformance({ factory: cpu, cases: builtInCases() });
 * console.log(`${report.passed} passed, ${report.failed} failed`);
 * ```
 * @param options - the factory, the cases, which of them, and whom to tell of progress
 * @returns every result and the counts. Never rejects for what a backend does wrong: a factory that
 *   throws is a failed case
 */
export async function runConformance({
  factory,
  cases,
  filter,
  seed = defaultSeed,
  runs = defaultRuns,
  bail = false,
  onProgress,
}: RunOptions): Promise<Report> {
  const chosen = filtered(cases, filter);
  const results: CaseResult[] = [];
  const note = (result: CaseResult, total: number): void => {
    results.push(result);
    onProgress?.({ done: results.length, total, result });
  };
  const create = async (): Promise<Backend> => factory();
  let backend: Backend;
  try {
    backend = await create();
  } catch (error) {
    note({ ...failedStart, reason: describeError(error) }, 1);
    return { info: undefined, seed, runs, results, ...countsOf(results) };
  }
  const subject: Subject = { backend, create, seed, runs };
  let rested = performance.now();
  for (const each of chosen) {
    const result = await each.run(subject);
    note(result, chosen.length);
    if (bail && result.status === 'failed') break;
    if (performance.now() - rested > PATIENCE) {
      await new Promise((resolve) => setTimeout(resolve, 0));
      rested = performance.now();
    }
  }
  const { info } = backend;
  await backend.dispose();
  return { info, seed, runs, results, ...countsOf(results) };
}

const failedStart: CaseResult = {
  name: 'the factory makes a backend',
  group: 'backend',
  status: 'failed',
  error: 0,
  tolerance: 0,
};

function countsOf(results: readonly CaseResult[]): Pick<Report, 'passed' | 'failed' | 'skipped'> {
  const count = (status: CaseResult['status']): number => results.filter((result) => result.status === status).length;
  return { passed: count('passed'), failed: count('failed'), skipped: count('skipped') };
}
