import { cpus } from 'node:os';
import { measureCeiling, type Ceiling } from './ceiling.ts';
import { differenceOf, expectations, TOLERANCE } from './expected.ts';
import type { LibraryEntry } from './libraries/index.ts';
import { judge } from './goals.ts';
import { judgeLaunches } from './launch-goals.ts';
import type { Durations } from './measure.ts';
import { hostsOf } from './hosts.ts';
import type { Reply } from './process/messages.ts';
import type { Run } from './report/run-report.ts';
import { Results, type Outcome, type Row } from './results.ts';
import type { Task } from './workload.ts';

/**
 * Milliseconds for the ceiling before each task; the best of all counts, since clock rates change.
 */
const CEILING_TIME = 200;

export interface RunOptions extends Durations {
  readonly tasks: readonly Task[];
  readonly libraries: readonly LibraryEntry[];
  /** The Python that has PyTorch. */
  readonly python: string | undefined;
  /** Milliseconds that a library gets for one task before its process is ended. */
  readonly patience: number;
  /**
   * Whether the libraries run in pages of a browser, and whether its graphics card is one in
   * software.
   */
  readonly browser: { readonly isSoftware: boolean } | undefined;
  /** Called before each measurement. */
  readonly onStart: (task: Task, library: LibraryEntry) => void;
  /** Called after the last library of a task. */
  readonly onRow: (row: Row) => void;
}

/**
 * Runs all tasks, each in all libraries one after another, so that whatever slows the machine for a
 * while slows them alike.
 */
export async function runBench(options: RunOptions): Promise<Run> {
  const { tasks, libraries, patience, time, warmup, browser } = options;
  let ceiling: Ceiling = { gflops: 0, isFused: false };
  const expected = await expectations();
  const { hosts, stop } = await hostsOf(options);
  const rows: Row[] = [];
  try {
    for (const task of tasks) {
      const right = await expected(task);
      const now = await measureCeiling(CEILING_TIME);
      if (now.gflops > ceiling.gflops) ceiling = now;
      const outcomes = new Map<string, Outcome>();
      for (const { entry, host } of hosts) {
        options.onStart(task, entry);
        outcomes.set(entry.name, compared(task, await host.ask({ task, time, warmup }, patience), right));
      }
      rows.push({ task, outcomes });
      options.onRow({ task, outcomes });
    }
  } finally {
    await stop();
  }
  const versions = new Map(hosts.map(({ entry, host }) => [entry.name, host.about] as const));
  const [{ model }, { length }] = [cpus()[0], cpus()];
  const machine = `${model.trim()}, ${length} cores, Node ${process.versions.node}`;
  const results = new Results(rows);
  const verdicts = browser === undefined ? judge(results, ceiling) : judgeLaunches(results);
  return { machine, ceiling, libraries, versions, results, verdicts };
}

function compared(task: Task, reply: Reply, right: Float32Array): Outcome {
  if (reply.type !== 'measured') return reply;
  const ways = reply.ways.map(({ result, ...way }) => {
    if (result === undefined) return way;
    const difference = differenceOf(task, result, right);
    return { ...way, difference, isRight: difference <= TOLERANCE };
  });
  return { type: 'measured', ways };
}
