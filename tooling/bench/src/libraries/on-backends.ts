import { cpu } from '@rnn/backend-cpu';
import { wasm } from '@rnn/backend-wasm';
import { NotOffered, type Library } from '../library.ts';
import { oursOn } from './ours.ts';

export async function onCpu(): Promise<Library> {
  return oursOn({ backend: await cpu(), dtype: 'float32' }, 'this checkout');
}

/** In float64, which the conformance suite holds to PyTorch: what all results are compared with. */
export async function reference(): Promise<Library> {
  return oursOn({ backend: await cpu(), dtype: 'float64' }, 'this checkout');
}

export async function onWasm(threads: number): Promise<Library> {
  const backend = await wasm({ threads });
  const { info } = backend;
  if (info.threads !== threads) throw new NotOffered(`${threads} threads asked for, ${info.threads} given`);
  return oursOn({ backend, dtype: 'float32' }, `this checkout, ${info.simd} SIMD, threads ${threads}`);
}
