import { manualSeed, randn, scope, setBackend, tensor, zeros, type Tensor, type TensorLike } from '@rnn/core';
import { parseLesson, type Lesson } from '../data/lesson.ts';
import type { ChapterContext } from './context.ts';
import { SimpleRNNCell } from './simple-rnn-cell.ts';

/** The same numbers as printed here and as PyTorch prints them. */
export interface Comparison {
  readonly name: string;
  readonly here: string;
  readonly torch: string;
}

export interface LessonResult {
  /** Weights and input: both sides drew them from seed 0. */
  readonly draws: readonly Comparison[];
  /** The lesson's output, a line for each time step. */
  readonly lines: readonly Comparison[];
  /** Of the sum of the last state squared, by each weight. */
  readonly gradients: readonly Comparison[];
}

/** The lesson: a cell written by hand, run over five time steps, and its gradients. */
export async function runLesson({ backend, read }: ChapterContext): Promise<LessonResult> {
  const torch = parseLesson(await read('lesson.json'));
  setBackend(backend);
  return scope(() => compareWith(torch));
}

function compareWith(torch: Lesson): LessonResult {
  const printed: string[] = [];
  const print = (line: string): void => void printed.push(line);

  manualSeed(0); // the lesson's own seed, whatever that of the tour
  const cell = new SimpleRNNCell(3, 2);
  const x = randn([5, 3]);

  let h = zeros([2]);
  for (const [t, xt] of x.unbind(0).entries()) {
    h = cell.forward(xt, h);
    print(`Time step ${t}: h_t = ${String(h)}`);
  }

  h.square().sum().backward();

  const result = {
    draws: [
      compare('Wh', cell.Wh.detach(), torch.W_h),
      compare('Wx', cell.Wx.detach(), torch.W_x),
      compare('x', x, torch.x),
    ],
    lines: printed.map((here, t) => ({ name: `h_${t}`, here, torch: torch.printed[t] })),
    gradients: [
      compare('Wh', cell.Wh.grad, torch.grad.W_h),
      compare('Wx', cell.Wx.grad, torch.grad.W_x),
      compare('b', cell.b.grad, torch.grad.b),
    ],
  };
  cell.dispose();
  return result;
}

function compare(name: string, here: Tensor | undefined, torch: TensorLike): Comparison {
  return { name, here: String(here), torch: String(tensor(torch)) };
}
