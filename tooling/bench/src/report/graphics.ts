import { bestOf } from '../results.ts';
import { nameOf } from '../workload.ts';
import { digits, grid } from './grid.ts';
import type { Run } from './run-report.ts';

/** Names that drivers have which compute on the processor. */
const SOFTWARE = /swiftshader|llvmpipe|lavapipe|softpipe|software|basic render/i;

/**
 * What the work costs the graphics card, whatever the card is: kernels started and bytes moved.
 * Empty without a card.
 */
export function graphicsWork({ libraries, results }: Run): string {
  const rows = results.rows.flatMap(({ task, outcomes }) =>
    libraries.flatMap(({ name }) => {
      const work = bestOf(outcomes.get(name))?.work;
      if (work === undefined) return [];
      const { T, layers, dirs } = task.workload;
      const { launches, bytesMoved } = work;
      const perStep = task.kind === 'product' ? '' : digits(launches / (T * layers * dirs));
      return [[nameOf(task), name, String(launches), perStep, digits(bytesMoved / 1000)]];
    }),
  );
  return rows.length === 0 ? '' : grid(['', 'backend', 'launches', 'a step', 'kB moved'], rows, [0, 1]);
}

/** A warning where a graphics card is one in software. Empty otherwise. */
export function softwareNote({ versions }: Run): string {
  const found = [...versions].flatMap(([name, version]) => (SOFTWARE.test(version) ? [name] : []));
  if (found.length === 0) return '';
  return (
    `The graphics card of ${found.join(', ')} is a program on the processor here: these times say nothing about a real card.\n` +
    'What counts are the kernels that a step starts and the bytes that it moves, below.'
  );
}
