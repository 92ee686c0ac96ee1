import { gpu } from '@rnn/backend-gpu';
import type { Library } from '../library.ts';
import { onCpu, onWasm } from '../libraries/on-backends.ts';
import { oursOn } from '../libraries/ours.ts';
import { tfjsOf } from '../libraries/tfjs.ts';
import type { Tensorflow } from '../libraries/tfjs-types.ts';

async function onGpu(mode: 'webgl2' | 'webgpu'): Promise<Library> {
  const backend = await gpu({ mode });
  const library = oursOn({ backend, dtype: 'float32' }, `this checkout, ${backend.info.device}`);
  const { counters } = backend;
  return {
    ...library,
    work: () => ({ launches: counters.launches, bytesMoved: counters.bytesUp + counters.bytesDown }),
  };
}

/** The card that TensorFlow.js draws on, as WebGL names it. */
function rendererName(): string {
  const gl = document.createElement('canvas').getContext('webgl2');
  return String(gl?.getParameter(gl.getExtension('WEBGL_debug_renderer_info')?.UNMASKED_RENDERER_WEBGL ?? gl.RENDERER));
}

async function onTfjs(): Promise<Library> {
  // Put into the page as a script, since it is no part of the workspace.
  const { tf } = globalThis as unknown as { tf: Tensorflow & { version: { tfjs: string } } };
  if (!(await tf.setBackend('webgl'))) throw new Error("tfjs has no backend 'webgl' here");
  await tf.ready();
  return tfjsOf(tf, `${tf.version.tfjs}, ${tf.getBackend()}, ${rendererName()}`);
}

/** How each library of `pageLibraries` is loaded in the page. */
export const loaders: Readonly<Record<string, () => Promise<Library>>> = {
  cpu: onCpu,
  wasm: () => onWasm(1),
  'wasm-2': () => onWasm(2),
  webgl2: () => onGpu('webgl2'),
  webgpu: () => onGpu('webgpu'),
  'tfjs-webgl': onTfjs,
};
