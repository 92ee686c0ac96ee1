/**
 * Runs the conformance suite and measures times on a graphics card and on the processor, in a page.
 */
import { gpu } from '@rnn/backend-gpu';
import { wasm } from '@rnn/backend-wasm';
import { formatReport, primitiveCases, referenceCases, runConformance, type CaseSource } from '@rnn/conformance';
import { fromData, noGrad, scope, type Backend, type Storage, type Tensor } from '@rnn/core';
import { LSTM, mseLoss } from '@rnn/nn';
import { SGD } from '@rnn/train';
import {
  layerSizes,
  productSizes,
  type CardMode,
  type CardReport,
  type LayerSize,
  type LayerTimes,
  type Speed,
} from './card-report.ts';

/** What `measureCard` asks and tells. */
export interface CardOptions {
  /** The reference cases of the suite. */
  readonly source: CaseSource;
  /** How many random examples each property of the suite tries. */
  readonly runs: number;
  /** Only cases of the suite that contain this text. */
  readonly filter?: string;
  readonly onProgress: (line: string) => void;
}

/** Milliseconds for which a call is repeated; once at least. */
const PATIENCE = 400;
/** Milliseconds: where the last size took longer, larger ones are not tried. */
const LONGEST = 3000;
/** Products of so many milliseconds are timed alone, others many in a row. */
const LONG = 100;

async function timed(call: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await call();
  return performance.now() - start;
}

/** The best time of a call in milliseconds, of those after the first. */
async function best(call: () => Promise<unknown>): Promise<number> {
  await call();
  const end = performance.now() + PATIENCE;
  let least = Infinity;
  do least = Math.min(least, await timed(call));
  while (performance.now() < end);
  return least;
}

/** Everything, in some minutes. */
export async function measureCard(options: CardOptions): Promise<CardReport> {
  const { onProgress } = options;
  const modes: CardMode[] = [];
  const missing: string[] = [];
  for (const mode of ['webgl2', 'webgpu'] as const) {
    let backend: Backend;
    try {
      backend = await gpu({ mode });
    } catch (error) {
      missing.push((error as Error).message);
      onProgress((error as Error).message);
      continue;
    }
    onProgress(`${mode}: ${backend.info.device}`);
    const costs = await measureCosts(backend);
    const speed = await measureSpeed(mode, backend, onProgress);
    const { device } = backend.info;
    await backend.dispose();
    modes.push({ ...speed, ...costs, device, suite: await runSuite(mode, options) });
  }
  const cores = navigator.hardwareConcurrency;
  const processor: Speed[] = [];
  // Threads need memory that is shared, which a page has only when it is isolated.
  for (const threads of crossOriginIsolated && cores > 1 ? [1, Math.min(8, cores)] : [1]) {
    const backend = await wasm({ threads });
    const name = threads === 1 ? 'wasm' : `wasm, ${threads} threads`;
    processor.push(await measureSpeed(name, backend, onProgress));
    await backend.dispose();
  }
  return { browser: navigator.userAgent, cores, modes, missing, processor };
}

async function runSuite(
  mode: 'webgl2' | 'webgpu',
  { source, runs, filter, onProgress }: CardOptions,
): Promise<CardMode['suite']> {
  let told = performance.now();
  const report = await runConformance({
    factory: () => gpu({ mode }),
    cases: [...primitiveCases(), ...referenceCases(source)],
    runs,
    ...(filter !== undefined && { filter }),
    onProgress: ({ done, total }) => {
      if (done < total && performance.now() - told < 2000) return;
      told = performance.now();
      onProgress(`${mode}: suite ${done} of ${total}`);
    },
  });
  const { passed, failed, skipped } = report;
  return { passed, failed, skipped, text: formatReport(report) };
}

function draw(size: number): Float32Array {
  return Float32Array.from({ length: size }, () => Math.random() * 2 - 1);
}

/** Waits until a storage has its numbers, of which one is read. */
async function settle(backend: Backend, storage: Storage): Promise<void> {
  const first = backend.copy({ storage, offset: 0, strides: [1] }, [1], 'float32');
  await backend.read(first);
  backend.release(first);
}

async function measureCosts(backend: Backend): Promise<Pick<CardMode, 'launch' | 'read' | 'up' | 'down'>> {
  const LAUNCHES = 200;
  const small = backend.upload(draw(1024));
  const chain = await best(async () => {
    let last = backend.unary('tanh', small);
    for (let i = 1; i < LAUNCHES; i++) {
      const next = backend.unary('tanh', last);
      backend.release(last);
      last = next;
    }
    await settle(backend, last);
    backend.release(last);
  });
  const read = await best(async () => settle(backend, small));
  const values = draw(2 ** 20);
  const large = backend.upload(values);
  const up = await best(async () => {
    const storage = backend.upload(values);
    await settle(backend, storage);
    backend.release(storage);
  });
  const down = await best(async () => backend.read(large));
  for (const storage of [small, large]) backend.release(storage);
  return { launch: (chain - read) / LAUNCHES, read, up: up - read, down };
}

async function measureSpeed(name: string, backend: Backend, onProgress: (line: string) => void): Promise<Speed> {
  const products: (number | undefined)[] = [];
  for (const size of productSizes) {
    if ((products.at(-1) ?? 0) > LONGEST) break;
    products.push(await attempt(async () => measureProduct(backend, size)));
    onProgress(`${name}: product ${size}`);
  }
  const layers: (LayerTimes | undefined)[] = [];
  for (const size of layerSizes) {
    if ((layers.at(-1)?.train ?? 0) > LONGEST) break;
    layers.push(await attempt(async () => measureLayer(backend, size)));
    const times = layers.at(-1);
    const found = times === undefined ? 'not possible' : `${times.forward.toFixed(1)} / ${times.train.toFixed(1)} ms`;
    onProgress(`${name}: LSTM of ${size.H} units, ${size.B} rows: ${found}`);
  }
  return { name, products, layers };

  async function attempt<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      onProgress(`${name}: ${(error as Error).message}`);
      return undefined;
    }
  }
}

async function measureProduct(backend: Backend, size: number): Promise<number> {
  const [a, b] = [backend.upload(draw(size ** 2)), backend.upload(draw(size ** 2))];
  const [left, right] = [a, b].map((storage) => ({ storage, batchStrides: [], transposed: false }));
  const multiply = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      const result = backend.matmul(left, right, { batch: [], m: size, k: size, n: size });
      if (i === count - 1) await settle(backend, result);
      backend.release(result);
    }
  };
  try {
    const first = await timed(async () => multiply(1));
    const single = first > LONG ? await timed(async () => multiply(1)) : first;
    if (single > LONG) return single;
    const count = 10;
    return (await best(async () => multiply(count))) / count;
  } finally {
    for (const storage of [a, b]) backend.release(storage);
  }
}

async function measureLayer(backend: Backend, { B, I, H, T }: LayerSize): Promise<LayerTimes> {
  const layer = new LSTM(I, H, { backend });
  const optimizer = new SGD(layer.parameters(), { lr: 0.01 });
  const x = fromData(draw(T * B * I), [T, B, I], { backend });
  const target = fromData(draw(T * B * H), [T, B, H], { backend });
  const read = async (make: () => Tensor): Promise<void> => {
    const result = scope(() => make().keep());
    await result.data();
    result.dispose();
  };
  try {
    const forward = await best(async () => read(() => noGrad(() => layer.forward(x)[0].select(0, -1).select(0, 0))));
    const train = await best(async () =>
      read(() => {
        const loss = mseLoss(layer.forward(x)[0], target);
        optimizer.zeroGrad();
        loss.backward();
        optimizer.step();
        return loss;
      }),
    );
    return { forward, train };
  } finally {
    for (const each of [optimizer, layer, x, target]) each.dispose();
  }
}
