import { cpu } from '@rnn/backend-cpu';
import { wasm } from '@rnn/backend-wasm';
import { beforeAll, describe, expect, it } from 'vitest';
import { differenceOf, TOLERANCE } from '../src/expected.ts';
import type { Library } from '../src/library.ts';
import { oursOn } from '../src/libraries/ours.ts';
import { numbersOf } from '../src/numbers.ts';
import { flopsOf, nameOf, type Task } from '../src/workload.ts';
import { workloads } from '../src/workload-list.ts';

/** Work of every kind and form, of which no part takes longer than a moment. */
const tasks: Task[] = workloads
  .flatMap((workload) => workload.kinds.map((kind) => ({ workload, kind })))
  .filter(({ workload }) => !workload.id.startsWith('D'))
  .map(({ workload, kind }) => ({
    kind,
    workload: { ...workload, B: Math.min(workload.B, 5), H: Math.min(workload.H, 24), T: Math.min(workload.T, 12) },
  }));

async function resultOf(library: Library, task: Task): Promise<Float32Array> {
  const [job] = await library.prepare(task, numbersOf(task.workload));
  const result = await job.check?.();
  if (result === undefined) throw new Error(`${nameOf(task)}: nothing to compare`);
  return result;
}

describe('workloads', () => {
  let reference: Library;
  let fast: Library;

  beforeAll(async () => {
    reference = oursOn({ backend: await cpu(), dtype: 'float64' }, '');
    fast = oursOn({ backend: await wasm({ threads: 1 }), dtype: 'float32' }, '');
  });

  it.each(tasks.map((task) => [nameOf(task), task] as const))('%s gives the same on cpu and wasm', async (_, task) => {
    const [right, result] = [await resultOf(reference, task), await resultOf(fast, task)];
    expect(right.some((value) => value !== 0)).toBe(true);
    expect(differenceOf(task, result, right)).toBeLessThan(TOLERANCE);
  });

  it('sees a training step in which one bias does not learn', async () => {
    const task = tasks.find((task) => nameOf(task) === 'C-lstm train') as Task;
    const right = await resultOf(reference, task);
    const wrong = right.slice();
    // The last parameter's changes are the last ones.
    wrong.fill(0, wrong.length - 4 * task.workload.H);
    expect(differenceOf(task, wrong, right)).toBeGreaterThan(10 * TOLERANCE);
  });

  it('refuses a result of another size and one that is not a number', () => {
    const task = tasks[0];
    expect(differenceOf(task, Float32Array.of(1), Float32Array.of(1, 2))).toBe(Infinity);
    expect(differenceOf(task, Float32Array.of(1, NaN), Float32Array.of(1, 2))).toBe(Infinity);
  });

  it('gives the numbers that every language draws', () => {
    // The first bits as written out in numpy's 32-bit integers; peers/pytorch.py draws them.
    const { x, weights } = numbersOf(workloads[0]);
    expect(Array.from(x.values.slice(0, 3))).toEqual([-0.5363163948059082, -0.32108640670776367, -0.7908734083175659]);
    expect(Array.from((weights.get('weight_hh_l0') as { values: Float32Array }).values.slice(0, 2))).toEqual([
      -0.687597930431366, -0.3800976574420929,
    ]);
  });

  it('counts the operations of matrix products', () => {
    const rnn = workloads[0];
    expect(flopsOf({ workload: rnn, kind: 'forward' })).toBe(2 * 5 * 2 * (3 + 2));
    expect(flopsOf({ workload: rnn, kind: 'train' })).toBe(2 * 5 * 2 * (2 * 3 + 3 * 2));
  });
});
