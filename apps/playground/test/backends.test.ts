import { BackendError, type Backend } from '@rnn/core';
import { expect, test } from 'vitest';
import { backends } from '../src/backends.ts';
import { runBackends } from '../src/chapters/backends.ts';
import { runVowels } from '../src/chapters/vowels.ts';
import { quietContext } from './context.ts';

// Training takes as long as the machine needs; nothing is asserted about it.
/** Why there is no machine code here; undefined where there is. */
const reason = await backends.native().then(
  (backend) => void backend.dispose(),
  (error: unknown) => String(error),
);

test.for(['wasm', 'native'])(
  'a training that moves from cpu to %s goes on with the same loss within 1e-4',
  async (name, { task, skip }) => {
    if (name === 'native' && reason !== undefined) {
      Object.assign(task.meta, { skipped: reason });
      skip(reason);
    }
    const context = await quietContext({ backends: { cpu: backends.cpu, [name]: backends[name] } });
    const { runs, missing, stayed, moved, difference } = await runBackends(context);
    expect(missing).toEqual([]);
    expect(runs.map((run) => run.name)).toEqual(['cpu', name]);
    expect(stayed).toHaveLength(40);
    expect(stayed[39]).toBeLessThan(stayed[0] / 2);
    expect(moved.slice(0, 20)).toEqual(stayed.slice(0, 20));
    expect(moved.slice(20)).not.toEqual(stayed.slice(20));
    expect(difference).toBeLessThanOrEqual(1e-4);
    for (const run of runs) expect(run.difference).toBeLessThanOrEqual(0.01); // of up to 250 sunspots
  },
);

test('a backend that cannot run here is named with its reason', async () => {
  const context = await quietContext({
    duration: { steps: 2 },
    backends: {
      cpu: backends.cpu,
      abacus: () => Promise.reject(new BackendError('abacus: the beads are missing')),
    },
  });
  const { runs, missing } = await runBackends(context);
  expect(runs.map(({ name }) => name)).toEqual(['cpu']);
  expect(missing).toEqual([{ name: 'abacus', reason: 'abacus: the beads are missing' }]);
});

test('a training moves from a device that gives its numbers only to those who wait, optimiser and all', async () => {
  const slow = reluctant(await backends.cpu());
  const there = await backends.wasm();
  const run = async (backend: Backend, moveTo?: (step: number) => Backend | undefined): Promise<readonly number[]> => {
    const { losses } = await runVowels(await quietContext({ backend, duration: { steps: 12 }, moveTo }));
    return losses;
  };
  const unmoved = await run(there);
  const stations: Readonly<Record<number, Backend>> = { 4: there, 8: slow };
  const moved = await run(slow, (step) => stations[step]);
  for (const [i, loss] of unmoved.entries()) expect(Math.abs(moved[i] - loss)).toBeLessThanOrEqual(1e-4);
  expect(slow.memory().storages).toBe(0);
});

test('a training can be ended early, and its result is that of the steps that were done', async () => {
  const stop = new AbortController();
  const { steps } = await runVowels(
    await quietContext({
      duration: { steps: 50 },
      signal: stop.signal,
      report: ({ step }) => {
        if (step === 3) stop.abort();
      },
    }),
  );
  expect(steps).toBe(3);
});

/** A backend whose numbers cannot be read at once, as it is with WebGPU. */
function reluctant(backend: Backend): Backend {
  return new Proxy(backend, {
    get: (target, name) => {
      if (name === 'info') return { ...target.info, synchronous: false };
      if (name === 'readSync') {
        return () => {
          throw new BackendError('reluctant: await t.data()');
        };
      }
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}
