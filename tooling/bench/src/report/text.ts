import { rateOf } from '../goals.ts';
import { bestOf, type Outcome } from '../results.ts';
import { nameOf } from '../workload.ts';
import { graphicsWork, softwareNote } from './graphics.ts';
import { digits, grid } from './grid.ts';
import type { Run } from './run-report.ts';

/** The whole report. */
export function reportText(run: Run): string {
  const { machine, ceiling } = run;
  const kind = ceiling.isFused ? 'fused multiply-add' : 'multiply and add';
  return [
    `${machine}; 128-bit WebAssembly ceiling (${kind}) ${ceiling.gflops.toFixed(1)} GFLOP/s a thread`,
    [...run.versions].map(([name, version]) => `${name}: ${version}`).join('\n'),
    softwareNote(run),
    titled('Milliseconds, minimum', times(run)),
    titled('The same in times of ours, wasm on one thread', ratios(run)),
    titled('Ours', own(run)),
    titled("The graphics card's work in one call", graphicsWork(run)),
    titled('Goals', goals(run)),
    notes(run),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

const titled = (title: string, text: string): string => (text === '' ? '' : `${title}\n\n${text}`);

/**
 * Marks of a result that is not the work asked for: `!` another result, `~` nothing to compare
 * with.
 */
function timeCell(outcome: Outcome | undefined): string {
  if (outcome === undefined || outcome.type === 'not offered') return '-';
  const way = bestOf(outcome);
  if (way === undefined) return 'failed';
  const mark = way.isRight === true ? ' ' : way.isRight === false ? '!' : '~';
  return digits(way.minimum) + mark;
}

function times({ libraries, results }: Run): string {
  const rows = results.rows.map(({ task, outcomes }) => [
    nameOf(task),
    ...libraries.map(({ name }) => timeCell(outcomes.get(name))),
  ]);
  return grid(['', ...libraries.map(({ title }) => title)], rows);
}

function ratios({ libraries, results }: Run): string {
  const others = libraries.filter(({ name }) => name !== 'wasm');
  const rows = results.rows.flatMap(({ task, outcomes }) => {
    const ours = bestOf(outcomes.get('wasm'))?.minimum;
    if (ours === undefined) return [];
    const cells = others.map(({ name }) => {
      const way = bestOf(outcomes.get(name));
      return way === undefined ? '-' : digits(way.minimum / ours);
    });
    return [[nameOf(task), ...cells]];
  });
  return others.length === 0 || rows.length === 0 ? '' : grid(['', ...others.map(({ title }) => title)], rows);
}

function own({ libraries, results, ceiling }: Run): string {
  const rows = results.rows.flatMap(({ task, outcomes }) =>
    libraries
      .filter(({ family }) => family === 'ours')
      .flatMap(({ name }) => {
        const way = bestOf(outcomes.get(name));
        if (way === undefined) return [];
        const rate = rateOf(task, way.minimum);
        const share = `${((100 * rate) / ceiling.gflops).toFixed(0)} %`;
        const kept = way.keptBytes === undefined ? '' : (way.keptBytes / 1e6).toFixed(1);
        const difference = way.difference?.toExponential(1) ?? '';
        return [[nameOf(task), name, digits(way.minimum), digits(way.median), digits(rate), share, kept, difference]];
      }),
  );
  const header = ['', 'backend', 'minimum\nms', 'median\nms', 'GFLOP/s', 'of the\nceiling', 'kept\nMB', 'difference'];
  return rows.length === 0 ? '' : grid(header, rows, [0, 1]);
}

function goals({ verdicts }: Run): string {
  const rows = verdicts.flatMap(({ title, goal, measured, missedBy }) => {
    if (measured === undefined) return [];
    const excess = Number((100 * ((missedBy ?? 1) - 1)).toPrecision(2));
    return [[title, goal, measured, missedBy === undefined ? 'met' : `missed by ${excess} %`]];
  });
  const open = verdicts.length - rows.length;
  const rest = open === 0 ? '' : `Not measured, since other workloads or libraries are needed: ${open} more.`;
  const table = rows.length === 0 ? '' : grid(['', 'goal', 'measured, worst', ''], rows, [0, 1, 2, 3]);
  return [table, rest].filter((part) => part !== '').join('\n\n');
}

/** What the marks, gaps and failures mean, each once. */
function notes({ libraries, results }: Run): string {
  const found = new Map<string, string[]>();
  const add = (note: string, task: string): void => void found.set(note, [...(found.get(note) ?? []), task]);
  for (const { task, outcomes } of results.rows) {
    for (const { name } of libraries) {
      const outcome = outcomes.get(name);
      if (outcome?.type === 'failed') add(`${name} failed: ${outcome.message.split('\n')[0]}`, nameOf(task));
      if (outcome?.type !== 'measured') continue;
      for (const { variant, note, isRight, difference } of outcome.ways) {
        const who = variant === undefined ? name : `${name} (${variant})`;
        if (note !== undefined) add(`${who}: ${note}`, nameOf(task));
        else if (isRight === false)
          add(`${who}: another result, difference ${difference?.toExponential(1)}`, nameOf(task));
      }
    }
  }
  const lines = [...found].map(
    ([note, tasks]) => `  ${note} [${tasks.length > 2 ? `${tasks.length} rows` : tasks.join(', ')}]`,
  );
  return ["-  not offered   !  another result than PyTorch's   ~  not comparable", ...lines].join('\n');
}
