/** Cases as tests of whatever runner the caller has. */
import type { Backend } from '@rnn/core';
import type { ConformanceCase, Subject } from './case.js';
import { defaultRuns, defaultSeed, filtered, type BackendFactory, type CaseOptions } from './run.js';

/**
 * The functions of a test runner that cases need: those of vitest, jest, mocha or node:test fit.
 */
export interface TestRunner {
  readonly describe: (name: string, body: () => void) => unknown;
  readonly it: (name: string, body: (...context: readonly unknown[]) => Promise<void>) => unknown;
  /** Runs after the last test of a `describe`. */
  readonly after: (body: () => Promise<void>) => unknown;
}

/**
 * Registers cases as tests, one `describe` a group.
 *
 * @example
 * ```ts
 * import { after, describe, it } from 'node:test';
 * registerConformance({ describe, it, after }, abacus, [
 *   ...primitiveCases(),
 *   ...referenceCases(caseDirectory()),
 * ]);
 * ```
 * @param runner - `describe`, `it` and `after` of a test runner
 * @param factory - makes a backend; called once for all cases that share one, and again for those
 *   that want a fresh one
 * @param cases - what to run
 * @param options - `filter`, `seed`, `runs`
 */
export function registerConformance(
  { describe, it, after }: TestRunner,
  factory: BackendFactory,
  cases: readonly ConformanceCase[],
  { filter, seed = defaultSeed, runs = defaultRuns }: CaseOptions = {},
): void {
  const create = async (): Promise<Backend> => factory();
  let shared: Promise<Subject> | undefined;
  const subject = (): Promise<Subject> => (shared ??= create().then((backend) => ({ backend, create, seed, runs })));
  const groups = new Map<string, ConformanceCase[]>();
  for (const each of filtered(cases, filter)) groups.set(each.group, [...(groups.get(each.group) ?? []), each]);
  describe('conformance', () => {
    after(async () => {
      const made = await shared?.catch(() => undefined); // a factory that failed has failed every test already
      await made?.backend.dispose();
    });
    for (const [group, list] of groups) {
      describe(group, () => {
        for (const each of list) {
          it(each.name, async (...context) => {
            const { status, reason } = await each.run(await subject());
            if (status === 'failed') throw new Error(reason);
            if (status === 'skipped') skip(context[0], reason);
          });
        }
      });
    }
  });
}

/**
 * Marks a test as skipped where the runner hands it a way to: vitest and node:test do. Reports of
 * vitest show the reason in what is known of a test.
 */
function skip(context: unknown, reason: string | undefined): void {
  const { skip, task } = (context ?? {}) as { skip?: unknown; task?: { meta?: Record<string, unknown> } };
  if (task?.meta !== undefined) task.meta.skipped = reason;
  if (typeof skip === 'function') Reflect.apply(skip, context, [reason]);
}
