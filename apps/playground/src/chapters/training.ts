import { setBackend } from '@rnn/core';
import type { Module } from '@rnn/nn';
import { Adam, fit, type DataLoader, type LossFunction } from '@rnn/train';
import type { ChapterContext } from './context.ts';

/** What to train, and how long. */
interface Task<M extends Module, B> {
  /** Its name in reports. */
  readonly task: string;
  readonly model: M;
  readonly data: DataLoader<B>;
  readonly loss: LossFunction<M, B>;
  readonly steps: number;
}

/** What came of it. */
export interface Trained {
  /** Steps done: fewer than asked for if the training was ended early. */
  readonly steps: number;
  /** Every loss that was read. */
  readonly losses: readonly number[];
}

/**
 * How every chapter trains: Adam, gradients clipped at a norm of 1. Between two steps the training
 * moves to another backend where the context says so.
 */
export async function train<M extends Module, B>(task: Task<M, B>, context: ChapterContext): Promise<Trained> {
  const { model, data, loss, steps } = task;
  let { backend } = context;
  using optimizer = new Adam(model.parameters(), { lr: 0.005 });
  const history = await fit(model, data, {
    loss,
    optimizer,
    clipNorm: 1,
    steps,
    logEvery: context.readEvery,
    signal: context.signal,
    onStep: async ({ step, loss }) => {
      context.report({ task: task.task, step, steps, loss, epoch: data.length });
      const next = context.moveTo?.(step);
      if (next === undefined || next === backend) return;
      await model.moveTo(next);
      await optimizer.moveTo(next);
      setBackend(next);
      backend = next;
    },
  });
  return { steps: history.step, losses: history.steps.map(({ loss }) => loss) };
}
