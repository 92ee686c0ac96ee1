import { readFileSync } from 'node:fs';
import type { Workload } from './workload.ts';

/** The work that is fixed in workloads.json. */
export const workloads: readonly Workload[] = JSON.parse(
  readFileSync(new URL('../workloads.json', import.meta.url), 'utf8'),
) as Workload[];

/** Hidden units of the layers by which the graphics card is compared with the processor. */
const SIZES = [32, 64, 128, 256, 512, 1024];

/** LSTM layers of growing size; few steps, since every step costs the same. */
export const growingLayers: readonly Workload[] = SIZES.map((size) => ({
  id: `H=${size}`,
  title: `LSTM with ${size} hidden units, 64 rows`,
  cell: 'lstm',
  B: 64,
  I: size,
  H: size,
  T: 8,
  layers: 1,
  dirs: 1,
  kinds: ['forward', 'train', 'product'],
  loss: 'mse',
  lr: 100,
}));
