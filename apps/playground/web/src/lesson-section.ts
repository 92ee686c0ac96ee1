// oxlint-disable-next-line import/default -- the text of the file is what Vite makes its default export
import cellSource from '../../src/chapters/simple-rnn-cell.ts?raw';
import { bareNumbers, isSame, type Comparison } from '../../src/chapters/comparison.ts';
import { pieces } from '../../src/chapters/lesson-pieces.ts';
import type { LessonResult } from '../../src/chapters/lesson.ts';
import { find, make } from './elements.ts';

const root = find(document, '#lesson', HTMLElement);

/** The lesson's code, and what each piece of it prints here and in PyTorch. */
export function showLesson(result: LessonResult): void {
  const { draws, lines, gradients } = result;
  find(root, '#lesson-cell', HTMLElement).textContent = cellSource.trimEnd();
  find(root, '#lesson-parts', HTMLElement).replaceChildren(
    ...part('The seed gives the weights and the input that PyTorch draws from it:', pieces.draw, draws),
    ...part('The lesson prints the state after each of five steps:', pieces.run, lines),
    ...part('And how the last state, squared and summed, depends on each weight:', pieces.differentiate, gradients),
  );
  const all = [...draws, ...lines, ...gradients];
  const same = all.filter(isSame).length;
  find(root, '.result', HTMLElement).textContent = `${same} of ${all.length} print as in PyTorch.`;
}

function part(text: string, code: readonly string[], comparisons: readonly Comparison[]): Node[] {
  return [
    make('p', text),
    make('pre', [make('code', code.join('\n'))], { tabindex: '0', 'aria-label': 'Code' }),
    make('div', [tableOf(comparisons)], { class: 'wide', tabindex: '0', role: 'group', 'aria-label': 'Numbers' }),
  ];
}

function tableOf(comparisons: readonly Comparison[]): HTMLTableElement {
  const head = ['', 'here', 'PyTorch', ''].map((title) => make('th', title, { scope: 'col' }));
  const rows = comparisons.map((comparison) => {
    const same = isSame(comparison);
    return make('tr', [
      make('th', comparison.name, { scope: 'row' }),
      make('td', [make('code', bareNumbers(comparison.here))], { 'data-label': 'here' }),
      make('td', [make('code', bareNumbers(comparison.torch))], { 'data-label': 'PyTorch' }),
      make('td', same ? 'same' : 'differs', { class: same ? 'same' : 'differs' }),
    ]);
  });
  return make('table', [make('thead', [make('tr', head)]), make('tbody', rows)], { class: 'numbers' });
}
