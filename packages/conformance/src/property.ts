/** Property-based cases: a statement about all examples of a kind, tried on many random ones. */
import * as fc from 'fast-check';
import {
  defineCase,
  describeDifference,
  describeError,
  type ConformanceCase,
  type Exemption,
  type Subject,
} from './case.js';
import { Checks } from './checks.js';

/** Tries one example: compares through `checks`, or throws. */
export type ExampleBody<Example> = (example: Example, checks: Checks, subject: Subject) => void | Promise<void>;

/** How a property is tried. */
export interface PropertyOptions {
  readonly exempt?: Exemption;
  /** The part of the usual number of examples to try, where one example is much work. */
  readonly share?: number;
}

/**
 * A case that holds for every example of an arbitrary. A failure shows the smallest example that
 * was found, and the seed and path that lead to it again.
 */
export function defineProperty<Example>(
  group: string,
  name: string,
  examples: fc.Arbitrary<Example>,
  body: ExampleBody<Example>,
  { exempt, share = 1 }: PropertyOptions = {},
): ConformanceCase {
  return defineCase(
    group,
    name,
    async (checks, subject) => {
      const attempt = async (example: Example): Promise<{ tried: Checks; failure: string | undefined }> => {
        const tried = new Checks(subject.backend.info.bound?.tolerance ?? 0);
        let thrown: string | undefined;
        try {
          await body(example, tried, subject);
        } catch (error) {
          thrown = describeError(error);
        }
        return { tried, failure: thrown ?? tried.broken ?? (tried.difference && describeDifference(tried.difference)) };
      };
      const property = fc.asyncProperty(examples, async (example) => {
        const { tried, failure } = await attempt(example);
        if (failure === undefined && tried.worst !== undefined) checks.measure(tried.worst);
        return failure === undefined;
      });
      const numRuns = Math.max(1, Math.ceil(subject.runs * share));
      const run = await fc.check(property, { seed: subject.seed, numRuns });
      if (!run.failed) return;
      const [smallest] = run.counterexample as [Example];
      const { tried, failure = 'it passes when tried again' } = await attempt(smallest);
      if (tried.worst !== undefined) checks.measure(tried.worst);
      checks.difference = tried.difference;
      const path = `seed ${run.seed}, path ${String(run.counterexamplePath)}, example ${run.numRuns} of ${numRuns}`;
      checks.fact(`${failure}, for ${fc.stringify(smallest)} (${path})`, false);
    },
    exempt,
  );
}
