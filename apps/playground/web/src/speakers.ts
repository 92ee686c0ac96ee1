import type { VowelsResult } from '../../src/chapters/vowels.ts';
import { counted, find, make } from './elements.ts';

const table = find(document, '#vowels-speakers', HTMLTableElement);

/** Fills the table of speakers; says how many utterances were recognised. */
export function showSpeakers({ speakers, accuracy, steps }: VowelsResult): string {
  const rows = speakers.map(({ utterances, right }, i) => {
    const bar = make('div', [], { class: 'bar' });
    bar.style.width = `${(100 * right) / utterances}%`;
    return make('tr', [
      make('th', String(i + 1), { scope: 'row' }),
      make('td', `${right} of ${utterances}`),
      make('td', [make('div', [bar], { class: 'track' })]),
    ]);
  });
  find(table, 'tbody', HTMLElement).replaceChildren(...rows);
  table.hidden = false;
  const total = speakers.reduce((sum, { utterances }) => sum + utterances, 0);
  return `After ${counted(steps, 'step')} the GRU knows the speaker of ${(100 * accuracy).toFixed(1)} % of ${total} utterances; by chance it would be 11 %.`;
}
