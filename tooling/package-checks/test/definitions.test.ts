/** In a project with the packed packages, an editor's "go to definition" opens the sources. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { apiReports } from '../src/api-report.ts';
import { openEditor, type Editor } from '../src/editor.ts';
import { publishedPackages } from '../src/packages.ts';
import { install, scratch } from '../src/tarballs.ts';

const subjects = ['@rnn/core', '@rnn/nn', '@rnn/train', '@rnn/io', '@rnn/backend-cpu', '@rnn/backend-wasm'];
const project = join(scratch, 'editor');
const file = join(project, 'program.ts');

/** The classes, functions and types that an entry exports. */
const exported = (entry: string): string[] => {
  const [, code = ''] = /```ts\n([^]*?)```/.exec(apiReports().find((each) => each.entry === entry)?.text ?? '') ?? [];
  const found = code.matchAll(/^(?:abstract )?(?:class|function|interface|type|const) ([A-Za-z]\w*)/gm);
  return [...new Set([...found].map(([, name = '']) => name))];
};

const uses = `
import { wasm } from '@rnn/backend-wasm';
import { zeros } from '@rnn/core';
import { LSTM, Linear, init } from '@rnn/nn';
import { Adam, fit } from '@rnn/train';
const lstm = new LSTM(1, 2, { numLayers: 2 });
const adam = new Adam(lstm.parameters(), { lr: 0.1 });
adam.zeroGrad();
lstm.forward(zeros([1, 1, 1]));
zeros([1]).matmul(zeros([1]));
zeros([1]).backward();
new Linear(1, 1).stateDict();
await wasm({ threads: 2 });
init.xavierUniform_(zeros([1, 1]));
const options: Parameters<typeof fit>[2] = undefined as never;
options.epochs;
`;

/** Where a pattern matches first, with lines and columns from 1. */
function placeOf(program: string, pattern: RegExp): { line: number; offset: number } {
  const match = pattern.exec(program);
  if (match === null) throw new Error(`${pattern} is not in the program`);
  const before = program.slice(0, match.index);
  return { line: before.split('\n').length, offset: before.length - before.lastIndexOf('\n') };
}

const imports = subjects.map((name) => ({ name, names: exported(name) }));
const text = `${imports.map(({ name, names }) => `import { ${names.map((each) => `${each} as ${each}_`).join(', ')} } from '${name}';`).join('\n')}\n${uses}`;
let editor: Editor;
beforeAll(async () => {
  const packages = publishedPackages().filter(({ name }) => subjects.includes(name));
  await Promise.all(packages.map((each) => install(each, join(project, 'node_modules', each.name))));
  writeFileSync(join(project, 'package.json'), '{ "type": "module" }');
  const compilerOptions = { module: 'nodenext', target: 'es2022', strict: true, skipLibCheck: true, types: [] };
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['program.ts'] }));
  writeFileSync(file, text);
  editor = openEditor(file);
});
afterAll(() => editor.close());

/** The file of a definition, from the folder of packages, and the name that stands there. */
async function definition(line: number, offset: number): Promise<{ path: string; name: string | undefined }> {
  const [found] = await editor.definitions(file, line, offset);
  if (found === undefined) return { path: 'nowhere', name: undefined };
  const row = readFileSync(found.file, 'utf8').split('\n')[found.start.line - 1] ?? '';
  return {
    path: relative(join(project, 'node_modules'), found.file),
    name: /^[\w$]+/.exec(row.slice(found.start.offset - 1))?.[0],
  };
}

describe.each(imports)('what $name exports', ({ name, names }) => {
  test('is found in its sources, by its name', { timeout: 120_000 }, async () => {
    expect(names.length).toBeGreaterThan(0);
    const astray: object[] = [];
    for (const each of names) {
      const { line, offset } = placeOf(text, new RegExp(`\\b${each}(?= as ${each}_\\b[^\\n]*'${name}')`));
      const found = await definition(line, offset);
      if (!found.path.startsWith(`${name}/src/`) || found.name !== each) astray.push({ each, ...found });
    }
    expect(astray).toEqual([]);
  });
});

test.each([
  ['forward', '@rnn/nn/src/'],
  ['numLayers', '@rnn/nn/src/'],
  ['parameters', '@rnn/nn/src/'],
  ['stateDict', '@rnn/nn/src/'],
  ['xavierUniform_', '@rnn/nn/src/init/'],
  ['lr', '@rnn/train/src/'],
  ['zeroGrad', '@rnn/train/src/'],
  ['epochs', '@rnn/train/src/'],
  ['matmul', '@rnn/core/src/'],
  ['backward', '@rnn/core/src/'],
  ['threads', '@rnn/backend-wasm/src/'],
])('the member or option %s is found there, too', async (name, folder) => {
  const start = text.length - uses.length;
  const { line, offset } = placeOf(uses, new RegExp(`(?<=[.{] ?)${name}\\b(?=[:(;])`));
  const found = await definition(line + text.slice(0, start).split('\n').length - 1, offset);
  expect(found).toEqual({ path: expect.stringContaining(folder) as string, name });
});
