/** ONNX Runtime, which written models are held against. */
import * as ort from 'onnxruntime-web';
import type { Tensor } from '@rnn/core';

ort.env.wasm.numThreads = 1;
ort.env.logLevel = 'fatal';

/** A model, ready to run; `release` frees it. */
export const sessionOf = (bytes: Uint8Array): Promise<ort.InferenceSession> =>
  ort.InferenceSession.create(bytes, { logSeverityLevel: 3 });

/** Runs a model on inputs in its own order; whole numbers are int64. */
export async function runSession(
  session: ort.InferenceSession,
  inputs: readonly Tensor[],
): Promise<ort.InferenceSession.ReturnType> {
  const feeds = session.inputNames.map((name, i): [string, ort.Tensor] => {
    const data = inputs[i].dataSync();
    const value =
      data instanceof Int32Array
        ? new ort.Tensor('int64', BigInt64Array.from(data, BigInt), inputs[i].shape)
        : new ort.Tensor('float32', data as Float32Array, inputs[i].shape);
    return [name, value];
  });
  return session.run(Object.fromEntries(feeds));
}

/** The same for a model that runs once. */
export async function runOnce(bytes: Uint8Array, inputs: readonly Tensor[]): Promise<ort.InferenceSession.ReturnType> {
  const session = await sessionOf(bytes);
  try {
    return await runSession(session, inputs);
  } finally {
    await session.release();
  }
}
