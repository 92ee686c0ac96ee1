import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as core from '@rnn/core';
import * as files from '@rnn/io/node';
import * as nn from '@rnn/nn';
import * as train from '@rnn/train';
import { expect, test } from 'vitest';
import { root } from '../src/documents.ts';
import { tableRows } from '../src/tables.ts';

const exported: Record<string, unknown> = { ...core, ...nn, ...train, ...files };
const bare = (cell: string | undefined): string => (cell ?? '').replaceAll('`', '');

test('every error code stands in its table, with its class', () => {
  const sources = globSync('packages/*/src/**/*.ts', { cwd: root }).map((path) =>
    readFileSync(join(root, path), 'utf8'),
  );
  const codes = new Set(
    sources.flatMap((text) => text.match(/'ERR_(?!MODULE_)[A-Z_]+'/g) ?? []).map((code) => code.slice(1, -1)),
  );
  const rows = tableRows('docs/reference/errors.md', 'code');
  expect(rows.map(([code]) => bare(code)).toSorted()).toEqual([...codes].toSorted());
  for (const [, name] of rows) expect(exported[bare(name)], bare(name)).toBeTypeOf('function');
});

test('what is said to be supported is exported, and the totals are the table’s', () => {
  const path = 'docs/reference/pytorch-compatibility.md';
  const rows = tableRows(path, 'PyTorch');
  const counts = new Map(['supported', 'partly', 'easy to add', 'never'].map((status) => [status, 0]));
  for (const [name, status = '', here] of rows) {
    const count = counts.get(status);
    expect(count, `${name}: ${status}`).toBeDefined();
    counts.set(status, (count ?? 0) + 1);
    const isThere = status === 'supported' || status === 'partly';
    expect(exported[bare(here)] !== undefined, `${name}: ${here}`).toBe(isThere);
  }
  const totals = [...counts].map(([status, count]) => `${count} ${status}`).join(', ');
  expect(readFileSync(join(root, path), 'utf8')).toContain(`Totals: ${totals}.`);
});

test('every dependency of a published package is explained, with its licence', () => {
  const found = new Map<string, { users: string[]; license: unknown }>();
  for (const path of globSync('packages/*/package.json', { cwd: root }).toSorted()) {
    const { dependencies = {}, peerDependencies = {}, name } = manifest(path);
    for (const other of Object.keys({ ...dependencies, ...peerDependencies }).filter((it) => !it.startsWith('@rnn/'))) {
      const { license } = manifest(join(path, '..', 'node_modules', other, 'package.json'));
      const users = [...(found.get(other)?.users ?? []), name.replace('@rnn/', '')];
      found.set(other, { users, license });
    }
  }
  const rows = tableRows('docs/reference/dependencies.md', 'dependency').map(([name, of, license]) => [
    bare(name),
    { users: bare(of).split(', ').toSorted(), license },
  ]);
  expect(Object.fromEntries(rows)).toEqual(Object.fromEntries(found));
});

interface Manifest {
  readonly name: string;
  readonly license?: string;
  readonly dependencies?: Record<string, string>;
  readonly peerDependencies?: Record<string, string>;
}
const manifest = (path: string): Manifest => JSON.parse(readFileSync(join(root, path), 'utf8')) as Manifest;
