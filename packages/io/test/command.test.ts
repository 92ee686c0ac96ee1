import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { decodePyTorch, decodeSafetensors, writeSafetensors } from '@rnn/io';
import { afterAll, describe, expect, test } from 'vitest';
import { bytesOf } from './files.js';

const folder = mkdtempSync(join(tmpdir(), 'rnn-io-'));
afterAll(() => rmSync(folder, { recursive: true }));
const given = (name: string): string => join(import.meta.dirname, name);

/** Runs the built command; gives what it printed, and its exit code. */
async function rnnIo(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const cli = join(import.meta.dirname, '../dist/cli.js');
  return promisify(execFile)(process.execPath, [cli, ...args]).then(
    ({ stdout, stderr }) => ({ code: 0, out: stdout, err: stderr }),
    ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({
      code,
      out: stdout,
      err: stderr,
    }),
  );
}

describe('rnn-io', () => {
  test('shows a safetensors file', async () => {
    const { code, out } = await rnnIo('show', given('exchange/rnn_nobias.safetensors'));
    expect(code).toBe(0);
    expect(out).toMatch(/^tensor +type +shape +bytes\n/);
    expect(out).toMatch(/rnn\.weight_hh_l0 +F32 +\[5, 5\] +100\n/);
    expect(out).toMatch(/safetensors: 4 tensors, 58 numbers, 232 bytes\n$/);
  });

  test('shows a checkpoint of PyTorch, and nothing that would steer a terminal', async () => {
    const { out } = await rnnIo('show', given('files/checkpoint.pt'));
    expect(out).toMatch(/optimizer\.state\.0\.exp_avg +float32 +\[12, 2\] +96\n/);
    expect(out).toContain('  epoch: 3\n');
    const path = join(folder, 'odd.safetensors');
    writeFileSync(path, writeSafetensors({}, { metadata: { a: '\u001b[31mred' } }));
    expect((await rnnIo('show', path)).out).toContain('  a: \\u{1b}[31mred\n');
  });

  test('converts PyTorch to safetensors, and types', async () => {
    const path = join(folder, 'gru.safetensors');
    expect(await rnnIo('convert', given('exchange/gru.pt'), path)).toMatchObject({
      code: 0,
      out: `${path}: 6 tensors\n`,
    });
    expect(decodeSafetensors(readFileSync(path)).tensors).toEqual(decodePyTorch(bytesOf('exchange/gru.pt')));
    const short = join(folder, 'gru.bf16.safetensors');
    await rnnIo('convert', path, short, '--dtype', 'bfloat16');
    expect(decodeSafetensors(readFileSync(short))).toEqual(decodeSafetensors(bytesOf('exchange/gru.bf16.safetensors')));
  });

  test.each([
    [['show', given('command.test.ts')], /of no known kind, expected safetensors or PyTorch/],
    [['show', join(folder, 'none')], /ENOENT/],
    [['show', given('files/module.pt')], /object of 'torch\.nn/],
    [['convert', given('exchange/gru.pt'), join(folder, 'x.bin')], /ends in \.safetensors/],
    [['convert', given('exchange/gru.safetensors'), join(folder, 'x.pt')], /read and not written/],
    [['convert', 'a', 'b.safetensors', '--dtype', 'int4'], /Allowed choices are float16/],
  ])('refuses %j', async (args, message) => {
    const { code, out, err } = await rnnIo(...args);
    expect(code).toBe(1);
    expect(out).toBe('');
    expect(err).toMatch(message);
  });

  test('says what it can do', async () => {
    const { out } = await rnnIo('--help');
    expect(out).toMatch(/show <file>[^]*convert \[options\] <in> <out>/);
  });
});
