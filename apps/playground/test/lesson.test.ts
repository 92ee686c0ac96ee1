import { readFile } from 'node:fs/promises';
import { cpu } from '@rnn/backend-cpu';
import { manualSeed, randn, setBackend, tensor, zeros } from '@rnn/core';
import { beforeAll, expect, test } from 'vitest';
import { pieces } from '../src/chapters/lesson-pieces.ts';
import { runLesson } from '../src/chapters/lesson.ts';
import { SimpleRNNCell } from '../src/chapters/simple-rnn-cell.ts';
import { readData } from '../src/data/files.ts';
import { parseLesson, type Lesson } from '../src/data/lesson.ts';
import { quietContext } from './context.ts';

let lesson: Lesson;

beforeAll(async () => {
  setBackend(await cpu());
  lesson = parseLesson(await readData('lesson.json'));
});

test('prints the five lines of the lesson, and its draws and gradients, as PyTorch does', async () => {
  const { draws, lines, gradients } = await runLesson(await quietContext());
  expect(lines.map(({ here }) => here)).toEqual(lesson.printed);
  for (const { here, torch } of [...draws, ...gradients]) expect(here).toBe(torch);
});

test('draws exactly the weights and the input that PyTorch draws from seed 0', () => {
  manualSeed(0);
  const cell = new SimpleRNNCell(3, 2);
  const x = randn([5, 3]);
  expect(cell.Wh.toArray()).toEqual(lesson.W_h);
  expect(cell.Wx.toArray()).toEqual(lesson.W_x);
  expect(cell.b.toArray()).toEqual(lesson.b);
  expect(x.toArray()).toEqual(lesson.x);
});

test('reaches the states, the loss and the gradients of PyTorch from its numbers', () => {
  const cell = new SimpleRNNCell(3, 2);
  cell.loadStateDict({ Wh: tensor(lesson.W_h), Wx: tensor(lesson.W_x), b: tensor(lesson.b) });
  let h = zeros([2]);
  for (const [t, x] of lesson.x.entries()) {
    h = cell.forward(tensor(x), h);
    expectClose(h.toArray(), lesson.h[t]);
  }
  const loss = h.square().sum();
  loss.backward();
  expectClose(loss.item(), lesson.loss_value);
  expectClose(cell.Wh.grad?.toArray(), lesson.grad.W_h);
  expectClose(cell.Wx.grad?.toArray(), lesson.grad.W_x);
  expectClose(cell.b.grad?.toArray(), lesson.grad.b);
});

test('shows the lines that it runs', async () => {
  const source = await readFile(new URL('../src/chapters/lesson.ts', import.meta.url), 'utf8');
  const lines = source.split('\n').map((line) => line.replace(/ \/\/.*/, '').trim());
  for (const piece of Object.values(pieces)) {
    const start = lines.indexOf(piece[0].trim());
    expect(lines.slice(start, start + piece.length)).toEqual(piece.map((line) => line.trim()));
  }
});

/** As the reference cases: |ours - PyTorch's| / max(1, |PyTorch's|) <= 1e-6. */
function expectClose(ours: unknown, torch: unknown): void {
  const [a, b] = [[ours].flat(3) as number[], [torch].flat(3) as number[]];
  expect(a).toHaveLength(b.length);
  for (const [i, value] of b.entries())
    expect(Math.abs(a[i] - value) / Math.max(1, Math.abs(value))).toBeLessThanOrEqual(1e-6);
}
