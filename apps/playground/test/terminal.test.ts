import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { expect, test, vi } from 'vitest';
import { lineChart, signChart, type Curve } from '../src/terminal/chart.ts';
import { grid } from '../src/terminal/grid.ts';
import { progressOn } from '../src/terminal/progress.ts';
import { screenOn, type Screen } from '../src/terminal/screen.ts';

// Whatever runs the tests may call itself dumb.
vi.stubEnv('TERM', 'xterm-256color');

/** A screen whose text can be read back; `terminal` makes it one with colours and a cursor. */
function readable(terminal: boolean, columns = 80): { screen: Screen; text: () => string } {
  const stream = Object.assign(new PassThrough(), {
    isTTY: terminal,
    columns,
    hasColors: () => terminal,
    cursorTo: () => true,
    clearLine: () => true,
  });
  const chunks: string[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk.toString()));
  return { screen: screenOn(stream as unknown as NodeJS.WriteStream), text: () => chunks.join('') };
}

const wave = Array.from({ length: 132 }, (_, i): [number, number] => [i, 100 + 90 * Math.sin(i / 20)]);
const axes = { xTicks: [0, 66, 131], yTicks: [0, 100, 200] };

test('charts fit 80 columns, with and without colours', () => {
  for (const terminal of [false, true]) {
    const { screen } = readable(terminal);
    const half = wave.map(([x, y]): [number, number] => [x, y / 2]);
    const dots: Curve = { name: 'half', sign: 'o', colour: 'yellow', points: half };
    const charts = [
      lineChart(screen, { name: 'wave', colour: 'cyan', points: wave }, axes, dots),
      signChart(screen, [{ name: 'wave', sign: 'x', colour: 'magenta', points: wave }], axes),
    ];
    for (const chart of charts) {
      const plain = stripVTControlCharacters(chart);
      expect(plain === chart).toBe(!terminal);
      for (const line of plain.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    }
  }
});

test('charts fit 80 columns whatever their labels', () => {
  const { screen } = readable(false);
  for (const last of [9, 40, 400, 4000, 40_000, 400_000]) {
    for (const top of [1, 30, 200, 5000]) {
      const points = wave.map(([x, y]): [number, number] => [(x * last) / 131, (y * top) / 190]);
      const chart = lineChart(
        screen,
        { name: 'wave', colour: 'cyan', points },
        { xTicks: [1, last], yTicks: [0, top] },
      );
      expect(Math.max(...chart.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
    }
  }
});

test('a bar that is interrupted leaves the terminal as it was', () => {
  const { screen, text } = readable(true);
  progressOn(screen)({ task: 'RNN', step: 1, steps: 10, loss: 2, epoch: 5 });
  expect(text()).toContain('0/10');
  // No mode that somebody would have to take back: line wrap (7), the cursor (25).
  // oxlint-disable-next-line no-control-regex -- the escape is what is looked for
  expect(text()).not.toMatch(/\u001b\[\?\d+[hl]/);
});

test('curves keep their own signs, so that they differ without colours', () => {
  const { screen } = readable(false);
  const low = wave.map(([x, y]): [number, number] => [x, y / 4]);
  const chart = signChart(
    screen,
    [
      { name: 'high', sign: 'x', colour: 'cyan', points: wave },
      { name: 'low', sign: 'o', colour: 'yellow', points: low },
    ],
    axes,
  );
  const [legend, ...rows] = chart.split('\n');
  expect(legend).toBe('  x high   o low');
  const highest = (sign: string): number => rows.findIndex((row) => row.includes(sign));
  expect(highest('x')).toBeGreaterThan(0);
  expect(highest('o')).toBeGreaterThan(highest('x'));
});

test('columns of a table stay aligned around styled cells', () => {
  const { screen } = readable(true);
  const text = grid(
    screen,
    ['name', 'value'],
    [
      ['a', screen.paint('green', '1')],
      ['long', '22'],
    ],
    ['left', 'right'],
  );
  expect(stripVTControlCharacters(text)).toBe(
    ['  name  value', '  ────  ─────', '  a         1', '  long     22'].join('\n'),
  );
});

test('in a pipe the progress of a training is one line', () => {
  const { screen, text } = readable(false);
  const report = progressOn(screen);
  for (let step = 1; step <= 3; step++) report({ task: 'GRU', step, steps: 3, loss: step, epoch: 5 });
  expect(text()).toMatch(/^ {2}GRU {3}3 steps, mean loss 2\.000, \d+\.\d s\n$/);
});

test('in a terminal a bar moves and gives way to the same line', () => {
  const { screen, text } = readable(true);
  const report = progressOn(screen);
  for (let step = 1; step <= 5; step++) report({ task: 'GRU', step, steps: 5, loss: 6 - step, epoch: 2 });
  expect(text()).toContain('5/5');
  expect(stripVTControlCharacters(text())).toMatch(
    /GRU {3}5 steps, loss of the first pass 4\.500, of the last 1\.500, \d+\.\d s\n/,
  );
});

test('a wide terminal is used, up to what can be read; a pipe has 80 columns', () => {
  expect(readable(true, 100).screen.width).toBe(100);
  expect(readable(true, 300).screen.width).toBe(120);
  expect(readable(true, 40).screen.width).toBe(80);
  expect(readable(false, 300).screen.width).toBe(80);
  const { screen } = readable(true, 110);
  const chart = stripVTControlCharacters(lineChart(screen, { name: 'wave', colour: 'cyan', points: wave }, axes));
  const widest = Math.max(...chart.split('\n').map((line) => line.length));
  expect(widest).toBeGreaterThan(100);
  expect(widest).toBeLessThanOrEqual(110);
});
