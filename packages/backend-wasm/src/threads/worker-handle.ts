/** Starting a worker, of Node or of a browser. */
import { BackendError } from '@rnn/core';
import { nodeModule } from '../features.js';
import type { Start } from './job-queue.js';

/** How many milliseconds a worker may take until it answers. */
const PATIENCE = 20_000;

/** A worker that has answered and waits for work. */
export interface WorkerHandle {
  /** Calls a function if the worker ends, or has ended, without having been asked to. */
  onLost(listener: (cause: unknown) => void): void;
  end(): Promise<void>;
}

/** What differs between Node and browsers. */
interface Raw {
  post(start: Start): void;
  /** The first message. */
  onAnswer(listener: () => void): void;
  /** The end, or an error that nobody caught. */
  onEnd(listener: (cause: unknown) => void): void;
  /** After the answer. */
  settle(): void;
  terminate(): Promise<unknown>;
}

/**
 * Starts a worker and waits until it is ready.
 *
 * @param start - what the worker needs
 * @param source - the worker's script: its address or its text
 * @throws BackendError if it does not start
 */
export async function startWorker(start: Start, source: URL | string): Promise<WorkerHandle> {
  const raw = nodeWorker(source) ?? webWorker(source);
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isWanted = true;
  const end = new Promise<unknown>((resolve) => raw.onEnd(resolve));
  try {
    await new Promise<void>((resolve, reject) => {
      const fail = (cause: unknown): void => reject(new BackendError('wasm: a worker did not start', { cause }));
      timer = setTimeout(() => fail(`it gave no answer in ${PATIENCE / 1000} s`), PATIENCE);
      raw.onAnswer(resolve);
      void end.then(fail);
      raw.post(start);
    });
    raw.settle();
  } catch (error) {
    await raw.terminate();
    throw error;
  } finally {
    clearTimeout(timer);
  }
  return {
    onLost: (listener) => {
      void end.then((cause) => {
        if (isWanted) listener(cause);
      });
    },
    end: async () => {
      isWanted = false;
      await raw.terminate();
    },
  };
}

function nodeWorker(source: URL | string): Raw | undefined {
  const threads = nodeModule('node:worker_threads');
  if (threads === undefined) return undefined;
  // The options of the process (loaders, scripts to load first) are none of the worker's business.
  const worker = new threads.Worker(source, { eval: typeof source === 'string', execArgv: [], name: 'rnn' });
  return {
    post: (start) => worker.postMessage(start, []),
    onAnswer: (listener) => worker.once('message', listener),
    onEnd: (listener) => {
      worker.on('error', listener);
      worker.on('exit', (code) => listener(`it ended with code ${code}`));
    },
    // From now on the process may end while the worker waits.
    settle: () => worker.unref(),
    terminate: () => worker.terminate(),
  };
}

function webWorker(source: URL | string): Raw {
  const isText = typeof source === 'string';
  const url = isText ? URL.createObjectURL(new Blob([source], { type: 'text/javascript' })) : source;
  const worker = new Worker(url, { name: 'rnn' });
  const revoke = (): void => {
    if (isText) URL.revokeObjectURL(String(url));
  };
  return {
    post: (start) => worker.postMessage(start, []),
    onAnswer: (listener) => worker.addEventListener('message', listener, { once: true }),
    onEnd: (listener) => {
      worker.addEventListener('error', (event) => {
        event.preventDefault(); // we report it
        listener(event.message || 'its script was not loaded');
      });
    },
    settle: revoke,
    terminate: async () => {
      revoke();
      worker.terminate();
    },
  };
}
