/** "The code of this demo" runs as it stands; its types are checked with the page. */
import { readFile } from 'node:fs/promises';
import { afterEach, expect, test, vi } from 'vitest';

const shown = vi.spyOn(console, 'log').mockImplementation(() => {});
afterEach(() => shown.mockClear());

const programs = import.meta.glob<unknown>('../../web/src/demos/*/{code,snippet}.ts');
const patience = 120_000;

/** Runs a demo's program; returns what it printed. */
async function printed(demo: string): Promise<unknown[][]> {
  const run = Object.entries(programs).find(([name]) => name.includes(`/${demo}/`))?.[1];
  expect(run).toBeDefined();
  await run?.();
  return shown.mock.calls;
}

const numbersIn = (lines: unknown[][]): number[] => lines.flat().filter((each) => typeof each === 'number');

test('text: bits per character fall, and it writes as it was taught', { timeout: patience }, async () => {
  const lines = (await printed('text')).map(String);
  const bits = lines.flatMap((line) => /([\d.]+) bits per character/.exec(line)?.[1] ?? []).map(Number);
  expect(bits.length).toBeGreaterThan(1);
  expect(bits.at(-1)).toBeLessThan(bits[0] / 2);
  expect(lines.at(-1)).toMatch(/^And God said/);
});

test('memory: the gradient of the plain net vanishes, that of the LSTM stays', { timeout: patience }, async () => {
  const lines = await printed('memory');
  expect(lines.map(([name, verdict]) => [name, verdict])).toEqual([
    ['RNN', 'vanishing'],
    ['LSTM', 'healthy'],
  ]);
});

test('forecast: the next value of a smooth series is close, and inside the band', { timeout: patience }, async () => {
  const [value, truth, lower, upper] = numbersIn(await printed('forecast'));
  expect(Math.abs(value - truth)).toBeLessThan(5);
  expect(lower).toBeLessThan(value);
  expect(upper).toBeGreaterThan(value);
});

test('speakers: it tells most of the nine classes apart', { timeout: patience }, async () => {
  const losses = numbersIn(await printed('speakers'));
  expect(losses.reduce((sum, loss) => sum + loss, 0) / losses.length).toBeLessThan(Math.log(9) / 2);
});

test('draw: the steps of a circle become likely', { timeout: patience }, async () => {
  const losses = numbersIn(await printed('draw'));
  // A Gaussian as wide as the steps are is at ln(2πe / 2) = 2.1 nats, the pen being certain.
  expect(losses.reduce((sum, loss) => sum + loss, 0) / losses.length).toBeLessThan(1);
});

test('backends: each begins with the same loss', { timeout: patience }, async () => {
  const lines = (await printed('backends')).map(String);
  const losses = lines.flatMap((line) => /first loss ([\d.]+)$/.exec(line)?.[1] ?? []).map(Number);
  expect(losses).toHaveLength(2);
  expect(losses[0]).toBeCloseTo(losses[1], 5);
});

test('conformance: the cases of the filter pass', { timeout: patience }, async () => {
  const [report] = (await printed('conformance')).map(String);
  expect(report).toMatch(/\n[1-9]\d* passed, 0 failed, 0 skipped$/);
});

test('every program but the converter of Listen is run here, and installs what it imports', async () => {
  const names = Object.keys(programs).map((name) => name.split('/').at(-2));
  expect(new Set(names)).toEqual(
    new Set(['backends', 'conformance', 'draw', 'forecast', 'listen', 'memory', 'speakers', 'text']),
  );
  for (const name of Object.keys(programs)) {
    const file = new URL(name, import.meta.url);
    const source = await readFile(file, 'utf8');
    const view = await readFile(new URL('demo.tsx', file), 'utf8');
    const list = /packages=\{\[([^\]]*)\]\}/.exec(view)?.[1] ?? '';
    const installed = [...list.matchAll(/'([^']+)'/g)].map(([, each]) => each);
    const imported = [...source.matchAll(/from '(@rnn\/[a-z-]+)/g)].map(([, each]) => each);
    expect(installed.sort()).toEqual([...new Set(imported)].sort());
  }
});
