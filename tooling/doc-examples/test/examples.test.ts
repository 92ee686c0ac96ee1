import { execFile } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { documents, examples, type Example } from '../src/documents.ts';

const exec = promisify(execFile);

// The programs run where a user's would: beside the built packages, found by name.
const folder = join(import.meta.dirname, '../build/documents');
const all = documents().flatMap(examples);
// Those for Node alone end in `-node`: the others have sound types without Node's.
const fileOf = ({ place, code }: Example): string =>
  join(folder, `${place.replaceAll(/[^\w]+/g, '-')}${/from 'node:/.test(code) ? '-node' : ''}.ts`);

// What the strictest settings find fault with, beside the examples: options that may be undefined,
// and members that nobody should see.
const uses = `
import { scope, Tensor, zeros, type DType, type TensorOptions } from '@rnn/core';
import { GRUCell, LSTM, LSTMCell, Recurrent, ZoneoutCell, type Cell } from '@rnn/nn';
import { Adam } from '@rnn/train';

export function make(dtype: DType | undefined, layers: number | undefined, options: Partial<TensorOptions>): Tensor {
  const model = new LSTM(1, 8, { numLayers: layers, dtype });
  new Adam(model.parameters(), { lr: layers });
  for (const cell of [new GRUCell(1, 2), new ZoneoutCell(new GRUCell(1, 2), { p: 0.1, generator: undefined })]) new Recurrent(cell);
  new Recurrent(new ZoneoutCell(new LSTMCell(1, 2), { p: [0.1, 0.2] }));
  const own: Cell = { forward: (x, state) => x.add(state), initialState: undefined };
  new Recurrent(own);
  using x = zeros([2], { dtype, ...options });
  return scope(() => x.add(1));
}
export const hidden: Extract<keyof Tensor, 'attach' | 'edge' | 'held' | 'home' | 'caretaker' | 'previous' | 'next' | 'alias'>[] = [];
const none: never[] = hidden;
void none;
`;

beforeAll(() => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const example of all) writeFileSync(fileOf(example), `${example.code}\nexport {};\n`);
  writeFileSync(join(folder, 'uses.ts'), uses);
});

describe.each(['typescript', 'typescript-newest'])(
  'every example has sound types by the settings of %s',
  { timeout: 120_000 },
  (compiler) => {
    const tsc = (...args: string[]): Promise<string> =>
      exec(process.execPath, [join(import.meta.dirname, '../node_modules', compiler, 'bin/tsc'), ...args], {
        cwd: join(folder, compiler),
      }).then(
        () => '',
        ({ stdout }: { stdout: string }) => stdout,
      );

    // What a new project gets, which is stricter than what the repository itself compiles with.
    beforeAll(async () => {
      mkdirSync(join(folder, compiler));
      const complaint = await tsc('--init');
      if (complaint !== '') throw new Error(complaint);
    });

    test.each([
      ['nodenext', {}],
      ['bundler', { module: 'esnext', moduleResolution: 'bundler' }],
      ['an older engine', { target: 'es2022' }],
      ['for Node', { types: ['node'] }],
    ])('%s', async (name, options) => {
      const project = join(folder, compiler, `${name.replaceAll(' ', '-')}.json`);
      const sources =
        name === 'for Node' ? { include: ['../*-node.ts'] } : { include: ['../*.ts'], exclude: ['../*-node.ts'] };
      const compilerOptions = { ...options, noEmit: true, skipLibCheck: false };
      writeFileSync(project, JSON.stringify({ extends: './tsconfig.json', compilerOptions, ...sources }));
      expect(await tsc('-p', project)).toBe('');
    });
  },
);

test('every example has sound types by TypeScript 5.4, the oldest that is promised', async () => {
  const project = join(folder, 'oldest.json');
  const lib = ['es2023', 'esnext.disposable', 'dom', 'dom.iterable'];
  const strict = { strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true };
  // The types of a dependency of @rnn/io need 5.7.
  const compilerOptions = {
    ...strict,
    module: 'nodenext',
    target: 'es2022',
    lib,
    noEmit: true,
    skipLibCheck: true,
    types: ['node'],
  };
  writeFileSync(project, JSON.stringify({ compilerOptions, include: ['*.ts'] }));
  const tsc = join(import.meta.dirname, '../node_modules/typescript-oldest/bin/tsc');
  const { stdout } = await exec(process.execPath, [tsc, '-p', project]).catch(
    (error: unknown) => error as { stdout: string },
  );
  expect(stdout).toBe('');
});

describe('every example prints what the document says', () => {
  test.each(all)('$place', async (example) => {
    // What an example writes lies beside it, and goes with it.
    const env = { ...process.env, NO_COLOR: '1' };
    const { stdout } = await exec(process.execPath, [fileOf(example)], { cwd: folder, env });
    expect(trimLines(stdout)).toBe(trimLines(example.output));
  });
});

const trimLines = (text: string): string => text.replaceAll(/[ \t]+$/gm, '').trimEnd();

test.each(documents().filter(({ path }) => /^packages\/[^/]+\/README\.md$/.test(path) || path === 'README.md'))(
  '$path has an example',
  (document) => {
    expect(examples(document)).not.toEqual([]);
  },
);
