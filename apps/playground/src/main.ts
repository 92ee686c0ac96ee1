import { readFile } from 'node:fs/promises';
import { BackendError } from '@rnn/core';
import { backends } from './backends.ts';
import { runOwnSeries } from './chapters/own-series.ts';
import { readData } from './data/files.ts';
import { parseSeries } from './data/own-series.ts';
import { readOptions } from './options.ts';
import { showCode } from './terminal/code.ts';
import { progressOn } from './terminal/progress.ts';
import { showOwnSeries } from './terminal/show-own-series.ts';
import { screenOn } from './terminal/screen.ts';
import { runTour } from './tour.ts';

const { backend, code, data, column, ...options } = readOptions(process.argv.slice(2));
const screen = screenOn(process.stdout);

// Whoever reads may have seen enough, as in `npm start | head`: then there is nobody left to show
// anything to.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

if (code) for (const stop of options.only) await showCode(screen, stop.code);
else if (data !== undefined) await runOwn(data);
else await takeTour();

/** The tour; a backend that cannot run here says why, without a stack. */
async function takeTour(): Promise<void> {
  const chosen = await backends[backend]().catch((error: unknown) => {
    if (!(error instanceof BackendError)) throw error;
    console.error(`error: ${error.message}`);
    process.exitCode = 1;
  });
  if (chosen !== undefined) await runTour(screen, { ...options, backend: chosen });
}

/** Forecasts a series of the user's own; what is wrong with the file is said without a stack. */
async function runOwn(file: string): Promise<void> {
  try {
    const series = parseSeries(await readFile(file, 'utf8'), column);
    const context = {
      ...options,
      backends,
      backend: await backends[backend](),
      read: readData,
      report: progressOn(screen),
    };
    showOwnSeries(screen, await runOwnSeries(series, context));
  } catch (error) {
    if (!(error instanceof RangeError) && !(error instanceof Error && 'syscall' in error)) throw error;
    console.error(`error: ${file}: ${error.message}`);
    process.exitCode = 1;
  }
}
