import { expect, it } from 'vitest';
import { judge } from '../src/goals.ts';
import { libraries } from '../src/libraries/index.ts';
import { reportJson } from '../src/report/json.ts';
import { reportText, type Run } from '../src/report/text.ts';
import { Results, type Outcome, type Way } from '../src/results.ts';
import { workloads, type Workload } from '../src/workload.ts';

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
      ['wasm', measured(way(0.004))],
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
};

it('shows times, marks, ratios and goals', () => {
  const text = reportText(run);
  expect(text).toMatch(/A1-lstm forward +0\.00400 +0\.0200 +- +- +0\.00100~/);
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
    measured: '4 us (A1-lstm)',
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
