import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { primitiveCases, referenceCases, runConformance } from '@rnn/conformance';
import { caseDirectory } from '@rnn/conformance/node';
import { expect, test } from 'vitest';
import { minimal } from '../example/minimal-backend.js';

const example = readFileSync(join(import.meta.dirname, '../example/minimal-backend.ts'), 'utf8');
const guide = readFileSync(join(import.meta.dirname, '../../../docs/new-backend.md'), 'utf8');

test('the example passes every case that it does not declare itself unable to run', async () => {
  const cases = [...primitiveCases(), ...referenceCases(caseDirectory())];
  const report = await runConformance({ factory: minimal, cases });
  expect(report.results.filter(({ status }) => status === 'failed')).toEqual([]);
  const reasons = report.results.filter(({ status }) => status === 'skipped').map(({ reason }) => reason);
  expect(new Set(reasons)).toEqual(new Set(['minimal does not declare float64']));
  expect(report.passed + report.skipped).toBe(cases.length);
});

test('the example is at most 300 lines', () => {
  expect(example.split('\n').length - 1).toBeLessThanOrEqual(300);
});

test('the pieces of the guide, one after another, are the example', () => {
  const pieces = [...guide.matchAll(/^```ts fragment\n(.*?)^```$/gms)].map(([, piece]) => piece);
  expect(pieces.join('\n')).toBe(example);
});
