/**
 * What a case is, and what comes of it. Nothing here knows a test runner, a terminal or a file
 * system.
 */
import type { Backend, BackendInfo } from '@rnn/core';
import { Checks, type Difference } from './checks.js';

/** What a case is run on. */
export interface Subject {
  /** An instance that cases share: for those that leave nothing behind. */
  readonly backend: Backend;
  /** Makes a fresh instance: for cases that count its storages or dispose of it. */
  readonly create: () => Promise<Backend>;
  /** Where the random examples of property-based cases start from. */
  readonly seed: number;
  /** How many random examples a property-based case tries. */
  readonly runs: number;
}

/** One thing that a backend must do. */
export interface ConformanceCase {
  readonly name: string;
  /** Cases of a group share a line of the report. */
  readonly group: string;
  /** Never rejects: what goes wrong inside is a failed result. */
  readonly run: (subject: Subject) => Promise<CaseResult>;
}

/** What came of a case. */
export interface CaseResult {
  readonly name: string;
  readonly group: string;
  readonly status: 'passed' | 'failed' | 'skipped';
  /** The error that is largest measured by its tolerance; 0 if the case compares no numbers. */
  readonly error: number;
  /** The tolerance that belongs to `error`. */
  readonly tolerance: number;
  /** The first element that is too far off. */
  readonly difference?: Difference;
  /** Why it failed or was skipped, in a sentence or a few lines. */
  readonly reason?: string;
}

/** What a case does: compares through `checks`, or throws. */
export type CaseBody = (checks: Checks, subject: Subject) => void | Promise<void>;

/**
 * Why a backend with these declared capabilities need not run the case; `undefined` if it must. The
 * only way to skip one.
 */
export type Exemption = (info: BackendInfo) => string | undefined;

/** A case from its body. */
export function defineCase(group: string, name: string, body: CaseBody, exempt?: Exemption): ConformanceCase {
  return {
    name,
    group,
    run: async (subject) => {
      const reason = exempt?.(subject.backend.info);
      if (reason !== undefined) return { name, group, status: 'skipped', error: 0, tolerance: 0, reason };
      const checks = new Checks(subject.backend.info.bound?.tolerance ?? 0);
      let thrown: string | undefined;
      try {
        const before = subject.backend.memory().storages;
        await body(checks, subject);
        const left = subject.backend.memory().storages - before;
        checks.fact(`${left} storages were left behind on the backend`, left <= 0);
      } catch (error) {
        thrown = describeError(error);
      }
      const { worst = { error: 0, tolerance: 0 }, difference, broken } = checks;
      const failure = thrown ?? broken ?? (difference && describeDifference(difference));
      return {
        name,
        group,
        status: failure === undefined ? 'passed' : 'failed',
        error: worst.error,
        tolerance: worst.tolerance,
        ...(difference && { difference }),
        ...(failure !== undefined && { reason: failure }),
      };
    },
  };
}

/** An error in one line, with its code if it has one. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return `threw ${String(error)}`;
  const { code } = error as { code?: unknown };
  return `${error.name}${typeof code === 'string' ? ` (${code})` : ''}: ${error.message}`;
}

/** A difference in one line. */
export function describeDifference({ what, index, got, expected }: Difference): string {
  return `${what}[${index.join(', ')}] is ${String(got)}, expected ${String(expected)}`;
}
