import { expect, it } from 'vitest';
import { judge } from '../src/goals.ts';
import { judgeLaunches } from '../src/launch-goals.ts';
import { libraries, pageLibraries } from '../src/libraries/index.ts';
import { reportJson } from '../src/report/json.ts';
import { crossoverText } from '../src/report/crossover.ts';
import type { Run } from '../src/report/run-report.ts';
import { reportText } from '../src/report/text.ts';
import { Results, type Outcome, type Way } from '../src/results.ts';
import type { Workload } from '../src/workload.ts';
import { growingLayers, workloads } from '../src/workload-list.ts';

const way = (minimum: number, rest: Partial<Way> = {}): Way => ({
  minimum,
  median: minimum * 1.1,
  samples: 10,
  group: 1,
  difference: 1e-7,
  isRight: true,
  ...rest,
});

const measured = (...ways: Way[]): Outcome => ({ type: 'measured', ways });

const workload = (id: string): Workload => workloads.find((workload) => workload.id === id) as Workload;

const results = new Results([
  {
    task: { workload: workload('A1-lstm'), kind: 'forward' },
    outcomes: new Map<string, Outcome>([
      ['wasm', measured(way(0.0015))],
      ['onnxruntime-web', measured(way(0.02))],
      ['brain.js', measured(way(0.001, { difference: undefined, isRight: undefined, note: 'predicts one step' }))],
    ]),
  },
  {
    task: { workload: workload('C-gru'), kind: 'forward' },
    outcomes: new Map<string, Outcome>([
      ['wasm', measured(way(20))],
      // The faster way computes something else: it must not stand for the library.
      ['tfjs-wasm', measured(way(90, { variant: 'layers', difference: 0.1, isRight: false }), way(150))],
      ['onnxruntime-web', measured(way(25))],
      ['jax-js', { type: 'failed', message: 'no answer within 120 s' }],
      ['brain.js', { type: 'not offered', message: 'no such net' }],
    ]),
  },
]);

const names = ['wasm', 'onnxruntime-web', 'tfjs-wasm', 'jax-js', 'brain.js'];
const run: Run = {
  machine: 'a machine',
  ceiling: { gflops: 50, isFused: true },
  libraries: libraries.filter(({ name }) => names.includes(name)),
  versions: new Map([['wasm', 'this checkout']]),
  results,
  verdicts: judge(results, { gflops: 50, isFused: true }),
};

it('shows times, marks, ratios and goals', () => {
  const text = reportText(run);
  expect(text).toMatch(/A1-lstm forward +0\.00150 +0\.0200 +- +- +0\.00100~/);
  expect(text).toMatch(/C-gru forward +20\.0 +25\.0 +150 +failed +-/);
  expect(text).toMatch(/C-gru forward +1\.25 +7\.50 +- +-/);
  expect(text).toContain('tfjs-wasm (layers): another result, difference 1.0e-1 [C-gru forward]');
  expect(text).toContain('jax-js failed: no answer within 120 s [C-gru forward]');
  expect(text).toMatch(/C forward \/ onnxruntime-web +at most 0\.6 x +0\.8 x \(C-gru\) +missed by 33 %/);
  expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(120);
});

it('judges a goal by its worst part and says by how much it is missed', () => {
  const verdicts = judge(results, run.ceiling);
  expect(verdicts.find(({ title }) => title === 'A1 forward')).toMatchObject({
    isMet: true,
    measured: '1.5 us (A1-lstm)',
  });
  expect(verdicts.find(({ title }) => title === 'C forward / onnxruntime-web')).toMatchObject({
    isMet: false,
    measured: '0.8 x (C-gru)',
    missedBy: expect.closeTo(0.8 / 0.6) as number,
  });
  expect(verdicts.find(({ title }) => title === 'A2 LSTM step')?.isMet).toBeUndefined();
});

it('writes the same as data', () => {
  const data = JSON.parse(reportJson(run)) as { tasks: { libraries: Record<string, Outcome> }[] };
  expect(data.tasks[1].libraries['tfjs-wasm']).toMatchObject({
    ways: [{ variant: 'layers', isRight: false }, { minimum: 150 }],
  });
});

/**
 * A run in the browser in which the card is ten times slower at 32 units and gains with the size.
 */
function inBrowser(renderer: string): Run {
  const rows = growingLayers.map((grown, i) => ({
    task: { workload: { ...grown, T: 50 }, kind: 'forward' as const },
    outcomes: new Map<string, Outcome>([
      ['wasm', measured(way(4 ** i))],
      ['webgl2', measured(way(10 * 2 ** i, { work: { launches: 125, bytesMoved: 131_072 } }))],
    ]),
  }));
  const grown = new Results(rows);
  return {
    ...run,
    libraries: pageLibraries.filter(({ name }) => name === 'wasm' || name === 'webgl2'),
    versions: new Map([['webgl2', renderer]]),
    results: grown,
    verdicts: judgeLaunches(grown),
  };
}

it('counts what a graphics card does, and says when it is a program', () => {
  const text = reportText(inBrowser('ANGLE (Google, Vulkan, SwiftShader driver)'));
  expect(text).toContain('The graphics card of webgl2 is a program on the processor here');
  expect(text).toMatch(/H=32 forward +webgl2 +125 +2\.50 +131/);
  expect(text).toMatch(/LSTM forward, a step +at most 3 launches +2\.5 launches \(H=32, webgl2\) +met/);
  expect(reportText(inBrowser('NVIDIA'))).not.toContain('is a program');
});

it('finds the size from which on the graphics card is faster', () => {
  // 4^i against 10 * 2^i: ahead from i = 4 on, at 512 units.
  expect(crossoverText(inBrowser('NVIDIA'))).toBe(
    'webgl2, forward: faster from 512 units on; 3.2 times as fast as the processor at 1024 units',
  );
});
