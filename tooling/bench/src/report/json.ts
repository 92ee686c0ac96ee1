import { judge } from '../goals.ts';
import { flopsOf } from '../workload.ts';
import type { Run } from './text.ts';

/** The run as data: every way of every library, with minimum and median in milliseconds. */
export function reportJson({ machine, ceiling, versions, results }: Run): string {
  const tasks = results.rows.map(({ task, outcomes }) => ({
    workload: task.workload.id,
    kind: task.kind,
    flops: flopsOf(task),
    libraries: Object.fromEntries(outcomes),
  }));
  return JSON.stringify(
    { machine, ceiling, versions: Object.fromEntries(versions), tasks, goals: judge(results, ceiling) },
    null,
    2,
  );
}
