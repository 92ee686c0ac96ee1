import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Backend } from '@rnn/core';
import { primitiveCases, referenceCases, runConformance, type Report } from '@rnn/conformance';
import { caseDirectory } from '@rnn/conformance/node';
import { describe, expect, test } from 'vitest';
import { minimal } from '../example/minimal-backend.js';
import { minimalWithPrograms } from '../example/minimal-compile.js';

const example = readFileSync(join(import.meta.dirname, '../example/minimal-backend.ts'), 'utf8');
const compiling = readFileSync(join(import.meta.dirname, '../example/minimal-compile.ts'), 'utf8');
const guide = readFileSync(join(import.meta.dirname, '../../../docs/new-backend.md'), 'utf8');

function failuresOf({ results }: Report): readonly string[] {
  return results.filter(({ status }) => status === 'failed').map(({ group, name }) => `${group} ${name}`);
}

test('the example passes every case that it does not declare itself unable to run', async () => {
  const cases = [...primitiveCases(), ...referenceCases(caseDirectory())];
  const report = await runConformance({ factory: minimal, cases });
  expect(failuresOf(report)).toEqual([]);
  const reasons = report.results.filter(({ status }) => status === 'skipped').map(({ reason }) => reason);
  expect(new Set(reasons)).toEqual(new Set(['minimal does not declare float64']));
  expect(report.passed + report.skipped).toBe(cases.length);
});

test('the example is at most 300 lines', () => {
  expect(example.split('\n').length - 1).toBeLessThanOrEqual(300);
});

test('with programs it passes all cases that need no file, and its runner of programs is at most 120 lines', async () => {
  const report = await runConformance({ factory: minimalWithPrograms, cases: primitiveCases() });
  expect(failuresOf(report)).toEqual([]);
  expect(report.passed).toBeGreaterThan(0);
  expect(compiling.split('\n').length - 1).toBeLessThanOrEqual(120);
});

describe('the guide', () => {
  test('is made of the pieces of the example, one after another, and a test file of three lines', () => {
    const pieces = [...guide.matchAll(/^```ts fragment\n(.*?)^```$/gms)].map(([, piece]) => piece);
    const programs = pieces.findIndex((piece) => piece.startsWith('/** Programs for the backend'));
    expect(pieces.slice(0, programs - 1).join('\n')).toBe(example);
    expect(pieces.slice(programs).join('\n')).toBe(compiling);
    expect(pieces[programs - 1].split('\n').filter((line) => line !== '')).toHaveLength(3);
  });

  // Rows of its table: a part, the methods to write for it, and the cases that pass once they are
  // there.
  const names = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name);
  const parts = [...guide.matchAll(/^\| ([\w ]+?) +\| (`.*?`) +\| (`.*?) +\|$/gm)].map(([, part, methods, cases]) => ({
    part,
    methods: names(methods),
    filters: names(cases),
  }));

  test('names every method once', async () => {
    const prototype = Object.getPrototypeOf(await minimal()) as object;
    const written = Object.getOwnPropertyNames(prototype).filter(
      (name) => !['constructor', 'keep', 'named'].includes(name),
    );
    expect(parts.flatMap(({ methods }) => methods).sort()).toEqual(written.sort());
  });

  test.each(parts)('tells which cases pass after the part on $part', async ({ part, filters }) => {
    const there = parts.slice(0, parts.findIndex((other) => other.part === part) + 1).flatMap(({ methods }) => methods);
    const factory = async (): Promise<Backend> =>
      new Proxy(await minimal(), {
        get: (target, key: keyof Backend) => {
          const value = target[key];
          if (typeof value !== 'function') return value;
          return there.includes(key) ? value.bind(target) : undefined;
        },
      });
    for (const filter of filters) {
      const report = await runConformance({ factory, cases: primitiveCases(), filter });
      expect(report.passed, filter).toBeGreaterThan(0);
      expect(failuresOf(report)).toEqual([]);
    }
  });
});
