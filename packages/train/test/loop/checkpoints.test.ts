import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cpu } from '@rnn/backend-cpu';
import { wasm } from '@rnn/backend-wasm';
import { setBackend } from '@rnn/core';
import { loadCheckpoint } from '@rnn/io/node';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { startProgram, type StartedProgram } from '../../../../tooling/started-program.js';
import { run, runText, type Outcome, type Run } from './saved-training.js';

const backends = { cpu: await cpu(), wasm: await wasm() };
beforeEach(() => setBackend(backends.cpu));
const folder = mkdtempSync(join(tmpdir(), 'rnn-train-'));
afterAll(() => rmSync(folder, { recursive: true }));
const fresh = (): string => mkdtempSync(join(folder, 'case-'));

/** Everything but the time that it took. */
function timeless(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(timeless);
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  const entries = Object.entries(value).filter(([name]) => name !== 'seconds');
  return Object.fromEntries(entries.map(([name, item]) => [name, timeless(item)]));
}

/** A run that is stopped after so many steps, by the signal. */
async function stopped(train: Run, path: string, after: number, resumeFrom?: string): Promise<Outcome> {
  const controller = new AbortController();
  return train({
    checkpoint: { path },
    resumeFrom,
    signal: controller.signal,
    onStep: ({ step }) => {
      if (step === after) controller.abort();
    },
  });
}

// On the built packages, as a user's program: one that can be killed at any time and started again.
const script = (name: string, backend: string): string => `
  import { existsSync } from 'node:fs';
  import { ${backend} as backend } from '@rnn/backend-${backend}';
  import { setBackend } from '@rnn/core';
  import { ${name} as run } from './saved-training.ts';
  setBackend(await backend());
  const [, path] = process.argv;
  await run({
    checkpoint: { path, every: 3, keep: 1 },
    resumeFrom: existsSync(path) ? path : undefined,
    onStep: () => void process.stdout.write('.'),
    yieldEvery: 0,
  }, 50);`;

// 54 windows in batches of 7: 8 steps a pass. 12 pieces of a text, two a step: 6 steps a pass.
const trainings: [name: string, Run, steps: readonly number[]][] = [
  ['run', run, [1, 7, 8, 9, 16, 37, 111]],
  ['runText', runText, [1, 2, 3, 5, 6, 7, 8, 18, 20, 35]],
];

describe.each(trainings)('a training that stops goes on as if it had not: %s', (name, train, steps) => {
  test.each(['cpu', 'wasm'] as const)(
    'after any step, also in the middle of a pass and at its end, on %s',
    async (name) => {
      setBackend(backends[name]);
      const expected = timeless(await train({}));
      for (const after of steps) {
        const path = join(fresh(), 'run.safetensors');
        expect((await stopped(train, path, after)).history).toMatchObject({ step: after, stopped: 'aborted' });
        expect(timeless(await train({ checkpoint: { path }, resumeFrom: path }))).toEqual(expected);
      }
    },
  );

  test('stopped again and again', async () => {
    const expected = timeless(await train({}));
    const path = join(fresh(), 'run.safetensors');
    await stopped(train, path, 3);
    for (const after of [8, 11, 24, 30]) await stopped(train, path, after, path);
    const resumed = await train({ checkpoint: { path }, resumeFrom: path });
    expect(timeless(resumed)).toEqual(expected);
    // What is over stays as it is.
    expect(timeless(await train({ checkpoint: { path }, resumeFrom: path }))).toEqual(expected);
  });

  test('from a checkpoint of a step that went by, with the losses that were read or were not', async () => {
    for (const logEvery of [1, 5, Infinity]) {
      const path = join(fresh(), 'run.safetensors');
      const expected = timeless(await train({ logEvery, checkpoint: { path, every: 11, keep: 3 } }));
      expect(readdirSync(join(path, '..')).length).toBe(4);
      for (const n of [1, 2, 3]) {
        const resumeFrom = path.replace('run.', `run.${n}.`);
        expect(
          timeless(await train({ logEvery, resumeFrom, checkpoint: { path: join(fresh(), 'other.safetensors') } })),
        ).toEqual(expected);
      }
    }
  });

  test.each(['cpu', 'wasm'])(
    'killed 20 times at any moment, on %s',
    async (backend) => {
      const start = (place: string): StartedProgram =>
        startProgram(import.meta.dirname, script(name, backend), join(place, 'run.safetensors'));
      const [unbroken, broken] = [fresh(), fresh()];
      await start(unbroken).end();
      for (let kill = 0; kill < 20; kill++) {
        const program = start(broken);
        await program.output();
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 30));
        await program.kill();
      }
      await start(broken).end();
      const [expected, got] = await Promise.all(
        [unbroken, broken].map((place) => loadCheckpoint(join(place, 'run.safetensors'))),
      );
      expect(withoutTimes(got)).toEqual(withoutTimes(expected));
    },
    300_000,
  );
});

/**
 * What a checkpoint holds, but for the time, which is the sixth of seven columns of its table of
 * steps.
 */
function withoutTimes(checkpoint: Record<string, unknown>): unknown {
  const { training, ...rest } = checkpoint;
  const { steps, ...others } = training as { steps: Float64Array };
  return timeless({ ...rest, training: { ...others, steps: steps.filter((_, i) => i % 7 !== 5) } });
}

describe('checkpoint and resumeFrom refuse', () => {
  test.each([
    ['both resumeFrom and history', { resumeFrom: 'x', history: {} as never }, /resumeFrom is given beside history/],
    [
      'a part by a taken name',
      { checkpoint: { path: 'x', parts: { model: {} } } },
      /checkpoint\.parts\.model is the name of a part/,
    ],
    ['an unknown option', { checkpoint: { path: 'x', evry: 3 } as never }, /option 'evry' is unknown/],
    ['a fraction of a step', { checkpoint: { path: 'x', every: 0.5 } }, /checkpoint\.every is 0\.5/],
  ])('%s', async (_, options, message) => {
    await expect(run(options)).rejects.toThrow(message);
  });

  test('a file that is not there', async () => {
    await expect(run({ resumeFrom: join(fresh(), 'none.safetensors') })).rejects.toThrow(/there is no such file/);
  });
});
