import { cpu } from '@rnn/backend-cpu';
import { manualSeed, randn, scope, setBackend, tensor, zeros, type Tensor, type TensorLike } from '@rnn/core';
import { parseLesson } from '../data/lesson.ts';
import type { Comparison } from './comparison.ts';
import type { ChapterContext } from './context.ts';
import { textOf } from './printed-tensor.ts';
import { SimpleRNNCell } from './simple-rnn-cell.ts';

export interface LessonResult {
  /** Weights and input: both sides drew them from seed 0. */
  readonly draws: readonly Comparison[];
  /** The lesson's output, a line for each time step. */
  readonly lines: readonly Comparison[];
  /** Of the sum of the last state squared, by each weight. */
  readonly gradients: readonly Comparison[];
}

/** The lesson: a cell written by hand, run over five time steps, and its gradients. */
export async function runLesson({ backend, read }: Pick<ChapterContext, 'backend' | 'read'>): Promise<LessonResult> {
  const torch = parseLesson(await read('lesson.json'));
  const host = await cpu();
  setBackend(backend);
  const { cell, x, printed } = scope(runLines);
  using Wh = cell.Wh.detach();
  using Wx = cell.Wx.detach();
  const compare = async (name: string, here: Tensor | undefined, there: TensorLike): Promise<Comparison> => ({
    name,
    here: await textOf(here, host),
    torch: String(tensor(there, { backend: host })),
  });
  const result = {
    draws: [await compare('Wh', Wh, torch.W_h), await compare('Wx', Wx, torch.W_x), await compare('x', x, torch.x)],
    lines: await Promise.all(
      printed.map(async ([text, h], t) => ({
        name: `h_${t}`,
        here: `${text} ${await textOf(h, host)}`,
        torch: torch.printed[t],
      })),
    ),
    gradients: [
      await compare('Wh', cell.Wh.grad, torch.grad.W_h),
      await compare('Wx', cell.Wx.grad, torch.grad.W_x),
      await compare('b', cell.b.grad, torch.grad.b),
    ],
  };
  cell.dispose();
  for (const tensor of [x, ...printed.map(([, h]) => h)]) tensor.dispose();
  return result;
}

/**
 * The code of the lesson. What it prints is kept, since some devices give their numbers only to
 * those who wait.
 */
function runLines(): { cell: SimpleRNNCell; x: Tensor; printed: [text: string, h: Tensor][] } {
  const printed: [string, Tensor][] = [];
  const print = (text: string, h: Tensor): void => void printed.push([text, h]);

  manualSeed(0); // the lesson's own seed, whatever that of the tour
  const cell = new SimpleRNNCell(3, 2);
  const x = randn([5, 3]);

  let h = zeros([2]);
  for (const [t, xt] of x.unbind(0).entries()) {
    h = cell.forward(xt, h);
    print(`Time step ${t}: h_t =`, h);
  }

  h.square().sum().backward();

  return { cell, x, printed };
}
