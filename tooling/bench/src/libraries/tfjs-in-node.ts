import type { Library } from '../library.ts';
import { installed, requirePeer, versionOf } from './peer.ts';
import type { TfBackendWasm, Tensorflow } from './tfjs-types.ts';
import { tfjsOf } from './tfjs.ts';

/** TensorFlow.js in Node, on one backend. */
export async function loadTfjs(backend: 'wasm' | 'cpu'): Promise<Library> {
  const tf = requirePeer('@tensorflow/tfjs') as Tensorflow;
  if (backend === 'wasm') {
    const { setWasmPaths } = requirePeer('@tensorflow/tfjs-backend-wasm') as TfBackendWasm;
    setWasmPaths(`${installed}@tensorflow/tfjs-backend-wasm/dist/`);
  }
  if (!(await tf.setBackend(backend))) throw new Error(`tfjs has no backend '${backend}'`);
  await tf.ready();
  return tfjsOf(tf, `${versionOf('@tensorflow/tfjs')}, ${tf.getBackend()}`);
}
