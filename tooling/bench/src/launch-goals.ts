import { verdictOf, type Goal, type Part, type Verdict } from './goals.ts';
import type { Results } from './results.ts';
import type { Kind } from './workload.ts';

const cards = ['webgl2', 'webgpu'];

/** So many steps that what is done once for all of them counts little in the average. */
const LONG = 50;

/**
 * Judges the goals of a graphics card. How many kernels a step starts is the same on every card and
 * in software, so it can be judged anywhere;
 * how long they take cannot.
 */
export function judgeLaunches(results: Results): Verdict[] {
  /** Kernels started for each step of the sequence; what is done once for all steps counts in. */
  const launches = (kind: Kind): Part[] =>
    results.rows
      .filter(({ task: { workload } }) => workload.cell === 'lstm' && workload.variant === undefined)
      .filter(({ task: { workload } }) => workload.T >= LONG)
      .filter(({ task }) => task.kind === kind)
      .flatMap(({ task: { workload } }) =>
        cards.map((card): Part => {
          const work = results.way(workload.id, kind, card)?.work;
          const steps = workload.T * workload.layers * workload.dirs;
          return { label: `${workload.id}, ${card}`, value: work && work.launches / steps };
        }),
      );
  const goal = (title: string, limit: number, parts: readonly Part[]): Goal => ({
    title,
    limit,
    unit: 'launches',
    direction: 'at most',
    parts,
  });
  return [
    goal('LSTM forward, a step', 3, launches('forward')),
    goal('LSTM training, a step', 8, launches('train')),
  ].map(verdictOf);
}
