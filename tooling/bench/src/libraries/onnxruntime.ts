import { NotOffered, type Job, type Library } from '../library.ts';
import type { WorkloadNumbers } from '../numbers.ts';
import type { Workload } from '../workload.ts';
import { onnxModel } from './onnx-model.ts';
import { loadPeer, versionOf } from './peer.ts';

interface OrtTensor {
  readonly data: Float32Array;
}

type Feeds = Record<string, OrtTensor>;

interface Session {
  run(feeds: Feeds): Promise<Feeds>;
}

/** What is used of `onnxruntime-web` and `onnxruntime-node`. */
interface Ort {
  readonly env: { readonly wasm: { numThreads: number } };
  readonly Tensor: new (type: 'float32', data: Float32Array, dims: readonly number[]) => OrtTensor;
  readonly InferenceSession: { create(model: Uint8Array, options: object): Promise<Session> };
}

/**
 * ONNX Runtime on one thread, in WebAssembly or in machine code. It has no training.
 *
 * @param name - the package
 */
export async function loadOnnxRuntime(name: 'onnxruntime-web' | 'onnxruntime-node'): Promise<Library> {
  const ort = await loadPeer<Ort>(name);
  const isWeb = name === 'onnxruntime-web';
  if (isWeb) ort.env.wasm.numThreads = 1;
  return {
    version: `${versionOf(name)}, 1 thread`,
    async prepare({ workload, kind }, numbers) {
      if (workload.variant !== undefined) throw new NotOffered('no operator for such a cell');
      if (kind === 'train' || kind === 'product') throw new NotOffered('inference only');
      const model = await onnxModel(workload, numbers, kind === 'step');
      const session = await ort.InferenceSession.create(model, {
        executionProviders: [isWeb ? 'wasm' : 'cpu'],
        graphOptimizationLevel: 'all',
        intraOpNumThreads: 1,
        interOpNumThreads: 1,
      });
      return [kind === 'step' ? step(ort, session, workload, numbers) : forward(ort, session, numbers)];
    },
  };
}

function forward({ Tensor }: Ort, session: Session, { x }: WorkloadNumbers): Job {
  const feeds = { X: new Tensor('float32', x.values, x.shape) };
  const run = async (): Promise<Float32Array> => (await session.run(feeds)).Y.data;
  return { run, check: async () => Float32Array.from(await run()) };
}

function step({ Tensor }: Ort, session: Session, workload: Workload, { x }: WorkloadNumbers): Job {
  const { I, H, cell, stream = 1 } = workload;
  const inputs = Array.from({ length: stream }, (_, n) => x.values.slice(n * I, (n + 1) * I));
  const zero = (): OrtTensor => new Tensor('float32', new Float32Array(H), [1, 1, H]);
  let [h, c] = [zero(), zero()];
  let n = 0;
  const run = async (): Promise<Float32Array> => {
    const X = new Tensor('float32', inputs[n++ % stream], [1, 1, I]);
    const results = await session.run(cell === 'lstm' ? { X, H0: h, C0: c } : { X, H0: h });
    h = results.H1;
    if (cell === 'lstm') c = results.C1;
    return h.data;
  };
  return {
    run,
    check: async () => {
      [h, c] = [zero(), zero()];
      n = 0;
      const outputs = new Float32Array(stream * H);
      for (let t = 0; t < stream; t++) outputs.set(await run(), t * H);
      return outputs;
    },
  };
}
