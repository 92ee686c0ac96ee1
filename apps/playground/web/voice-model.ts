/**
 * The voice detector as a module: the build reads the ONNX file by `@rnn/io` and writes what the
 * AudioWorklet imports, since the page's policy allows no script that is made at run time.
 */
import { readFile } from 'node:fs/promises';
import { cpu } from '@rnn/backend-cpu';
import { setBackend, zeros } from '@rnn/core';
import { exportModule, readOnnx } from '@rnn/io';

const file = new URL('../data/silero/silero_vad_16k_sequence.onnx', import.meta.url);

/** The text of the module: it takes a frame of 576 samples at a time, and carries h and c. */
export async function voiceModelCode(): Promise<string> {
  setBackend(await cpu());
  const model = readOnnx(await readFile(file));
  const { code } = exportModule(model, [zeros([1, 576]), zeros([1, 1, 128]), zeros([1, 1, 128])], { takes: 'step' });
  return code;
}

if (import.meta.main) process.stdout.write(await voiceModelCode());
