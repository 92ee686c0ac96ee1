import { Command, InvalidArgumentError, Option } from 'commander';
import { backends } from './backends.ts';
import type { Duration } from './chapters/context.ts';
import { stops, type Stop } from './stops.ts';

/** What the command line asks for. */
export interface Options {
  readonly only: readonly Stop[];
  readonly backend: string;
  readonly seed: number;
  readonly duration: Duration | undefined;
  /** Whether to show the lines behind the chapters, and run nothing. */
  readonly code: boolean;
  /** A CSV file of one's own to forecast, in the place of the tour. */
  readonly data: string | undefined;
  readonly column: string | undefined;
}

interface RawOptions {
  readonly only: readonly Stop[];
  readonly backend: string;
  readonly seed: number;
  readonly steps?: number;
  readonly epochs?: number;
  readonly code?: true;
  readonly data?: string;
  readonly column?: string;
}

/**
 * Reads the command line. On `--help` or a mistake it writes to the terminal and ends the process,
 * as `commander` does.
 *
 * @param args - without the program's name
 */
export function readOptions(args: readonly string[]): Options {
  const chapters = stops.map(({ name, title }, i) => `  ${i + 1}  ${name.padEnd(10)} ${title}`);
  const command = new Command('npm start --')
    .description('A tour of @rnn on real data. It takes less than a minute on two cores.')
    .addOption(
      new Option('--only <chapters>', 'some chapters by number or name, such as 1,3 or lesson,vowels')
        .argParser(stopsOf)
        .default(stops, 'all'),
    )
    .addOption(new Option('--backend <name>', 'what computes').choices(Object.keys(backends)).default('wasm'))
    .option('--seed <number>', 'seeds weights and shuffling', wholeNumberFrom(0), 0)
    .addOption(
      new Option('--steps <number>', 'training steps of each network')
        .argParser(wholeNumberFrom(1))
        .conflicts('epochs'),
    )
    .option('--epochs <number>', 'passes over the training data, instead of --steps', wholeNumberFrom(1))
    .option('--code', 'show the lines behind each chapter, and run nothing')
    .addOption(new Option('--data <file>', 'forecast a series of your own, a CSV file').conflicts('only'))
    .option('--column <name>', 'which column of it; the last of numbers if left out')
    .addHelpText('after', `\nChapters:\n${chapters.join('\n')}`)
    .helpOption('-h, --help', 'show this help')
    .parse(args, { from: 'user' });
  const { only, backend, seed, steps, epochs, code = false, data, column } = command.opts<RawOptions>();
  if (column !== undefined && data === undefined)
    command.error("error: option '--column <name>' needs '--data <file>'");
  return { only, backend, seed, duration: durationOf(steps, epochs), code, data, column };
}

function durationOf(steps: number | undefined, epochs: number | undefined): Duration | undefined {
  if (steps !== undefined) return { steps };
  return epochs === undefined ? undefined : { epochs };
}

function stopsOf(list: string): Stop[] {
  const wanted = new Set(list.split(',').map((item) => stopOf(item.trim())));
  return stops.filter((stop) => wanted.has(stop));
}

function stopOf(item: string): Stop {
  const stop = stops.find(({ name }, i) => item === name || item === String(i + 1));
  if (stop === undefined) {
    const known = stops.map(({ name }, i) => `${i + 1} (${name})`).join(', ');
    throw new InvalidArgumentError(`There is no chapter '${item}'; the chapters are ${known}.`);
  }
  return stop;
}

function wholeNumberFrom(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < least) {
      throw new InvalidArgumentError(`Expected a whole number from ${least} up.`);
    }
    return value;
  };
}
