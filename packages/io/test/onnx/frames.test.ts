/**
 * A detector that takes one frame at a time, with branches inside of branches and its state handed
 * on, as detectors of speech are published: as ONNX Runtime runs it, frame by frame.
 */
import { expect, test } from 'vitest';
import { cpu } from '@rnn/backend-cpu';
import { wasm } from '@rnn/backend-wasm';
import { fromData, noGrad, scope, tensor, zeros, type Tensor } from '@rnn/core';
import { readOnnx } from '../../src/index.js';
import { casesOf } from './onnx-case.js';
import { runSession, sessionOf } from './onnx-runtime.js';

const FRAMES = 40;
const detector = casesOf('graphs.json').find(({ name }) => name === 'detector at 16000');
if (detector === undefined) throw new Error('the detector is missing');
const bytes = Buffer.from(detector.model, 'base64');
const backends = [await cpu(), await wasm()];

test.each([16_000, 8000])('at %i', async (rate) => {
  const frames = Array.from({ length: FRAMES }, (_, t) =>
    Float32Array.from({ length: 48 }, (__, i) => Math.sin(t * i)),
  );
  const session = await sessionOf(bytes);
  const [host] = backends;
  const expected: number[][] = [];
  let state = zeros([2, 2, 3], { backend: host });
  for (const frame of frames) {
    const sr = tensor(rate, { dtype: 'int32', backend: host });
    const { output, stateN } = await runSession(session, [fromData(frame, [2, 24], { backend: host }), state, sr]);
    expected.push(Array.from(output.data as Float32Array));
    state = fromData(stateN.data as Float32Array, [2, 2, 3], { backend: host });
  }
  await session.release();
  for (const backend of backends) {
    const model = readOnnx(bytes, { backend });
    let own: Tensor = zeros([2, 2, 3], { backend });
    let storages = 0;
    frames.forEach((frame, t) => {
      own = noGrad(() =>
        scope(() => {
          const { output, stateN } = model.run({
            input: fromData(frame, [2, 24], { backend }),
            state: own,
            sr: rate,
          });
          output.dataSync().forEach((value, i) => expect(Math.abs(value - expected[t][i])).toBeLessThan(2e-6));
          own.dispose();
          return stateN;
        }),
      );
      if (t === 3) ({ storages } = backend.memory());
    });
    expect(backend.memory().storages, 'storages of a frame left behind').toBe(storages);
    own.dispose();
    model.dispose();
  }
});
