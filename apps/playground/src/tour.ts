import type { Backend } from '@rnn/core';
import { backends } from './backends.ts';
import type { Duration } from './chapters/context.ts';
import { readData } from './data/files.ts';
import { stops, type Stop } from './stops.ts';
import { grid } from './terminal/grid.ts';
import { progressOn } from './terminal/progress.ts';
import { pauseOn } from './terminal/pause.ts';
import type { Screen } from './terminal/screen.ts';

export interface TourOptions {
  readonly backend: Backend;
  readonly seed: number;
  /** Training of each network; every chapter's own choice if left out. */
  readonly duration?: Duration;
  /** Which stops, in the order of the tour. */
  readonly only: readonly Stop[];
}

/** Goes from stop to stop and closes with a table of what came out. */
export async function runTour(screen: Screen, { backend, seed, duration, only }: TourOptions): Promise<void> {
  const { name, device } = backend.info;
  screen.say(`Backend ${name} (${device}), seed ${seed}.`);

  const context = { backend, backends, seed, duration, read: readData, report: progressOn(screen) };
  const rows: string[][] = [];
  let total = 0;
  for (const [i, stop] of only.entries()) {
    if (i > 0 && !(await pauseOn(screen, process.stdin))) break;
    const number = String(stops.indexOf(stop) + 1);
    showTitle(screen, `${number}  ${stop.title}`);
    const start = performance.now();
    const summaries = await stop.visit(context, screen);
    const seconds = (performance.now() - start) / 1000;
    total += seconds;
    for (const [i, { what, result, beside }] of summaries.entries()) {
      rows.push(i === 0 ? [number, what, result, beside, `${seconds.toFixed(1)} s`] : ['', what, result, beside, '']);
    }
  }

  showTitle(screen, 'What came out');
  screen.print(
    grid(
      screen,
      ['', 'what', 'result', 'to compare', 'time'],
      [...rows, ['', '', '', 'in all', `${total.toFixed(1)} s`]],
      ['left', 'left', 'left', 'left', 'right'],
    ),
  );
  screen.print();
  screen.say('What next:');
  for (const [command, what] of next) screen.print(`  ${screen.paint('cyan', command.padEnd(30))} ${what}`);
}

/** What somebody who has seen the tour may want to do. */
const next: readonly (readonly [command: string, what: string])[] = [
  ['npm start -- --code', 'the lines behind each chapter'],
  ['npm start -- --data my.csv', 'an LSTM forecasts a column of your own file'],
  ['npm run page', 'watch networks learn in the browser'],
];

function showTitle(screen: Screen, title: string): void {
  screen.print();
  screen.print(screen.paint('bold', `${title} ${'─'.repeat(screen.width - title.length - 1)}`));
  screen.print();
}
