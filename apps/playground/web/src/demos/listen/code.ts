// In Node: writes the detector as one module, which an AudioWorklet imports.
import { readFile, writeFile } from 'node:fs/promises';
import { cpu } from '@rnn/backend-cpu';
import { setBackend, zeros } from '@rnn/core';
import { exportModule, readOnnx } from '@rnn/io';

setBackend(await cpu());
const [, , onnx = 'silero_vad_16k_sequence.onnx', out = 'voice.mjs'] = process.argv;
const model = readOnnx(await readFile(onnx));
const state = zeros([1, 1, 128]);
const { code, types } = exportModule(model, [zeros([1, 576]), state, state], { takes: 'step' });
await writeFile(out, code);
await writeFile(out.replace('.mjs', '.d.mts'), types);

// In the AudioWorklet, for each frame of 512 samples with the last 64 of the one before in front:
//   import { initialState, step } from './voice.mjs';
//   const state = initialState();          // { h, c }, 128 numbers each
//   const [probability] = step(frame, state);
