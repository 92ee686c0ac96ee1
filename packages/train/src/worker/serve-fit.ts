import { ArgumentError, type Tensor, type Tree } from '@rnn/core';
import { checkFunction, refuse } from '@rnn/core/checks';
import type { Module } from '@rnn/nn';
import { fit } from '../loop/fit.js';
import type { FitOptions } from '../loop/fit-options.js';
import type { Batches } from '../loop/pieces.js';
import { CHANNEL, requestOf, type Answer, type HostState, type WorkerFit } from './protocol.js';
import { sentError } from './sent-error.js';
import { parentConnection } from './threads.js';

/** A training, put together: what `fit` takes. */
export interface FitSetup<M extends Module, B, S extends Tree = Tree> {
  readonly model: M;
  readonly data: Batches<B>;
  readonly options: FitOptions<M, B, S>;
}

/** An answer without what all have. */
type Sent = Answer extends infer Each ? (Each extends Answer ? Omit<Each, 'channel'> : never) : never;

/**
 * Makes the module that calls it a worker that trains: `fitInWorker`, in another thread, starts the
 * training and gets its events, its history and what the model has learned.
 *
 * @example
 * ```ts
 * // training.ts
 * serveFit(async ({ seed, epochs }: { seed: number; epochs: number }) => {
 *   setBackend(await cpu());
 *   manualSeed(seed);
 *   const model = new Forecast();
 *   const optimizer = new Adam(model.parameters(), { lr: 0.01 });
 *   return { model, data: await load(), options: { loss, optimizer, epochs } };
 * });
 * ```
 * @param setup - puts model, data and options together, for the arguments that `fitInWorker` was
 *   given
 * @throws ArgumentError when `setup` is no function, or outside of a worker
 *
 * Differs from PyTorch: has no counterpart there.
 */
export function serveFit<M extends Module, B, S extends Tree = Tree>(
  setup: (args: never) => FitSetup<M, B, S> | Promise<FitSetup<M, B, S>>,
): void {
  checkFunction('serveFit', 'setup', setup, '(args) => { model, data, options }');
  const parent = parentConnection();
  if (parent === undefined) {
    refuse(ArgumentError, 'serveFit', 'setup', {
      received: 'given in the main thread',
      expected: 'a worker, which fitInWorker starts from the address of the module',
    });
  }
  const post = (answer: Sent): void => parent.post({ channel: CHANNEL, ...answer });
  const running = new Map<number, AbortController>();
  parent.listen((message) => {
    const request = requestOf(message);
    if (request === undefined) return;
    const { id } = request;
    if (request.type === 'abort') {
      running.get(id)?.abort();
      return;
    }
    if (running.has(id)) return;
    const controller = new AbortController();
    running.set(id, controller);
    if (request.isAborted) controller.abort();
    void answered(async () => trained(await setup(request.args as never), id, controller.signal, post)).then((answer) =>
      post({ ...answer, id }),
    );
  });
  post({ type: 'ready' });
}

/** What a training comes to, or why it does not. */
async function answered(
  train: () => Promise<WorkerFit>,
): Promise<{ type: 'done'; result: WorkerFit } | { type: 'error'; error: ReturnType<typeof sentError> }> {
  try {
    return { type: 'done', result: await train() };
  } catch (error) {
    return { type: 'error', error: sentError(error) };
  }
}

async function trained<M extends Module, B, S extends Tree>(
  { model, data, options }: FitSetup<M, B, S>,
  id: number,
  signal: AbortSignal,
  post: (answer: Sent) => void,
): Promise<WorkerFit> {
  const { callbacks = [], averaged } = options;
  const history = await fit(model, data, {
    ...options,
    signal: options.signal === undefined ? signal : AbortSignal.any([signal, options.signal]),
    callbacks: [
      ...callbacks,
      (event) => {
        // The end and an error are told by the answer.
        if (event.type !== 'error' && event.type !== 'end') post({ type: 'event', id, event });
      },
    ],
  });
  return {
    history,
    state: await hostState(model.stateDict()),
    ...(averaged === undefined ? {} : { averaged: await hostState(averaged.module.stateDict()) }),
  };
}

/** Copies tensors to the host, and frees them. */
async function hostState(state: Readonly<Record<string, Tensor>>): Promise<HostState> {
  const entries = Object.entries(state).map(async ([name, tensor]) => {
    const data = (await tensor.data()).slice();
    const { shape } = tensor;
    tensor.dispose();
    return [name, { shape, data }] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}
