import { cpu } from '@rnn/backend-cpu';
import type { Backend } from '@rnn/core';
import { registerConformance, type ConformanceCase, type TestRunner } from '@rnn/conformance';
import { expect, test } from 'vitest';
import { minimal } from '../example/minimal-backend.js';

/** A test runner that collects what is registered and runs it when asked. */
function collector(): { runner: TestRunner; run: () => Promise<string[]> } {
  const tests: { name: string; body: (...context: readonly unknown[]) => Promise<void> }[] = [];
  const last: (() => Promise<void>)[] = [];
  const path: string[] = [];
  const runner: TestRunner = {
    describe: (name, body) => {
      path.push(name);
      body();
      path.pop();
    },
    it: (name, body) => tests.push({ name: [...path, name].join(' > '), body }),
    after: (body) => last.push(body),
  };
  const run = async (): Promise<string[]> => {
    const outcomes: string[] = [];
    for (const { name, body } of tests) {
      let outcome = 'passed';
      const context = { skip: (reason: string) => (outcome = `skipped, ${reason}`) };
      await body(context).catch((error: Error) => (outcome = `failed, ${error.message}`));
      outcomes.push(`${name}: ${outcome}`);
    }
    for (const body of last) await body();
    return outcomes;
  };
  return { runner, run };
}

const simple = (
  group: string,
  name: string,
  status: 'passed' | 'failed' | 'skipped',
  reason?: string,
): ConformanceCase => ({
  group,
  name,
  run: async () => ({ group, name, status, reason, error: 0, tolerance: 0 }),
});

test('cases become tests in groups: failures throw, skips go to the runner, the shared backend is disposed of', async () => {
  let disposed = 0;
  const factory = async (): Promise<Backend> => {
    const backend = await cpu();
    return Object.assign(backend, { dispose: () => (disposed += 1) });
  };
  const { runner, run } = collector();
  const cases = [
    simple('a', 'one', 'passed'),
    simple('b', 'two', 'failed', 'out[0] is 1, expected 2'),
    simple('a', 'three', 'skipped', 'no float64'),
    simple('c', 'four', 'passed'),
  ];
  registerConformance(runner, factory, cases, { filter: 'o' });
  expect(await run()).toEqual([
    'conformance > a > one: passed',
    'conformance > b > two: failed, out[0] is 1, expected 2',
    'conformance > c > four: passed',
  ]);
  expect(disposed).toBe(1);
});

test('a skipped case is a skipped test', async () => {
  const { runner, run } = collector();
  registerConformance(runner, minimal, [simple('a', 'three', 'skipped', 'no float64')]);
  expect(await run()).toEqual(['conformance > a > three: skipped, no float64']);
});

test('a factory that throws fails every test, with its message', async () => {
  const { runner, run } = collector();
  registerConformance(runner, () => Promise.reject(new Error('no such device')), [simple('a', 'one', 'passed')]);
  expect(await run()).toEqual(['conformance > a > one: failed, no such device']);
});
