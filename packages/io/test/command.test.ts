import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { create } from '@bufbuild/protobuf';
import { decodePyTorch, decodeSafetensors, writeSafetensors, type HostTensor } from '@rnn/io';
import { afterAll, describe, expect, test } from 'vitest';
import { rendered } from '../src/command/check/render.js';
import { StringStringEntryProtoSchema } from '../src/onnx/schema.generated.js';
import { bytesOf } from './files.js';
import { edited } from './onnx/model-editor.js';

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

  test('shows an ONNX model', async () => {
    const { out } = await rnnIo('show', given('onnx/cases/exchange/lstm2.legacy.onnx'));
    expect(out).toMatch(/onnx::LSTM_193 +float32 +\[1, 20, 3\] +240\n/);
    expect(out).toMatch(/\ninputs\n  x: float32 \[B, T, 3\]\n\noutputs\n  y: float32 \[B, T, 3\]\n/);
    expect(out).toMatch(/\noperators\n[^]*  LSTM: 2\n[^]*\nmetadata\n  producer: pytorch\n  opset of ai\.onnx: 20\n/);
    const path = join(folder, 'streamed.onnx');
    const links = [{ input: 'h', output: 'hn', initial: 0 }];
    const marked = edited(bytesOf('onnx/cases/exchange/gru.legacy.onnx'), ({ metadataProps }) => {
      metadataProps.push(create(StringStringEntryProtoSchema, { key: 'rnn.state', value: JSON.stringify(links) }));
    });
    writeFileSync(path, marked);
    expect((await rnnIo('show', path)).out).toContain('\nstate\n  hn: goes into h, which is 0 before the first call\n');
  });

  // PyTorch wrote the same weights as ONNX and as a state dict.
  test.each([
    ['lstm2.legacy', 'lstm2', 8],
    ['lstm2.dynamo', 'lstm2', 8],
    ['gru.legacy', 'gru', 4],
    ['lstm_bi_time_major.dynamo', 'lstm_bi_time_major', 8],
    ['rnn_nobias.legacy', 'rnn_nobias', 2],
  ])('%s becomes the state dict of PyTorch', async (name, dict, count) => {
    const expected = decodeSafetensors(bytesOf(`exchange/${dict}.safetensors`)).tensors;
    const layer = Object.keys(expected).filter((key) => key.startsWith('rnn.'));
    expect(layer.length).toBe(count);
    for (const extension of ['safetensors', 'pt']) {
      const path = join(folder, `${name}.${extension}`);
      expect((await rnnIo('convert', given(`onnx/cases/exchange/${name}.onnx`), path)).err).toBe('');
      const bytes = readFileSync(path);
      const made =
        extension === 'pt' ? (decodePyTorch(bytes) as Record<string, HostTensor>) : decodeSafetensors(bytes).tensors;
      for (const key of layer) {
        expect(made[key], key).toEqual(expected[key]);
      }
    }
  });

  test('a model of PyTorch becomes a module that gives its numbers', async () => {
    const path = join(folder, 'gru.mjs');
    const { out, err } = await rnnIo('convert', given('onnx/cases/exchange/gru.legacy.onnx'), path);
    expect(err).toBe('');
    expect(out).toBe(`${path}, ${join(folder, 'gru.d.mts')}: x -> y\n`);
    expect(readFileSync(join(folder, 'gru.d.mts'), 'utf8')).toContain('export interface State {');
    const { x, y } = JSON.parse(readFileSync(given('onnx/cases/exchange/gru.json'), 'utf8')) as Record<
      'x' | 'y',
      number[][][]
    >;
    const { run } = (await import(/* @vite-ignore */ pathToFileURL(path).href)) as {
      run: (xs: number[], states: undefined, lengths: number[]) => Float32Array;
    };
    const received = run(
      x.flat(2),
      undefined,
      x.map((row) => row.length),
    );
    y.flat(2).forEach((value, i) => expect(Math.abs(received[i] - value)).toBeLessThanOrEqual(1e-6));
    const half = join(folder, 'half.mjs');
    await rnnIo('convert', given('onnx/cases/exchange/gru.legacy.onnx'), half, '--dtype', 'float16');
    expect(statSync(half).size).toBeLessThan(statSync(path).size);
  });

  test('weights that Python wrote once have both of their names in a file of PyTorch', async () => {
    const path = join(folder, 'python-tied.pt');
    const { out } = await rnnIo('convert', given('files/tied.safetensors'), path);
    expect(out).toBe(`${path}: 2 tensors\n`);
    const made = decodePyTorch(readFileSync(path)) as Record<string, HostTensor>;
    expect(made['output.weight']).toBe(made['embedding.weight']);
    expect(made).toEqual(decodePyTorch(bytesOf('tied.pt')));
  });

  test('writes a state dict of PyTorch: types, tied values, and what has no place there', async () => {
    const path = join(folder, 'tied.pt');
    const both = { shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) };
    const file = join(folder, 'tied.safetensors');
    const whole = { shape: [1], data: Int32Array.of(7) };
    writeFileSync(file, writeSafetensors({ a: both, b: both, n: whole }, { metadata: { format: 'pt' } }));
    const { out } = await rnnIo('convert', file, path, '--dtype', 'float16');
    expect(out).toBe(`${path}: 3 tensors\nmetadata left out: format\n`);
    const { a, b, n } = decodePyTorch(readFileSync(path)) as Record<string, HostTensor>;
    expect(a).toEqual(both);
    expect(b).toBe(a);
    expect(n).toEqual(whole);
    expect((await rnnIo('show', path)).out).toMatch(/^a +float16 +\[2, 2\] +8$/m);
  });

  test.each([
    [['show', given('command.test.ts')], /of no known kind, expected safetensors or PyTorch or ONNX/],
    [['show', join(folder, 'none')], /none: there is no such file/],
    [['show', folder], /it is a folder, expected a file/],
    [['convert', given('exchange/gru.pt'), join(folder, 'none/x.pt')], /its folder is not there; make it first/],
    [['convert', given('exchange/gru.pt'), join(folder, 'none/x.safetensors')], /its folder is not there/],
    [['convert', given('onnx/cases/exchange/gru.legacy.onnx'), join(folder, 'x.onnx')], /is ONNX already/],
    [['show', join(folder, 'gru.mjs')], /it is an ES module, which is only written/],
    [['show', given('files/module.pt')], /object of 'torch\.nn/],
    [['convert', given('exchange/gru.pt'), join(folder, 'x.bin')], /ends in \.safetensors/],
    [['convert', given('exchange/gru.safetensors'), join(folder, 'x.onnx')], /weights alone are no ONNX model/],
    [['convert', 'a', 'b.safetensors', '--dtype', 'int4'], /Allowed choices are float16/],
    [['convert', given('exchange/gru.pt'), join(folder, 'x.mjs')], /weights alone, which do not say what to compute/],
    [
      ['convert', given('onnx/cases/exchange/gru.dynamo.onnx'), join(folder, 'x.mjs')],
      /'x' is \[3, 4, 3\], for sequences of one length\s+alone; export the model with dynamic\s+batch/,
    ],
  ])('refuses %j', async (args, message) => {
    const { code, out, err } = await rnnIo(...args);
    expect(code).toBe(1);
    expect(out).toBe('');
    expect(err).toMatch(message);
  });

  test('says which file is broken', async () => {
    const path = join(folder, 'cut.pt');
    writeFileSync(path, bytesOf('exchange/gru.pt').slice(0, 900));
    const { err } = await rnnIo('convert', path, join(folder, 'x.safetensors'));
    expect(err).toBe(`rnn-io: ${path}: PyTorch file: the archive is cut off or broken\n`);
  });

  test.each([[], ['show'], ['check'], ['convert']])('says what it can do, in 80 columns: %s', async (...command) => {
    const { out } = await rnnIo(...command, '--help');
    expect(out).toContain(`Usage: ${['rnn-io', ...command].join(' ')} `);
    expect(out.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });

  test('findings are wrapped between words, under where they begin', () => {
    const finding = { verdict: 'change', by: 'PyTorch', what: 'a b c d e f g h' } as const;
    const text = rendered({ file: 'x.onnx', summary: 'ONNX', findings: [finding], readers: [] }, false, false, 24);
    expect(text).toContain('\nchange  PyTorch: a b c d\n        e f g h\n');
  });
});
