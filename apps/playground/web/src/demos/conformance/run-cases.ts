/** The suite, as the page's worker runs it. */
import {
  primitiveCases,
  referenceCases,
  runConformance,
  summarize,
  type BackendFactory,
  type CaseResult,
  type ConformanceCase,
  type GroupSummary,
} from '@rnn/conformance';
import { unpackCases } from './case-pack.ts';

/** Milliseconds between two messages to the page. */
const reportEvery = 200;

/** Which cases to run. */
export interface Selection {
  /** What group and name must contain. */
  readonly filter: string;
  /** What came of those that fit and were run before. */
  readonly before: readonly CaseResult[];
  /** How many to run; all that are left unless given. */
  readonly count?: number;
}

/** What has come of some cases. */
export interface News {
  readonly results: readonly CaseResult[];
  /** How many cases fit the filter. */
  readonly total: number;
  /** All results so far, earlier ones too, by group. */
  readonly groups: readonly GroupSummary[];
}

/** All cases: those that need no file, and those of PyTorch's numbers. */
export function allCases(pack: ArrayBuffer): ConformanceCase[] {
  const load = unpackCases(pack);
  const get = (name: string): Uint8Array => {
    const content = load(name);
    if (content === undefined) throw new Error(`The pack of cases has no ${name}.`);
    return content;
  };
  const manifest = new TextDecoder().decode(get('manifest.json'));
  return [...primitiveCases(), ...referenceCases({ manifest, load: get })];
}

/** Runs the selected cases and tells of their results, several at a time. */
export async function runCases(
  factory: BackendFactory,
  cases: readonly ConformanceCase[],
  { filter, before, count = Infinity }: Selection,
  tell: (news: News) => void,
): Promise<void> {
  const wanted = filter.toLowerCase();
  const fitting = cases.filter(({ group, name }) => `${group} ${name}`.toLowerCase().includes(wanted));
  const total = fitting.length;
  const all = [...before];
  let results: CaseResult[] = [];
  let told = performance.now();
  const report = (): void => {
    tell({ results, total, groups: summarize(all) });
    results = [];
    told = performance.now();
  };
  report();
  await runConformance({
    factory,
    cases: fitting.slice(before.length, before.length + count),
    onProgress: ({ result }) => {
      results.push(result);
      all.push(result);
      if (performance.now() - told > reportEvery) report();
    },
  });
  report();
}
