import type { VowelsResult } from '../chapters/vowels.ts';
import { lineChart } from './chart.ts';
import { grid } from './grid.ts';
import type { Screen } from './screen.ts';
import type { Summary } from './summary.ts';

export function showVowels(screen: Screen, result: VowelsResult): void {
  const { trainingUtterances, shortest, longest, losses, speakers, accuracy } = result;
  const total = speakers.reduce((sum, { utterances }) => sum + utterances, 0);
  screen.print();
  screen.say(
    `Learned from ${trainingUtterances} utterances of ${shortest} to ${longest} steps. How the loss fell while it did:`,
  );
  screen.print();
  screen.print(lossChart(screen, losses));
  screen.print();
  screen.say(`Of ${total} other utterances it knows the speaker of ${(100 * accuracy).toFixed(1)} %:`);
  screen.print();
  const rows = speakers.map(({ utterances, right }, i) => [
    String(i + 1),
    `${right} of ${utterances}`,
    '█'.repeat(Math.round((30 * right) / utterances)),
  ]);
  screen.print(grid(screen, ['speaker', 'recognised', ''], rows, ['right', 'right']));
}

export function summariseVowels({ accuracy }: VowelsResult): Summary[] {
  return [
    {
      what: 'GRU tells speakers apart',
      result: `${(100 * accuracy).toFixed(1)} % right`,
      beside: 'by chance: 11 %',
    },
  ];
}

function lossChart(screen: Screen, losses: readonly number[]): string {
  const last = losses.length;
  const ticks = [...new Set([1, 2, 3, 4, 5].map((fifth) => Math.max(1, Math.round((last * fifth) / 5))))];
  const top = Math.max(1, Math.ceil(Math.max(...losses)));
  return lineChart(
    screen,
    { name: 'loss of each training step', colour: 'cyan', points: losses.map((loss, i) => [i + 1, loss]) },
    { xTicks: ticks, yTicks: Array.from({ length: top + 1 }, (_, i) => i) },
  );
}
