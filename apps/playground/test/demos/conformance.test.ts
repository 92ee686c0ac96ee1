import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { cpu } from '@rnn/backend-cpu';
import { primitiveCases, type CaseResult, type GroupSummary } from '@rnn/conformance';
import { expect, test } from 'vitest';
import { packCases, unpackCases } from '../../web/src/demos/conformance/case-pack.ts';
import { allCases, runCases, type News, type Selection } from '../../web/src/demos/conformance/run-cases.ts';

const folder = fileURLToPath(new URL('../../../../packages/conformance/cases/', import.meta.url));
const files = ['manifest.json', 'cell_lstm_batched.safetensors'];
const packed = async (): Promise<ArrayBuffer> =>
  packCases(await Promise.all(files.map(async (name) => [name, await readFile(folder + name)] as const))).buffer;

test('a pack gives back what went in, and nothing else', async () => {
  const load = unpackCases(await packed());
  for (const name of files)
    expect(Buffer.compare(load(name) ?? new Uint8Array(), await readFile(folder + name))).toBe(0);
  expect(load('toString')).toBeUndefined();
});

async function run(
  selection: Selection,
): Promise<{ results: CaseResult[]; total: number; groups: readonly GroupSummary[] }> {
  const news: News[] = [];
  await runCases(cpu, allCases(await packed()), selection, (one) => news.push(one));
  return {
    results: news.flatMap(({ results }) => results),
    total: news.at(-1)?.total ?? Number.NaN,
    groups: news.at(-1)?.groups ?? [],
  };
}

test("a filter chooses cases, PyTorch's among them; a run goes on where it was stopped", async () => {
  const whole = await run({ filter: 'Kernel Movement', before: [] });
  const fitting = primitiveCases().filter(({ group }) => group === 'kernel movement');
  expect(whole.total).toBe(fitting.length);
  expect(whole.results.map(({ name }) => name)).toEqual(fitting.map(({ name }) => name));
  expect(whole.results.every(({ status }) => status === 'passed')).toBe(true);
  const rest = await run({ filter: 'kernel movement', before: whole.results.slice(0, 3), count: 2 });
  expect(rest.results.map(({ name }) => name)).toEqual(fitting.slice(3, 5).map(({ name }) => name));
  // The table counts what came before, too.
  expect(rest.groups).toMatchObject([{ group: 'kernel movement', passed: 5 }]);
  const { results } = await run({ filter: 'cell_lstm_batched', before: [] });
  expect(results).toMatchObject([{ group: 'cell', status: 'passed' }]);
  expect(results[0].error).toBeGreaterThan(0);
});
