// Runs one library in a process of its own, so that the engine compiles each for itself and a crash stays there.
import { NotOffered, type Library } from '../library.ts';
import { libraries } from '../libraries/index.ts';
import { measure } from '../measure.ts';
import { numbersOf } from '../numbers.ts';
import type { Measured, Message, Reply, Request } from './messages.ts';

const post = (message: Message): void => void process.send?.(message);

function failure(error: unknown): Reply {
  if (error instanceof NotOffered) return { type: 'not offered', message: error.message };
  return { type: 'failed', message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}

async function answer(library: Library, { task, time, warmup }: Request): Promise<Reply> {
  const ways: Measured[] = [];
  for (const job of await library.prepare(task, numbersOf(task.workload))) {
    const { variant, note } = job;
    const result = await job.check?.();
    const times = await measure(() => job.run(), { time, warmup });
    ways.push({ ...times, variant, note, result, keptBytes: job.keptBytes?.() });
    job.dispose?.();
  }
  return { type: 'measured', ways };
}

try {
  const [name] = process.argv.slice(2);
  const entry = libraries.find((entry) => entry.name === name);
  if (entry?.load === undefined) throw new Error(`no library named '${name}' runs in Node`);
  const library = await entry.load();
  process.on('message', (request: Request) => {
    answer(library, request).then(post, (error: unknown) => post(failure(error)));
  });
  post({ type: 'ready', version: library.version });
} catch (error) {
  post(failure(error));
  process.disconnect();
}
