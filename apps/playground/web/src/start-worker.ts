import { shell } from './texts/en/shell.ts';
import type { WorkerPart } from './worker.ts';

/** Starts a worker with one part of what the page computes. */
export function startWorker(part: WorkerPart): Worker {
  return new Worker(new URL('./worker.ts', import.meta.url), { type: 'module', name: part });
}

/** Fails when a worker does, with words for people, so that nothing waits for its answers. */
export function failureOf(worker: Worker): Promise<never> {
  return new Promise((_, reject) => {
    worker.addEventListener('error', ({ message }) => {
      // A script that cannot be fetched says so without a message.
      reject(new Error(message?.replace(/^(?:Uncaught )?(?:\w*Error: )?/, '') ?? shell.workerNotLoaded));
    });
  });
}
