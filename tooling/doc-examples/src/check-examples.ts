/**
 * Runs examples and prints what is wrong with them as JSON, by their places: node check-examples.ts
 * FILE, where the file holds a list of `Check`. The programs are written beside it.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { cpu } from '@rnn/backend-cpu';
import { manualSeed, setBackend, Tensor } from '@rnn/core';
import type { Check } from './tsdoc.ts';

const [, , file] = process.argv;
const checks = JSON.parse(readFileSync(file, 'utf8')) as Check[];
const failures: Record<string, string> = {};

/** Numbers of a comment are rounded to four digits behind the point. */
function agree(actual: unknown, expected: unknown): boolean {
  if (typeof actual === 'number' && typeof expected === 'number')
    return Object.is(actual, expected) || Math.abs(actual - expected) <= 6e-5 * Math.max(1, Math.abs(expected));
  if (!Array.isArray(actual) || !Array.isArray(expected)) return actual === expected;
  return actual.length === expected.length && actual.every((one, i) => agree(one, expected[i]));
}

/** What can be compared of a value. */
function plain(value: unknown): unknown {
  if (value instanceof Tensor) return value.toArray();
  if (ArrayBuffer.isView(value)) return Array.from(value as Float32Array);
  return Array.isArray(value) ? value.map(plain) : value;
}

/** What a comment shows; `undefined` for words. */
function valueIn(comment: string): unknown {
  try {
    return JSON.parse(comment.replace(/^\w+Array /, '').replaceAll("'", '"'));
  } catch {
    return undefined;
  }
}

const checkIn =
  (place: string) =>
  async (expression: string, run: () => Promise<unknown>, comment: string): Promise<void> => {
    const fail = (what: string): void => void (failures[place] ??= `${expression}: ${what}`);
    const [, error] = /^(\w*Error): /.exec(comment) ?? [];
    try {
      const actual = await run();
      if (error !== undefined) return fail(`throws nothing, not ${comment}`);
      const expected = valueIn(comment);
      const isShape = actual instanceof Tensor && agree(actual.shape, expected);
      if (expected !== undefined && actual !== comment && !isShape && !agree(plain(actual), expected))
        fail(`is ${JSON.stringify(plain(actual))}, not ${comment}`);
    } catch (thrown) {
      const { name, message } = thrown as Error;
      if (error === undefined) throw thrown;
      const wanted = comment.slice(error.length + 2).replace(/ ?\.\.\.$/, '');
      if (name !== error || !message.startsWith(wanted)) fail(`throws ${name}: ${message}`);
    }
  };

for (const [i, { place, code }] of checks.entries()) {
  setBackend(await cpu());
  manualSeed(0);
  const module = join(dirname(file), `${i}.ts`);
  writeFileSync(module, `const { check } = globalThis as never as { check: never };\n${code}\nexport {};\n`);
  Object.assign(globalThis, { check: checkIn(place) });
  try {
    await import(pathToFileURL(module).href);
  } catch (error) {
    failures[place] ??= String((error as Error).stack ?? error);
  }
}
console.log(`\n${JSON.stringify(failures)}`);
process.exit(0);
