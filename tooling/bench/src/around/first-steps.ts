import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { digits } from '../report/grid.ts';
import type { Section } from './section.ts';

const RUNS = 3;

/** From import to the first trained step, each in a process of its own. */
export function firstSteps(python: string | undefined, patience: number): Section {
  const file = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
  const script = file('../../peers/first_step.py');
  if (python !== undefined && !existsSync(python)) throw new Error(`there is no Python at ${python}`);
  const ways = [
    { name: '@rnn', runs: RUNS, command: process.execPath, args: [file('first-step-process.ts')], how: [] },
    ...(python === undefined
      ? []
      : ['eager', 'compile'].map((how) => ({
          name: how === 'eager' ? 'PyTorch' : 'torch.compile',
          runs: 1, // these take long
          command: python,
          args: [script],
          how: [how],
        }))),
  ];
  return {
    title: 'From import to the end of the first trained step, in ms; an LSTM, 16 rows',
    header: ['', 'first step', 'second'],
    rows: ways.flatMap(({ name, runs, command, args, how }) =>
      [1, 2, 6].map((layers) => ({
        name: `${name}, ${layers} ${layers === 1 ? 'layer' : 'layers'}`,
        cells: async () => {
          const found: [first: number, second: number][] = [];
          for (let n = 0; n < runs; n++) {
            const said = await output(command, [...args, String(layers), ...how], patience);
            if (said === undefined) return [`> ${digits(patience)}`, '-'];
            found.push(JSON.parse(said) as [number, number]);
          }
          const [[first, second]] = found.toSorted(([a], [b]) => a - b);
          return [digits(first), digits(second)];
        },
      })),
    ),
  };
}

/**
 * What a program prints.
 *
 * @returns nothing where it takes longer than `patience` milliseconds; then it is ended with all
 *   that it started
 */
async function output(command: string, args: readonly string[], patience: number): Promise<string | undefined> {
  const cache = mkdtempSync(join(tmpdir(), 'first-step-')); // what was compiled before would not count
  const env = { ...process.env, TORCHINDUCTOR_CACHE_DIR: cache };
  const program = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true, env });
  let [said, complaint, isLate] = ['', '', false];
  program.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  program.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text));
  const end = (): void => {
    if (program.pid !== undefined && program.exitCode === null) process.kill(-program.pid, 'SIGKILL');
  };
  const timer = setTimeout(() => {
    isLate = true;
    end();
  }, patience);
  process.once('exit', end);
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      program.once('error', reject).once('close', resolve);
    });
    if (isLate) return undefined;
    if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with code ${code}\n${complaint}`);
    return said;
  } finally {
    clearTimeout(timer);
    process.off('exit', end);
    rmSync(cache, { recursive: true, force: true });
  }
}
