/**
 * The script of every worker: it brings in the part that the worker is named for. Each script is a
 * build of its own, so that several would bring several copies of the library along.
 */
import { shell } from './texts/en/shell.ts';

const parts = {
  text: () => import('./demos/text/worker.ts'),
  cell: () => import('./demos/cell/worker.ts'),
  memory: () => import('./demos/memory/worker.ts'),
  forecast: () => import('./demos/forecast/worker.ts'),
  table: () => import('./demos/forecast/table-worker.ts'),
  speakers: () => import('./demos/speakers/worker.ts'),
  draw: () => import('./demos/draw/worker.ts'),
  backends: () => import('./demos/backends/worker.ts'),
  conformance: () => import('./demos/conformance/worker.ts'),
} as const;

/** What a worker can be started as. */
export type WorkerPart = keyof typeof parts;

// A message that nobody hears is gone: those that come before the part are heard again by it.
const early: MessageEvent[] = [];
const keep = (message: MessageEvent): void => void early.push(message);
addEventListener('message', keep);

const { name } = globalThis as unknown as { readonly name: WorkerPart };
parts[name]().then(
  () => {
    removeEventListener('message', keep);
    for (const message of early) dispatchEvent(message);
  },
  () => {
    // What is thrown in a task of its own reaches the page as the worker's failure.
    setTimeout(() => {
      throw new Error(shell.workerNotLoaded);
    });
  },
);
