import { bareNumbers, isSame, type Comparison } from '../chapters/comparison.ts';
import { pieces } from '../chapters/lesson-pieces.ts';
import type { LessonResult } from '../chapters/lesson.ts';
import { grid } from './grid.ts';
import type { Screen } from './screen.ts';
import type { Summary } from './summary.ts';

/**
 * @param cellSource - the file that the cell is written in
 */
export function showLesson(screen: Screen, result: LessonResult, cellSource: string): void {
  screen.say('A cell of ten lines, as a PyTorch lesson writes it. This is the file that runs:');
  showCode(screen, cellSource.trimEnd().split('\n'));
  screen.say('The seed gives the weights and the input that PyTorch draws from it:');
  showCode(screen, pieces.draw);
  showComparisons(screen, result.draws);
  screen.print();
  screen.say('The lesson prints the state after each of five steps:');
  showCode(screen, pieces.run);
  showComparisons(screen, result.lines);
  screen.print();
  screen.say('And how the last state, squared and summed, depends on each weight:');
  showCode(screen, pieces.differentiate);
  showComparisons(screen, result.gradients);
}

export function summariseLesson({ draws, lines, gradients }: LessonResult): Summary[] {
  const all = [...draws, ...lines, ...gradients];
  const same = all.filter(isSame).length;
  return [{ what: 'a hand-written RNN cell', result: `${same} of ${all.length} arrays`, beside: 'as in PyTorch' }];
}

function showCode(screen: Screen, lines: readonly string[]): void {
  screen.print();
  for (const line of lines) screen.print(`  ${screen.paint('dim', '│')} ${screen.paint('cyan', line)}`.trimEnd());
  screen.print();
}

function showComparisons(screen: Screen, comparisons: readonly Comparison[]): void {
  const rows = comparisons.map((comparison) => [
    comparison.name,
    bareNumbers(comparison.here),
    bareNumbers(comparison.torch),
    isSame(comparison) ? screen.paint('green', 'same') : screen.paint('red', 'DIFFERS'),
  ]);
  screen.print(grid(screen, ['', 'here', 'PyTorch', ''], rows));
}
