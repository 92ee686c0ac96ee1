import { Command, InvalidArgumentError, Option } from 'commander';
import { isPeer, libraries, pageLibraries, type LibraryEntry } from './libraries/index.ts';
import { kinds, type Kind, type Task, type Workload } from './workload.ts';
import { growingLayers, workloads } from './workload-list.ts';

/** What the command line asks for. */
export interface Options {
  readonly tasks: readonly Task[];
  readonly libraries: readonly LibraryEntry[];
  readonly python: string | undefined;
  /**
   * Whether the libraries run in pages of a browser, and whether its graphics card is one in
   * software.
   */
  readonly browser: { readonly isSoftware: boolean } | undefined;
  /**
   * Not the workloads but growing layers, to see from which size on the graphics card is faster.
   */
  readonly crossover: boolean;
  /**
   * Not the workloads, but the suite and a few measurements on the graphics card, here or in a
   * browser that somebody opens.
   */
  readonly card: { readonly isServed: boolean; readonly filter: string | undefined } | undefined;
  /**
   * Not the workloads, but what stands around a layer: the first step, lengths, long recurrences,
   * streams, the event loop, memory.
   */
  readonly around: { readonly filter: string | undefined } | undefined;
  readonly json: string | undefined;
  /** Milliseconds of measurement for each task of each library. */
  readonly time: number;
  /** Milliseconds that a library gets for one task. */
  readonly patience: number;
}

interface RawOptions {
  readonly only: readonly Workload[];
  readonly kinds: readonly Kind[];
  readonly libraries?: readonly string[];
  readonly peers?: true;
  readonly browser?: true;
  readonly crossover?: true;
  readonly card?: true;
  readonly around?: true;
  readonly serve?: true;
  readonly filter?: string;
  readonly software?: true;
  readonly python?: string;
  readonly json?: string;
  readonly time: number;
  readonly patience: number;
}

/**
 * Reads the command line. On `--help` or a mistake it writes to the terminal and ends the process,
 * as `commander` does.
 *
 * @param args - without the program's name
 */
export function readOptions(args: readonly string[]): Options {
  const command = new Command('pnpm bench')
    .description('Times of the same work in @rnn and in other libraries, side by side in one run. Results are checked.')
    .addOption(
      new Option('--only <work>', 'some workloads, such as C,D or C-lstm')
        .argParser(workloadsOf)
        .default(workloads, 'all'),
    )
    .addOption(new Option('--kinds <kinds>', `some of ${kinds.join(', ')}`).argParser(kindsOf).default(kinds, 'all'))
    .option('--libraries <names>', 'some libraries or families, such as ours,tfjs', listOf)
    .option('--peers', 'other libraries too; installs them at the first time (about 500 MB)')
    .option('--python <path>', 'PyTorch too, with this Python')
    .option('--browser', 'in pages of Chromium: cpu, wasm, webgl2, webgpu, and tfjs-webgl with --peers')
    .option('--crossover', 'in the browser, layers of growing size: from where on is the graphics card faster?')
    .option('--card', 'the conformance suite on the graphics card in both modes, and what it costs and gains')
    .option('--around', 'the first step after an import, lengths, long recurrences, streams, the event loop and memory')
    .option('--serve', 'with --card: serve its page for a browser of your own, such as Firefox or Safari')
    .option('--filter <text>', 'with --card, only cases of the suite that contain the text; with --around, only rows')
    .option('--software', 'in the browser, with a graphics card in software, where there is no other')
    .addOption(new Option('--time <seconds>', 'measurement of each piece of work').argParser(seconds).default(1.5))
    .addOption(
      new Option('--patience <seconds>', 'after which a library is given up for one piece of work')
        .argParser(seconds)
        .default(120),
    )
    .option('--json <file>', 'write all numbers to a file')
    .addHelpText('after', helpText())
    .helpOption('--help', 'show this help')
    .parse(args, { from: 'user' });
  const raw = command.opts<RawOptions>();
  const isWanted = (entry: LibraryEntry): boolean => {
    if (entry.family === 'pytorch') return raw.python !== undefined;
    return raw.peers === true || !isPeer(entry);
  };
  if (raw.card !== true && raw.serve === true) command.error('error: --serve belongs to --card');
  if (raw.card !== true && raw.around !== true && raw.filter !== undefined) {
    command.error('error: --filter belongs to --card and --around');
  }
  const isInPage = raw.browser === true || raw.crossover === true || raw.card === true;
  const offered = isInPage ? pageLibraries : libraries;
  const isNamed = ({ name, family }: LibraryEntry): boolean =>
    raw.libraries === undefined || raw.libraries.includes(name) || raw.libraries.includes(family);
  const unknown = raw.libraries?.find((item) => !offered.some(({ name, family }) => item === name || item === family));
  if (unknown !== undefined) {
    command.error(`error: there is no library '${unknown}' ${isInPage ? 'in the browser' : 'without --browser'}`);
  }
  const chosen = offered.filter((entry) => isNamed(entry) && isWanted(entry));
  if (chosen.length === 0) command.error('error: nothing to run: other libraries need --peers, PyTorch needs --python');
  const work = raw.crossover === true ? growingLayers : raw.only;
  const tasks = work.flatMap((workload) =>
    workload.kinds.filter((kind) => raw.kinds.includes(kind)).map((kind) => ({ workload, kind })),
  );
  if (tasks.length === 0) command.error('error: none of the workloads of --only has one of --kinds');
  return {
    tasks,
    libraries: chosen,
    python: raw.python,
    browser: isInPage ? { isSoftware: raw.software === true } : undefined,
    crossover: raw.crossover === true,
    card: raw.card === true ? { isServed: raw.serve === true, filter: raw.filter } : undefined,
    around: raw.around === true ? { filter: raw.filter } : undefined,
    json: raw.json,
    time: raw.time * 1000,
    patience: raw.patience * 1000,
  };
}

function helpText(): string {
  const works = workloads.map(({ id, title }) => `  ${id.padEnd(20)} ${title}`);
  const names = (entries: readonly LibraryEntry[]): string =>
    entries.map(({ name, family }) => `  ${name.padEnd(20)} ${family === name ? '' : family}`.trimEnd()).join('\n');
  return [
    `\nWorkloads:\n${works.join('\n')}`,
    `Libraries and their families:\n${names(libraries)}`,
    `In the browser:\n${names(pageLibraries)}`,
  ].join('\n\n');
}

const listOf = (text: string): string[] => text.split(',').map((item) => item.trim());

function workloadsOf(text: string): Workload[] {
  const wanted = listOf(text);
  const matches = ({ id }: Workload, item: string): boolean => id.startsWith(item);
  const unknown = wanted.find((item) => !workloads.some((workload) => matches(workload, item)));
  if (unknown !== undefined) throw new InvalidArgumentError(`There is no workload '${unknown}'.`);
  return workloads.filter((workload) => wanted.some((item) => matches(workload, item)));
}

function kindsOf(text: string): Kind[] {
  const wanted = listOf(text);
  const unknown = wanted.find((item) => !kinds.some((kind) => kind === item));
  if (unknown !== undefined) throw new InvalidArgumentError(`There is no kind '${unknown}'.`);
  return kinds.filter((kind) => wanted.includes(kind));
}

function seconds(text: string): number {
  const value = Number(text);
  if (!(value > 0) || !Number.isFinite(value)) throw new InvalidArgumentError('Expected a number above 0.');
  return value;
}
