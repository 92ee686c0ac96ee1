import { cpu } from '@rnn/backend-cpu';
import { backends } from '../src/backends.ts';
import type { ChapterContext } from '../src/chapters/context.ts';
import { readData } from '../src/data/files.ts';

/** What a chapter needs, for tests that look at its result only. */
export async function quietContext(options: Partial<ChapterContext> = {}): Promise<ChapterContext> {
  return { backend: await cpu(), backends, seed: 0, read: readData, report: () => {}, ...options };
}
