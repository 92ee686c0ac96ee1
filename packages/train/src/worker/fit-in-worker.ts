import { ArgumentError, RnnError } from '@rnn/core';
import { checkFunction, checkOptions, refuse } from '@rnn/core/checks';
import type { FitEvent } from '../loop/fit-event.js';
import { CHANNEL, answerOf, type Request, type WorkerFit } from './protocol.js';
import { receivedError } from './sent-error.js';
import { connectionTo, isWorker, startedWorker, type AnyWorker } from './threads.js';

export interface FitInWorkerOptions<A = unknown> {
  /** What the worker's `serveFit` gets: values that can be sent to another thread, no tensors. */
  readonly args?: A;
  /**
   * Called with every event of the training, such as `progressBar()` of `@rnn/train/node`; not
   * waited for.
   */
  readonly onEvent?: (event: FitEvent) => unknown;
  /** Ends the training between two steps; what was learned is returned. */
  readonly signal?: AbortSignal;
}

let lastId = 0;

/**
 * Trains in another thread, which stays free for a page or a server: `fit`, behind one call. The
 * module that is started puts the training together by `serveFit`.
 *
 * @example
 * ```ts
 * const { history, state } = await fitInWorker(new URL('./training.js', import.meta.url), {
 *   args: { seed: 1, epochs: 10 },
 *   onEvent: (event) => event.type === 'epoch' && console.log(event.epoch, event.loss),
 * });
 * model.loadStateDict(state);
 * ```
 * Where a bundler has to see the worker, start it as the bundler asks for it:
 * `fitInWorker(new Worker(new URL('./training.ts', import.meta.url), { type: 'module' }), ...)`.
 *
 * @param worker - the address of a module that calls `serveFit`, in Node or a page; or a worker
 *   that runs one already, which goes on after the training
 * @param options - `args`, `onEvent`, `signal`
 * @returns the history; the model's parameters and buffers as numbers, which `loadStateDict` takes;
 *   the averaged ones, where there is an average
 * @throws what the training throws, as an `RnnError` or `Error` with its name, message and fields;
 *   RnnError (`ERR_WORKER`) when the worker cannot be started or ends too early
 *
 * No text is evaluated and no address made up, so a strict content security policy allows it.
 * Differs from PyTorch: has no counterpart there.
 */
export async function fitInWorker<A = unknown>(
  worker: URL | string | AnyWorker,
  options: FitInWorkerOptions<A> = {},
): Promise<WorkerFit> {
  const owner = 'fitInWorker';
  checkOptions(owner, options, ['args', 'onEvent', 'signal']);
  const { args, onEvent, signal } = options;
  if (onEvent !== undefined) checkFunction(owner, 'onEvent', onEvent, '(event) => void');
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    refuse(ArgumentError, owner, 'signal', { value: signal, expected: 'an AbortSignal' });
  }
  const given = isWorker(worker);
  const running = given ? worker : started(owner, worker);
  try {
    const result = await asked(owner, running, args, onEvent, signal);
    onEvent?.({ type: 'end', history: result.history });
    return result;
  } catch (error) {
    onEvent?.({ type: 'error', error });
    throw error;
  } finally {
    if (!given) await running.terminate();
  }
}

function started(owner: string, url: URL | string): AnyWorker {
  const isAddress = url instanceof URL || (typeof url === 'string' && URL.canParse(url));
  if (!isAddress) {
    refuse(ArgumentError, owner, 'worker', {
      value: url,
      expected: 'a worker, or the address of a module such as new URL("./training.js", import.meta.url)',
    });
  }
  try {
    const running = startedWorker(url);
    if (running !== undefined) return running;
  } catch (cause) {
    throw new RnnError('ERR_WORKER', `${owner}: the worker ${String(url)} cannot be started`, { cause });
  }
  throw new RnnError(
    'ERR_WORKER',
    `${owner}: there are no workers here; expected a page, or Node from 20.16 or 22.3 on`,
  );
}

/** Asks a worker for a training, and waits for its answer. */
function asked(
  owner: string,
  worker: AnyWorker,
  args: unknown,
  onEvent: ((event: FitEvent) => unknown) | undefined,
  signal: AbortSignal | undefined,
): Promise<WorkerFit> {
  const id = ++lastId;
  const { post, listen } = connectionTo(worker);
  return new Promise<WorkerFit>((resolve, reject) => {
    const ask = (request: Request): void => post(request);
    const abort = (): void => ask({ channel: CHANNEL, type: 'abort', id });
    const settled = (settle: () => void): void => {
      unlisten();
      signal?.removeEventListener('abort', abort);
      settle();
    };
    const fail = (error: unknown): void => settled(() => reject(error));
    const begin = (): void => {
      try {
        ask({ channel: CHANNEL, type: 'fit', id, args, isAborted: signal?.aborted === true });
      } catch (cause) {
        fail(
          new ArgumentError(`${owner}: args cannot be sent to another thread; expected plain values and typed arrays`, {
            argument: 'args',
            cause,
          }),
        );
      }
    };
    const unlisten = listen(
      (message) => {
        const answer = answerOf(message);
        if (answer === undefined) return;
        if (answer.type === 'ready') begin();
        else if (answer.id !== id) return;
        else if (answer.type === 'done') settled(() => resolve(answer.result));
        else if (answer.type === 'error') fail(receivedError(answer.error));
        else {
          try {
            onEvent?.(answer.event);
          } catch (error) {
            abort();
            fail(error);
          }
        }
      },
      (cause) => {
        const why = cause instanceof Error ? cause.message : String(cause);
        fail(new RnnError('ERR_WORKER', `${owner}: the worker ended before the training did: ${why}`, { cause }));
      },
    );
    signal?.addEventListener('abort', abort);
    begin();
  });
}
