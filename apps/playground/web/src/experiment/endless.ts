import type { DataLoader } from '@rnn/train';

/** The batches of one pass after another. */
export function* endless<B>(loader: DataLoader<B>): Generator<B, never> {
  for (;;) yield* loader;
}
