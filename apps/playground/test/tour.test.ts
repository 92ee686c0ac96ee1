import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';

// The tour takes as long as the machine needs; nothing is asserted about it.
const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
/** What `npm start` starts programs with. */
const toolchain = new URL('../../../tooling/toolchain.mjs', import.meta.url).href;

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
    '11 of 11 arrays',
    '2  RNN, LSTM and GRU forecast sunspots',
    'LSTM  3 steps, mean loss ',
    '"next = this": 19.6',
    '3  A GRU tells nine speakers apart',
    'Of 370 other utterances',
    '4  Why plain RNNs forget',
    '5  The same numbers on every backend',
    '624 forecasts on wasm',
    '6  Into files, and into other programs',
    'layer.weight_hh_l0',
    'passes: ',
    'What came out',
    'npm start -- --data my.csv',
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
    '--code',
    '--data',
    '--column',
    'lesson',
    'sunspots',
    'vowels',
    'gradients',
    'backends',
    'files',
    'default: "wasm"',
  ]) {
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain(word);
  }
  for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
});

test.each([
  [['--backend', 'abacus'], "'abacus' is invalid. Allowed choices are cpu, wasm, native."],
  [['--only', '7'], "There is no chapter '7'; the chapters are 1 (lesson), 2 (sunspots), 3 (vowels)"],
  [['--only', ''], "There is no chapter ''"],
  [['--seed', '1.5'], 'Expected a whole number from 0 up.'],
  [['--seed', '-1'], 'Expected a whole number from 0 up.'],
  [['--steps', '0'], 'Expected a whole number from 1 up.'],
  [['--epochs', 'many'], 'Expected a whole number from 1 up.'],
  [['--steps', '1', '--epochs', '1'], "cannot be used with option '--epochs <number>'"],
  [['--column', 'a'], "option '--column <name>' needs '--data <file>'"],
  [['--data', 'a.csv', '--only', '1'], 'cannot be used with option'],
  [['--stepz', '1'], "unknown option '--stepz'"],
  [['lesson'], 'too many arguments'],
])('%j is refused before anything runs', async (args, message) => {
  const { code, stdout, stderr } = await tour(args);
  expect(code).toBe(1);
  expect(stdout).toBe('');
  expect(stderr).toContain(message);
});

/**
 * The tour in a terminal of its own, as `npm start` runs it; keys are typed as soon as the screen
 * shows what they wait for.
 */
async function inTerminal(
  args: readonly string[],
  keys: readonly (readonly [shown: string, key: string])[],
): Promise<Outcome> {
  const starter = `import { runProgram } from "${toolchain}"; process.exitCode = await runProgram(process.argv[1], process.argv.slice(2));`;
  const words = [process.execPath, '--input-type=module', '-e', starter, main, ...args];
  const command = words.map((word) => `'${word}'`).join(' ');
  // What the line discipline says afterwards is part of the answer.
  const child = spawn(
    'script',
    ['-qfc', `trap : INT; stty rows 40 cols 100; ${command}; echo "code $?"; stty -a`, '/dev/null'],
    { env: { ...process.env, TERM: 'xterm-256color' }, timeout: 120_000 },
  );
  const waiting = [...keys];
  let stdout = '';
  let seen = 0;
  child.stdout.on('data', (bytes: Buffer) => {
    stdout += bytes.toString();
    const at = waiting.length > 0 ? stdout.indexOf(waiting[0][0], seen) : -1;
    if (at < 0) return;
    seen = at + waiting[0][0].length;
    child.stdin.write(waiting[0][1]);
    waiting.shift();
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code: code ?? -1, stdout, stderr: '' };
}

/**
 * What a program must have taken back before it ends: no line wrap (7), a hidden cursor (25),
 * another screen (1049).
 */
function modesLeft(text: string): string[] {
  const modes = new Map<string, string>();
  // oxlint-disable-next-line no-control-regex -- the escape is what is looked for
  for (const [, mode, set] of text.matchAll(/\u001b\[\?(\d+)([hl])/g)) modes.set(mode, set);
  const usual = new Map([
    ['7', 'h'],
    ['25', 'h'],
    ['1049', 'l'],
  ]);
  return [...modes].flatMap(([mode, set]) => ((usual.get(mode) ?? set) === set ? [] : [mode]));
}

test('Ctrl-C in the middle of a training ends the tour and leaves the terminal as it was', async () => {
  const { stdout } = await inTerminal(['--only', 'vowels', '--steps', '100000'], [['/100000', '\u0003']]);
  expect(modesLeft(stdout)).toEqual([]);
  expect(stdout).toContain('code 130');
  expect(stdout).toMatch(/ icanon /);
  expect(stdout).toMatch(/ echo /);
  expect(stdout).not.toContain('What came out');
});

test('between chapters a terminal waits for a key; q goes to the closing table', async () => {
  const args = ['--only', 'lesson,vowels,gradients', '--steps', '2'];
  const { stdout } = await inTerminal(args, [
    ['Any key goes on', ' '],
    ['Any key goes on', 'q'],
  ]);
  expect(stdout).toContain('3  A GRU');
  expect(stdout).not.toContain('4  Why plain');
  expect(stdout).toContain('What came out');
  expect(stdout).toContain('code 0');
  expect(modesLeft(stdout)).toEqual([]);
  expect(stdout).toMatch(/ icanon /);
  const lines = stripVTControlCharacters(stdout).split(/\r?\n/);
  expect(lines.some((line) => line.length === 100 && line.startsWith('3  A GRU'))).toBe(true);
});

test('--code shows the lines of the files that run', async () => {
  const { code, stdout } = await tour(['--code']);
  expect(code).toBe(0);
  for (const line of [
    'return tanh(this.Wh.matmul(h)',
    'class Forecaster',
    'class SpeakerClassifier',
    'readPyTorch(bytes)',
  ])
    expect(stdout).toContain(line);
  for (const part of stdout.trim().split(/\n\n(?= {2}\/\/ apps)/))
    expect(part.split('\n').length).toBeLessThanOrEqual(45);
});

describe('--data', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rnn-tour-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };

  test('forecasts a column of a file, and beats "next = this" on a wave', async () => {
    const rows = Array.from({ length: 600 }, (_, i) => `${i},${Math.sin(i / 3).toFixed(5)},day ${i}`);
    const { code, stdout } = await tour([
      '--data',
      file('wave.csv', ['n,wave,day', ...rows].join('\n')),
      '--steps',
      '200',
    ]);
    expect(code).toBe(0);
    expect(stdout).toContain("Learned 'wave' from 480 values");
    expect(stdout).toMatch(/errs by \d+ % less/);
    for (const line of stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
  });

  test.each([
    ['few.csv', 'a\n1\n2\n', [], "The column 'a' has 2 values; at least 77 are needed."],
    ['words.csv', 'a\nx\n', [], 'No column holds nothing but numbers; the columns are a.'],
    ['hole.csv', 'a,b\n1,2\n,3\n', ['--column', 'a'], "The column 'a' holds '' in line 3, where a number is needed."],
    ['other.csv', 'a\n1\n', ['--column', 'b'], "There is no column 'b'; the columns are a."],
    ['empty.csv', '', [], 'The file has no lines of data'],
    ['ragged.csv', 'a,b\n1,2\n3\n', [], 'row 2'],
  ])('%s is refused in words', async (name, text, args, message) => {
    const { code, stderr } = await tour(['--data', file(name, text), ...args]);
    expect(code).toBe(1);
    expect(stderr).toContain(message);
    expect(stderr).not.toContain('    at ');
  });

  test('a file that is not there is named', async () => {
    const { code, stderr } = await tour(['--data', join(folder, 'none.csv')]);
    expect(code).toBe(1);
    expect(stderr).toContain('no such file');
    expect(stderr).not.toContain('    at ');
  });
});
