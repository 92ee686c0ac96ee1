import { NotOffered, type Library } from '../library.ts';
import { measure } from '../measure.ts';
import { numbersOf } from '../numbers.ts';
import type { Measured, Reply, Request } from './messages.ts';

/** Does a task in all ways of a library, in a process or a page of its own. */
export async function answer(library: Library, { task, time, warmup }: Request): Promise<Reply> {
  const ways: Measured[] = [];
  for (const job of await library.prepare(task, numbersOf(task.workload))) {
    const { variant, note } = job;
    const result = await job.check?.();
    const times = await measure(() => job.run(), { time, warmup });
    const before = library.work?.();
    if (before !== undefined) await job.run();
    const after = library.work?.();
    const work = before &&
      after && { launches: after.launches - before.launches, bytesMoved: after.bytesMoved - before.bytesMoved };
    ways.push({ ...times, variant, note, result, keptBytes: job.keptBytes?.(), work });
    job.dispose?.();
  }
  return { type: 'measured', ways };
}

/** What went wrong, as an answer. */
export function failureOf(error: unknown): Reply {
  if (error instanceof NotOffered) return { type: 'not offered', message: error.message };
  return { type: 'failed', message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}
