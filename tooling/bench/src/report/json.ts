import { flopsOf } from '../workload.ts';
import type { Run } from './run-report.ts';

/** The run as data: every way of every library, with minimum and median in milliseconds. */
export function reportJson({ machine, ceiling, versions, results, verdicts }: Run): string {
  const tasks = results.rows.map(({ task, outcomes }) => ({
    workload: task.workload.id,
    kind: task.kind,
    flops: flopsOf(task),
    libraries: Object.fromEntries(outcomes),
  }));
  return JSON.stringify({ machine, ceiling, versions: Object.fromEntries(versions), tasks, goals: verdicts }, null, 2);
}
