import { readFile } from 'node:fs/promises';
import { cpu } from '@rnn/backend-cpu';
import { expect, test } from 'vitest';
import { runLesson } from '../src/chapters/lesson.ts';
import { readData } from '../src/data/files.ts';

test('try', async () => {
  const t=performance.now();
  const r = await runLesson({ backend: await cpu(), seed: 0, read: readData, report: () => {} });
  console.log(performance.now()-t, JSON.stringify(r, undefined, 1));
});
