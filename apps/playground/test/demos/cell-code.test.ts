/** The program that the demo "The cell" writes for a cell: its types, and what it prints. */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { cpu } from '@rnn/backend-cpu';
import { setBackend } from '@rnn/core';
import ts from 'typescript';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { parseLesson } from '../../src/data/lesson.ts';
import { parseCell } from '../../web/src/demos/cell/language/parse.ts';
import { presets } from '../../web/src/demos/cell/presets.ts';
import { programOf } from '../../web/src/demos/cell/program.ts';
import { runCell } from '../../web/src/demos/cell/trace.ts';

const cells: Readonly<Record<string, string>> = {
  ...presets,
  own: `const H = 4;
const A = randn([H, X]);
// A state with names, sizes of its own, methods and functions of the same name.
const step = (x, { slow, fast }) => {
  const f = sigmoid(A.matmul(x));
  const s = slow.mul(0.9).add(f.mul(1 / 10));
  return { fast: maximum(f, 0.5), slow: s };
};`,
  without: 'const step = (x, h) => h.mul(0.5).add(x.sum());',
};
/** JavaScript cannot say that a list has two parts, so for the check of types this does. */
const pair = "/** @type {(x: import('@rnn/core').Tensor, s: readonly [any, any]) => [any, any]} */\n";
const folder = fileURLToPath(new URL('../../test-results/cell-code/', import.meta.url));
const fileOf = (name: string): string => `${folder}${name}.mjs`;
const shown = vi.spyOn(console, 'log').mockImplementation(() => {});

beforeAll(async () => {
  setBackend(await cpu());
  await mkdir(folder, { recursive: true });
  for (const [name, text] of Object.entries(cells)) {
    const program = programOf(parseCell(text), text, 0);
    await writeFile(fileOf(name), program);
    await writeFile(fileOf(`typed-${name}`), program.replace(/^const step = \(x, \[h, c\]\)/m, `${pair}$&`));
  }
});
afterEach(() => shown.mockClear());
afterAll(() => rm(folder, { recursive: true }));

test('each is right in its types', { timeout: 120_000 }, () => {
  const program = ts.createProgram(
    Object.keys(cells).map((name) => fileOf(`typed-${name}`)),
    {
      allowJs: true,
      checkJs: true,
      noEmit: true,
      strict: true,
      // It is JavaScript: nobody says what x and h are.
      noImplicitAny: false,
      skipLibCheck: true,
      target: ts.ScriptTarget.ES2023,
      module: ts.ModuleKind.ESNext,
      moduleResolution: ts.ModuleResolutionKind.Bundler,
      customConditions: ['@rnn/source'],
      lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts', 'lib.dom.d.ts'],
    },
  );
  for (const name of Object.keys(cells)) {
    const file = program.getSourceFile(fileOf(`typed-${name}`));
    expect(file, name).toBeDefined();
    const faults = [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)];
    expect(faults.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))).toEqual([]);
  }
});

/** The numbers that a program printed: a list for each tensor, with its name where it has one. */
async function printed(name: string): Promise<{ name: string | undefined; numbers: number[] }[]> {
  await import(/* @vite-ignore */ fileOf(name));
  return shown.mock.calls.map((words) => ({
    name: words.length > 1 ? String(words[0]) : undefined,
    numbers: [...String(words.at(-1)).matchAll(/-?\d+\.\d*(?:e[+-]\d+)?/g)].map(([number]) => Number(number)),
  }));
}

test.each(Object.entries(cells))('%s: run by itself it prints the states that the page shows', async (name, text) => {
  const { run } = await runCell({ text, seed: 0 });
  const states = [...(run?.states ?? [])];
  const lists = await printed(name);
  expect(lists).toHaveLength(states.length);
  for (const [i, [state, { shape, values }]] of states.entries()) {
    const { numbers } = lists.find((list) => list.name === state) ?? lists[i];
    // Before the first step all of a state is 0, which a program does not print.
    const expected = values.subarray(shape[1]);
    expect(numbers).toHaveLength(expected.length);
    for (const [at, value] of expected.entries()) expect(numbers[at]).toBeCloseTo(value, 3);
  }
});

test('the plain cell prints what PyTorch printed for the lesson', async () => {
  const { h } = parseLesson(await readFile(new URL('../../data/lesson.json', import.meta.url), 'utf8'));
  vi.resetModules();
  const [{ numbers }] = await printed('rnn');
  expect(numbers).toHaveLength(10);
  for (const [i, value] of h.flat().entries()) expect(numbers[i]).toBeCloseTo(value, 3);
});
