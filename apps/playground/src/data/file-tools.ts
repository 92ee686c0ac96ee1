import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { FileTools } from '../chapters/files.ts';

/** Runs a chapter with a folder of its own, which is gone afterwards. */
export async function withFileTools<R>(run: (tools: FileTools) => Promise<R>): Promise<R> {
  const folder = await mkdtemp(join(tmpdir(), 'rnn-tour-'));
  try {
    return await run({
      readBytes: (file) => readFile(new URL(`../../data/${file}`, import.meta.url)),
      keep: async (file, bytes) => {
        await writeFile(join(folder, file), bytes);
        return readFile(join(folder, file));
      },
      runOnnx,
      check: (file) => check(folder, file),
    });
  } finally {
    await rm(folder, { recursive: true });
  }
}

const runOnnx: FileTools['runOnnx'] = async (model, { shape, data }) => {
  // Loaded when it is needed: the other chapters do without it.
  const ort = await import('onnxruntime-web');
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = 'error';
  const session = await ort.InferenceSession.create(model);
  const { y } = await session.run({ x: new ort.Tensor('float32', data, shape) });
  const numbers = Float32Array.from((await y.getData()) as Float32Array);
  await session.release();
  return numbers;
};

/** The command as a user calls it, in the folder of the file. */
async function check(folder: string, file: string): Promise<string> {
  const cli = join(dirname(createRequire(import.meta.url).resolve('@rnn/io/package.json')), 'dist/cli.js');
  const { stdout } = await promisify(execFile)(process.execPath, [cli, 'check', file], { cwd: folder });
  return stdout.trimEnd();
}
