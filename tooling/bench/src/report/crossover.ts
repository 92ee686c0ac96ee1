import { bestOf, type Row } from '../results.ts';
import type { Kind } from '../workload.ts';
import type { Run } from './run-report.ts';

const cards = ['webgl2', 'webgpu'];
const processors = ['cpu', 'wasm', 'wasm-2'];

const titles: Readonly<Record<Kind, string>> = {
  product: 'the input product alone',
  forward: 'forward',
  train: 'a training step',
  step: 'one step',
};

/**
 * In a sentence for each card and kind of work, from which size on the card is faster than the best
 * backend on the processor.
 */
export function crossoverText({ results, libraries }: Run): string {
  const shown = cards.filter((card) => libraries.some(({ name }) => name === card));
  const kinds = [...new Set(results.rows.map(({ task }) => task.kind))];
  return shown
    .flatMap((card) =>
      kinds.map((kind) =>
        sentence(
          card,
          kind,
          results.rows.filter(({ task }) => task.kind === kind),
        ),
      ),
    )
    .join('\n');
}

function sentence(card: string, kind: Kind, rows: readonly Row[]): string {
  const compared = rows.flatMap(({ task: { workload }, outcomes }) => {
    const time = (name: string): number => bestOf(outcomes.get(name))?.minimum ?? Infinity;
    const [own, best] = [time(card), Math.min(...processors.map(time))];
    return Number.isFinite(own) && Number.isFinite(best) ? [{ size: workload.H, gain: best / own }] : [];
  });
  const begin = `${card}, ${titles[kind]}:`;
  const last = compared.at(-1);
  if (last === undefined) return `${begin} not measured`;
  // From this size on it stays ahead.
  let first = compared.length;
  while (first > 0 && compared[first - 1].gain > 1) first--;
  const atEnd = `${last.gain.toPrecision(2)} times as fast as the processor at ${last.size} units`;
  return first === compared.length
    ? `${begin} slower up to the largest size measured; ${atEnd}`
    : `${begin} faster from ${compared[first].size} units on; ${atEnd}`;
}
