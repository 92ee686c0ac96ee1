import { execFile } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { documents, examples } from '../src/documents.ts';

const exec = promisify(execFile);

// The programs run where a user's would: beside the built packages, found by name.
const folder = join(import.meta.dirname, '../build');
const all = documents().flatMap(examples);
const fileOf = (place: string): string => join(folder, `${place.replaceAll(/[^\w]+/g, '-')}.ts`);

const tsconfig = {
  compilerOptions: { target: 'esnext', module: 'nodenext', strict: true, noEmit: true, types: [] },
  include: ['*.ts'],
};

beforeAll(() => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(tsconfig));
  for (const { place, code } of all) writeFileSync(fileOf(place), `${code}\nexport {};\n`);
});

test('every example has sound types', async () => {
  const { stdout } = await exec('tsc', ['-p', folder]).catch((error: { stdout: string }) => error);
  expect(stdout).toBe('');
});

describe('every example prints what the document says', () => {
  test.each(all)('$place', async ({ place, output }) => {
    const { stdout } = await exec(process.execPath, [fileOf(place)], { env: { ...process.env, NO_COLOR: '1' } });
    expect(trimLines(stdout)).toBe(trimLines(output));
  });
});

const trimLines = (text: string): string => text.replaceAll(/[ \t]+$/gm, '').trimEnd();

test.each(documents().filter(({ path }) => /^packages\/[^/]+\/README\.md$/.test(path) || path === 'README.md'))(
  '$path has an example',
  (document) => {
    expect(examples(document)).not.toEqual([]);
  },
);
