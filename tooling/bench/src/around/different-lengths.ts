import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { manualSeed, randn } from '@rnn/core';
import { GRU, LSTM, RNN } from '@rnn/nn';
import { digits } from '../report/grid.ts';
import type { Row, Section } from './section.ts';
import { bestStep } from './trained-step.ts';

const [STEPS, ROWS, FEATURES, UNITS] = [64, 32, 64, 128];
const RUNS = 8;

/** A training step on sequences of 1 to 64 steps, of which half are padding together. */
export function differentLengths(python: string | undefined): Section {
  const lengths = Array.from({ length: ROWS }, (_, row) => 1 + Math.round((row / (ROWS - 1)) * (STEPS - 1)));
  const layers = {
    RNN: () => new RNN(FEATURES, UNITS),
    LSTM: () => new LSTM(FEATURES, UNITS),
    GRU: () => new GRU(FEATURES, UNITS),
  };
  const cellsOf = (all: number, part: number): string[] => [digits(all), digits(part), (part / all).toFixed(2)];
  const ours = Object.entries(layers).map(([name, make]): Row => ({
    name: `@rnn, ${name}, lengths`,
    cells: () => {
      manualSeed(0);
      const model = make() as GRU;
      const x = randn([STEPS, ROWS, FEATURES]);
      const all = bestStep(model, () => model.forward(x)[0], RUNS);
      return cellsOf(
        all,
        bestStep(model, () => model.forward(x, undefined, { lengths })[0], RUNS),
      );
    },
  }));
  const script = fileURLToPath(new URL('../../peers/packed.py', import.meta.url));
  const theirs = python === undefined ? [] : Object.keys(layers);
  return {
    title: `A training step, ${ROWS} rows of ${STEPS} steps, ${UNITS} units, in ms; half is padding`,
    header: ['', 'all steps', 'without padding', 'quotient'],
    rows: [
      ...ours,
      ...theirs.map((name): Row => ({
        name: `PyTorch, ${name}, packed`,
        cells: () => {
          const args = [script, name, ...[STEPS, ROWS, FEATURES, UNITS, RUNS].map(String), lengths.join()];
          const said = execFileSync(python ?? '', args, { encoding: 'utf8' });
          const [all, part] = JSON.parse(said) as [number, number];
          return cellsOf(all, part);
        },
      })),
    ],
  };
}
