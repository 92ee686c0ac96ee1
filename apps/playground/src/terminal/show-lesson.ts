import type { Comparison, LessonResult } from '../chapters/lesson.ts';
import { grid } from './grid.ts';
import type { Screen } from './screen.ts';
import type { Summary } from './summary.ts';

/** What the chapter ran, piece by piece. A test holds these lines to its source. */
export const pieces = {
  draw: ['manualSeed(0);', 'const cell = new SimpleRNNCell(3, 2);', 'const x = randn([5, 3]);'],
  run: [
    'let h = zeros([2]);',
    'for (const [t, xt] of x.unbind(0).entries()) {',
    '  h = cell.forward(xt, h);',
    '  print(`Time step ${t}: h_t = ${String(h)}`);',
    '}',
  ],
  differentiate: ['h.square().sum().backward();'],
} as const;

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
  const same = all.filter(({ here, torch }) => here === torch).length;
  return [{ what: 'SimpleRNNCell', result: `${same} of ${all.length} as in PyTorch`, beside: '' }];
}

function showCode(screen: Screen, lines: readonly string[]): void {
  screen.print();
  for (const line of lines) screen.print(`  ${screen.paint('dim', '│')} ${screen.paint('cyan', line)}`.trimEnd());
  screen.print();
}

/** The numbers of a printed line or tensor alone: so two fit side by side. */
function bare(printed: string): string {
  return printed
    .replace(/^.*tensor\(/, '')
    .replace(/(, grad_fn=.*)?\)$/, '')
    .replaceAll('\n       ', '\n');
}

function showComparisons(screen: Screen, comparisons: readonly Comparison[]): void {
  const rows = comparisons.map(({ name, here, torch }) => [
    name,
    bare(here),
    bare(torch),
    here === torch ? screen.paint('green', 'same') : screen.paint('red', 'DIFFERS'),
  ]);
  screen.print(grid(screen, ['', 'here', 'PyTorch', ''], rows));
}
