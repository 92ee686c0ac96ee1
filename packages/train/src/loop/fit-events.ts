import type { Tree } from '@rnn/core';
import type { Module } from '@rnn/nn';
import { fit } from './fit.js';
import type { FitEvent } from './fit-event.js';
import { checkFitOptions, type FitOptions } from './fit-options.js';
import type { Batches } from './pieces.js';

/**
 * Trains a model as `fit` does, and gives what happens as events: the last is `end`, with the
 * history. The training waits for whoever reads, and leaving the loop ends it after the step under
 * way.
 *
 * @example
 * ```ts
 * for await (const event of fitEvents(model, loader, { loss, optimizer, epochs: 10 })) {
 *   if (event.type === 'epoch') console.log(event.epoch, event.loss);
 *   if (event.type === 'step' && event.loss < 0.01) break;
 * }
 * ```
 * @param model - any module
 * @param data - as `fit` takes it
 * @param options - as `fit` takes them; its callbacks are called, too
 * @returns the events in their order; the training begins when the first one is asked for
 * @throws what `fit` throws, in the place of the next event
 *
 * Differs from PyTorch: has no counterpart there.
 */
export async function* fitEvents<M extends Module, B, S extends Tree = Tree>(
  model: M,
  data: Batches<B>,
  options: FitOptions<M, B, S>,
): AsyncGenerator<FitEvent, void, undefined> {
  checkFitOptions(options);
  const handover = new Handover<FitEvent>();
  const left = new AbortController();
  const signals = [left.signal, ...(options.signal === undefined ? [] : [options.signal])];
  const running = fit(model, data, {
    ...options,
    callbacks: [...(options.callbacks ?? []), (event) => (event.type === 'error' ? undefined : handover.give(event))],
    signal: AbortSignal.any(signals),
  });
  const over = running.then(
    () => handover.close(),
    () => handover.close(),
  );
  try {
    for (;;) {
      const event = await handover.take();
      if (event === undefined) break;
      yield event;
    }
    await running;
  } finally {
    left.abort();
    handover.close();
    await over;
  }
}

/**
 * Hands one value after another from a giver to a taker; the giver waits until the taker asks for
 * the next.
 */
class Handover<T> {
  private value: T | undefined;
  private isClosed = false;
  private wakeTaker: () => void = nothing;
  private wakeGiver: () => void = nothing;

  /** Resolves when the value was taken and the next is asked for. */
  async give(value: T): Promise<void> {
    if (this.isClosed) return;
    this.value = value;
    this.wakeTaker();
    await new Promise<void>((resolve) => {
      this.wakeGiver = resolve;
    });
  }

  /** The next value; `undefined` when there will be none. */
  async take(): Promise<T | undefined> {
    if (this.value === undefined && !this.isClosed) {
      this.wakeGiver();
      await new Promise<void>((resolve) => {
        this.wakeTaker = resolve;
      });
    }
    const { value } = this;
    this.value = undefined;
    return value;
  }

  close(): void {
    this.isClosed = true;
    this.wakeTaker();
    this.wakeGiver();
  }
}

function nothing(): void {
  // Nobody waits yet.
}
