import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { expect, test, vi } from 'vitest';

// The tour takes as long as the machine needs; nothing is asserted about it.
vi.setConfig({ testTimeout: 600_000 });

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The tour as a user's pipe sees it: standard output is no terminal. */
function tour(args: readonly string[]): Promise<Outcome> {
  const env = { ...process.env, FORCE_COLOR: undefined, NO_COLOR: undefined };
  return new Promise((resolve) => {
    execFile(process.execPath, [main, ...args], { env }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
    });
  });
}

test('in a pipe the whole tour is plain text of at most 80 columns', async () => {
  const { code, stdout, stderr } = await tour(['--steps', '3']);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  expect(stdout).toBe(stripVTControlCharacters(stdout));
  expect(stdout).not.toContain('\r');
  for (const line of stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
  for (const part of [
    '1  A lesson',
    '11 of 11 as in PyTorch',
    '2  RNN, LSTM and GRU forecast sunspots',
    'LSTM  3 steps, loss ',
    '"next = this" 19.6',
    '3  A GRU tells nine speakers apart',
    'Of 370 other utterances',
    '4  Why plain RNNs forget',
    '5  The same numbers on every backend',
    'LSTM on wasm',
    '6  Into files, and into other programs',
    'layer.weight_hh_l0',
    'passes: ',
    'What came out',
  ]) {
    expect(stdout).toContain(part);
  }
});

test('ends quietly when its reader has seen enough', async () => {
  const child = spawn(process.execPath, [main, '--only', 'lesson,vowels', '--steps', '1']);
  let complaints = '';
  child.stderr.on('data', (text: Buffer) => (complaints += text.toString()));
  child.stdout.once('data', () => child.stdout.destroy());
  const [code] = (await once(child, 'close')) as [number | null];
  expect(complaints).toBe('');
  expect(code).toBe(0);
});

test('--only takes numbers and names, in the order of the tour', async () => {
  const { code, stdout } = await tour(['--only', 'gradients, 1']);
  expect(code).toBe(0);
  const titles = stdout.split('\n').filter((line) => /^\d {2}.* ─+$/.test(line));
  expect(titles.map((title) => title[0])).toEqual(['1', '4']);
});

test('the same seed prints the same tour', async () => {
  const withoutTimes = ({ stdout }: Outcome): string => stdout.replaceAll(/ +[\d.]+ s$/gm, '');
  const args = ['--only', 'vowels', '--epochs', '1', '--seed'];
  const [first, second, other] = [await tour([...args, '7']), await tour([...args, '7']), await tour([...args, '8'])];
  expect(withoutTimes(second)).toBe(withoutTimes(first));
  expect(withoutTimes(other)).not.toBe(withoutTimes(first));
});

test('--help names every option and chapter', async () => {
  const { code, stdout } = await tour(['--help']);
  expect(code).toBe(0);
  for (const word of [
    '--only',
    '--backend',
    '--seed',
    '--steps',
    '--epochs',
    'lesson',
    'sunspots',
    'vowels',
    'gradients',
    'backends',
    'files',
    'default: "wasm"',
  ]) {
    expect(stdout).toContain(word);
  }
  for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
});

test.each([
  [['--backend', 'abacus'], "'abacus' is invalid. Allowed choices are cpu, wasm."],
  [['--only', '7'], "There is no chapter '7'; the chapters are 1 (lesson), 2 (sunspots), 3 (vowels)"],
  [['--only', ''], "There is no chapter ''"],
  [['--seed', '1.5'], 'Expected a whole number from 0 up.'],
  [['--seed', '-1'], 'Expected a whole number from 0 up.'],
  [['--steps', '0'], 'Expected a whole number from 1 up.'],
  [['--epochs', 'many'], 'Expected a whole number from 1 up.'],
  [['--steps', '1', '--epochs', '1'], "cannot be used with option '--epochs <number>'"],
  [['--stepz', '1'], "unknown option '--stepz'"],
  [['lesson'], 'too many arguments'],
])('%j is refused before anything runs', async (args, message) => {
  const { code, stdout, stderr } = await tour(args);
  expect(code).toBe(1);
  expect(stdout).toBe('');
  expect(stderr).toContain(message);
});
