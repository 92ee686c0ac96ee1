/** The built command, as a user starts it. */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { caseBytes } from './safetensors-bytes.js';

const command = join(import.meta.dirname, '../dist/cli.js');
const example = join(import.meta.dirname, '../example/minimal-backend.ts');
const cases = join(import.meta.dirname, '../cases');
const folder = mkdtempSync(join(tmpdir(), 'rnn-conformance-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface Outcome {
  readonly code: number;
  readonly lines: readonly string[];
  readonly errors: string;
}

/** Runs the command in the temporary folder, where no package is installed. */
function run(...args: readonly string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(process.execPath, [command, ...args], { cwd: folder }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), lines: stdout.trimEnd().split('\n'), errors: stderr }),
    );
  });
}

const last = ({ lines }: Outcome): string => lines[lines.length - 1];

/** A folder of reference cases: the named ones of this package, and a manifest of them. */
function caseFolder(name: string, names: readonly string[]): string {
  const path = join(folder, name);
  mkdirSync(path);
  const manifest = JSON.parse(readFileSync(join(cases, 'manifest.json'), 'utf8')) as { cases: { name: string }[] };
  for (const each of names) cpSync(join(cases, `${each}.safetensors`), join(path, `${each}.safetensors`));
  const chosen = manifest.cases.filter((entry) => names.includes(entry.name));
  writeFileSync(join(path, 'manifest.json'), JSON.stringify({ ...manifest, cases: chosen }));
  return path;
}

describe('rnn-conformance', () => {
  test('runs a package of its own surroundings, in a pipe with plain lines, and writes a report', async () => {
    const json = join(folder, 'report.json');
    const outcome = await run('--backend', '@rnn/backend-cpu', '--filter', 'kernel movement', '--json', json);
    expect(outcome).toMatchObject({ code: 0, errors: '' });
    // No cursor movement, no colour.
    for (const control of ['\u001b', '\r']) expect(outcome.lines.join('\n')).not.toContain(control);
    expect(outcome.lines.join('\n')).toMatch(/^kernel movement +15 +0 +0 +0 +exact$/m);
    expect(last(outcome)).toBe('15 passed, 0 failed, 0 skipped');
    expect(JSON.parse(readFileSync(json, 'utf8'))).toMatchObject({ passed: 15, failed: 0, info: { name: 'cpu' } });
  });

  test('runs a file in TypeScript by path or URL, and counts what it does not declare', async () => {
    for (const backend of [example, pathToFileURL(example).href]) {
      expect(last(await run('--backend', backend, '--filter', 'kernel movement'))).toBe(
        '8 passed, 0 failed, 7 skipped',
      );
    }
  });

  test('prefers a package where it is started, and hands options to the factory', async () => {
    const home = join(folder, 'node_modules/backend-abacus');
    mkdirSync(home, { recursive: true });
    const manifest = { name: 'backend-abacus', type: 'module', exports: { import: './abacus.js' } };
    writeFileSync(join(home, 'package.json'), JSON.stringify(manifest));
    writeFileSync(
      join(home, 'abacus.js'),
      'export async function abacus(options) { throw new Error(`beads: ${options.beads}`); }',
    );
    const outcome = await run('--backend', 'backend-abacus', '--options', '{"beads":7}');
    expect(outcome.lines.join('\n')).toContain('beads: 7');
    expect([outcome.code, last(outcome)]).toEqual([1, '0 passed, 1 failed, 0 skipped']);
  });

  test('names a failing case and its first differing element', async () => {
    const path = caseFolder('wrong', ['op_tanh', 'op_exp']);
    const out = [Math.tanh(1), 0.25];
    writeFileSync(
      join(path, 'op_tanh.safetensors'),
      caseBytes(
        'op',
        { op: 'tanh' },
        {
          x: [
            [2, 1],
            [1, 2],
          ],
          out: [[2, 1], out],
        },
      ),
    );
    const outcome = await run('--backend', '@rnn/backend-cpu', '--cases', path);
    const text = outcome.lines.join('\n');
    expect(text).toMatch(/^op +1 +1 +0 +7\.1e-1 +1\.0e-6$/m);
    expect(text).toContain('FAILED op: op_tanh\n  out[1, 0] is 0.9640275835990906, expected 0.25\n');
    expect([outcome.code, last(outcome)]).toEqual([1, '1 passed, 1 failed, 0 skipped']);
  });

  test('runs the cases of a directory and nothing else', async () => {
    const path = caseFolder('few', ['op_tanh', 'layer_lstm_plain', 'training_gru']);
    const outcome = await run('--backend', '@rnn/backend-cpu', '--cases', 'few');
    expect([outcome.code, last(outcome)]).toEqual([0, '3 passed, 0 failed, 0 skipped']);
    writeFileSync(join(path, 'stray.safetensors'), '');
    const strayed = await run('--backend', '@rnn/backend-cpu', '--cases', 'few');
    expect(strayed.lines.join('\n')).toContain('the file is not in the manifest');
    expect([strayed.code, last(strayed)]).toEqual([1, '3 passed, 1 failed, 0 skipped']);
  });

  describe('refuses', () => {
    beforeAll(() => {
      mkdirSync(join(folder, 'empty'));
      writeFileSync(join(folder, 'nothing.js'), 'export const other = 1;');
      writeFileSync(join(folder, 'broken.js'), 'export const =');
      caseFolder('listless', []);
    });

    const cpu = ['--backend', '@rnn/backend-cpu'];
    test.each([
      ['no backend', [], /required option '--backend <module>'/],
      ['an unknown package', ['--backend', 'nobody'], /--backend nobody: no such file, and no such package from/],
      ['an unknown file', ['--backend', './nobody.js'], /there is no file/],
      [
        'a module without a factory',
        ['--backend', './nothing.js'],
        /export 'nothing' or as the default export, found other/,
      ],
      ['a module that cannot be loaded', ['--backend', './broken.js'], /cannot be loaded/],
      ['options that are not JSON', [...cpu, '--options', '{'], /not JSON/],
      ['options that are a list', [...cpu, '--options', '[]'], /Expected a JSON object/],
      ['a count that is no number', [...cpu, '--runs', 'many'], /whole number from 1 up/],
      ['an unknown option', [...cpu, '--fast'], /unknown option '--fast'/],
      ['a filter that lets nothing through', [...cpu, '--filter', 'zzz'], /no case has this text/],
      ['a directory that is not there', [...cpu, '--cases', 'nowhere'], /the directory nowhere cannot be read/],
      ['an empty directory', [...cpu, '--cases', 'empty'], /manifest\.json cannot be read/],
      ['a manifest without cases', [...cpu, '--cases', 'listless'], /lists no case/],
    ])('%s', async (_, args, message) => {
      const outcome = await run(...args);
      expect(outcome.code).toBe(1);
      expect(outcome.errors).toMatch(message);
    });
  });

  test('explains itself', async () => {
    const outcome = await run('--help');
    expect(outcome.code).toBe(0);
    for (const option of [
      '--backend',
      '--options',
      '--cases',
      '--swap',
      '--filter',
      '--json',
      '--seed',
      '--runs',
      '--bail',
    ]) {
      expect(outcome.lines.join('\n')).toContain(option);
    }
  });
});
