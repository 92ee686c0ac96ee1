import { wasm } from '@rnn/backend-wasm';
import { setBackend } from '@rnn/core';
import { differentLengths } from './different-lengths.ts';
import { eventLoop } from './event-loop.ts';
import { firstSteps } from './first-steps.ts';
import { flatLoops } from './flat-loops.ts';
import { parallelInTime } from './parallel-in-time.ts';
import { Columns, type Section } from './section.ts';
import { streaming } from './streaming.ts';

export interface AroundOptions {
  /** A Python with torch, to stand beside. */
  readonly python: string | undefined;
  /** Only rows whose name or title contains it. */
  readonly filter: string | undefined;
  /** Milliseconds of measurement, where it is a matter of time. */
  readonly time: number;
  /** Milliseconds after which a first step is given up. */
  readonly patience: number;
}

const FLAT_STEPS = 10_000;

/**
 * Prints times and sizes of what stands around a layer: from import to the first trained step,
 * sequences of different lengths, long linear recurrences, streams, and what loops leave to others.
 * Each row is printed when it has been measured, its name before.
 */
export async function runAround({ python, filter, time, patience }: AroundOptions): Promise<void> {
  const backend = await wasm({ threads: 1 });
  setBackend(backend);
  const sections = [
    firstSteps(python, patience),
    differentLengths(python),
    await parallelInTime(backend),
    streaming(time),
    eventLoop(),
    flatLoops(FLAT_STEPS),
  ];
  for (const section of sections) await print(chosen(section, filter));
}

/** The rows of a section that are wanted. */
export function chosen(section: Section, filter: string | undefined): Section {
  const isWanted = (text: string): boolean => text.toLowerCase().includes(filter?.toLowerCase() ?? '');
  return isWanted(section.title) ? section : { ...section, rows: section.rows.filter(({ name }) => isWanted(name)) };
}

async function print(section: Section): Promise<void> {
  const { title, header, rows } = section;
  if (rows.length === 0) return;
  const columns = new Columns(section);
  const [first, ...names] = header;
  process.stdout.write(`${title}\n${columns.name(first)}${columns.cells(names)}\n`);
  for (const { name, cells } of rows) {
    process.stdout.write(columns.name(name));
    process.stdout.write(`${columns.cells(await cells())}\n`);
  }
  process.stdout.write('\n');
}
