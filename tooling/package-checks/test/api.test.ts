/** The public surface of every package, as it was last looked at. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { apiReports } from '../src/api-report.ts';
import { root } from '../src/packages.ts';

const reports = apiReports();

describe.each(reports)('what $entry exports', ({ entry, file, text }) => {
  test('is what its report says', () => {
    const stored = existsSync(file) ? readFileSync(file, 'utf8') : '';
    expect(text, `${entry} changed for its users: if that is meant, \`npm run api\` writes the report`).toBe(stored);
  });

  test('is all told: every name that a program can import', async () => {
    const loaded = (await import(entry)) as Record<string, unknown>;
    const whole = /All that `(.*)` exports/.exec(text)?.[1];
    const told = whole === undefined ? text : (reports.find((each) => each.entry === whole)?.text ?? '');
    for (const name of Object.keys(loaded)) expect(told).toMatch(new RegExp(`\\b${name.replace('$', '\\$')}\\b`));
  });
});

test.each(['core', 'nn', 'train'])('the README of %s names all that a program can import', async (name) => {
  const readme = readFileSync(`${root}/packages/${name}/README.md`, 'utf8');
  const names = Object.keys((await import(`@rnn/${name}`)) as object);
  // In a list of names, or as a call in an example.
  const isNamed = (each: string): boolean => new RegExp(`\`[^\`]*\\b${each}\\b`).test(readme);
  expect(names.filter((each) => !isNamed(each))).toEqual([]);
});

test('no report is left of an entry that is gone', () => {
  const found = globSync('packages/*/api/*', { cwd: root }).map((path) => `${root}/${path}`);
  expect(found.toSorted()).toEqual(reports.map(({ file }) => file).toSorted());
});
