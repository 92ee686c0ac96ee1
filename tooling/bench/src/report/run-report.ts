import type { Ceiling } from '../ceiling.ts';
import type { Verdict } from '../goals.ts';
import type { LibraryEntry } from '../libraries/index.ts';
import type { Results } from '../results.ts';

/** Everything that a run found out. */
export interface Run {
  readonly machine: string;
  readonly ceiling: Ceiling;
  readonly libraries: readonly LibraryEntry[];
  /** What each library says of itself, by its name. */
  readonly versions: ReadonlyMap<string, string>;
  readonly results: Results;
  readonly verdicts: readonly Verdict[];
}
