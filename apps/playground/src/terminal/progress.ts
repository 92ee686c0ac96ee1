import { Presets, SingleBar } from 'cli-progress';
import type { Progress } from '../chapters/context.ts';
import type { Screen } from './screen.ts';

/**
 * Shows the training of one network after another: a bar that moves while it lasts, then one line
 * that stays. In a pipe there is only the line.
 *
 * @returns the function that a chapter reports to
 */
export function progressOn(screen: Screen): (progress: Progress) => void {
  let bar: SingleBar | undefined;
  let losses: number[] = [];
  let start = 0;
  return ({ task, step, steps, loss, epoch }) => {
    if (step === 1) {
      losses = [];
      start = performance.now();
      bar = barOn(screen, task, steps);
    }
    losses.push(loss);
    bar?.update(step, { loss: loss.toFixed(3) });
    if (step === steps) {
      bar?.stop();
      bar = undefined;
      const seconds = (performance.now() - start) / 1000;
      screen.print(`  ${task.padEnd(5)} ${steps} steps, ${courseOf(losses, epoch)}, ${seconds.toFixed(1)} s`);
    }
  };
}

/**
 * How the loss fell: its mean over the first and the last pass, since that of one batch is mostly
 * chance.
 */
function courseOf(losses: readonly number[], epoch: number): string {
  const mean = (part: readonly number[]): string =>
    (part.reduce((sum, loss) => sum + loss, 0) / part.length).toFixed(3);
  if (losses.length < 2 * epoch) return `mean loss ${mean(losses)}`;
  return `loss of the first pass ${mean(losses.slice(0, epoch))}, of the last ${mean(losses.slice(-epoch))}`;
}

function barOn({ terminal }: Screen, task: string, steps: number): SingleBar | undefined {
  if (terminal === undefined) return undefined;
  const bar = new SingleBar(
    {
      stream: terminal,
      format: `  ${task.padEnd(5)} {bar} {value}/{total}  loss {loss}  {eta_formatted} left`,
      barsize: 30,
      clearOnComplete: true,
      // The bar fits the line; whoever interrupts it keeps the terminal as it was.
      linewrap: true,
    },
    Presets.shades_classic,
  );
  bar.start(steps, 0, { loss: '' });
  return bar;
}
