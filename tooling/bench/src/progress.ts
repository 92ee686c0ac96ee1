import { Presets, SingleBar } from 'cli-progress';
import type { RunOptions } from './run.ts';
import { bestOf } from './results.ts';
import { digits } from './report/grid.ts';
import { nameOf } from './workload.ts';

/** Shows how far a run is: a bar on a terminal, elsewhere a line for each task. */
export function progressOn(
  stream: NodeJS.WriteStream,
  measurements: number,
): Pick<RunOptions, 'onStart' | 'onRow'> & { stop(): void } {
  if (!stream.isTTY) {
    return {
      onStart: () => {},
      onRow: ({ task, outcomes }) => {
        const cells = [...outcomes].flatMap(([name, outcome]) => {
          const way = bestOf(outcome);
          return way === undefined ? [] : [`${name} ${digits(way.minimum)}`];
        });
        stream.write(`${nameOf(task)}: ${cells.join(', ')} ms\n`);
      },
      stop: () => {},
    };
  }
  const format = '{bar} {value}/{total}  {what}';
  const bar = new SingleBar(
    { stream, format, barsize: 30, clearOnComplete: true, linewrap: true },
    Presets.shades_classic,
  );
  bar.start(measurements, 0, { what: '' });
  let done = 0;
  return {
    onStart: (task, { name }) => bar.update(done++, { what: `${nameOf(task)}, ${name}` }),
    onRow: () => {},
    stop: () => bar.stop(),
  };
}
