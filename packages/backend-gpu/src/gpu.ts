import type { Backend, BackendInfo } from '@rnn/core';
import { GpuBackend } from './backend.js';
import { Device, EXACT } from './device.js';
import { startEngine, type Mode } from './engine.js';
import { settle } from './environment.js';
import { checkOptions, type GpuOptions } from './options.js';

/**
 * A backend that computes on the graphics card, by way of gpu.js.
 *
 * @example
 * ```ts fragment
 * setBackend(await gpu());                        // WebGL 2, in a page
 * setBackend(await gpu({ mode: 'webgpu' }));      // WebGPU, in a page or in Node
 * ```
 * @param options - `mode`
 * @returns a new backend with a device of its own; `info` tells what really runs
 * @throws ArgumentError for an option that does not exist or has a value that it cannot have; BackendError where the mode does not run, saying
 * what would: nothing else is taken instead
 */
export async function gpu(options: GpuOptions = {}): Promise<Backend> {
  checkOptions(options);
  const mode = await settle(options.mode);
  const device = await Device.start(await startEngine(mode));
  return new GpuBackend(infoOf(device), device);
}

const words: Readonly<Record<Mode, string>> = { webgl2: 'WebGL 2', webgpu: 'WebGPU', cpu: 'CPU' };

function infoOf(device: Device): BackendInfo {
  const { mode, maxSize, description } = device;
  return {
    name: 'gpu',
    device: `${description.name} (${mode})`,
    dtypes: ['float32', 'int32'],
    threads: 1,
    simd: 'gpu',
    synchronous: device.isSynchronous,
    ...(mode !== 'cpu' && {
      bound: {
        tolerance: 1e-5,
        reason: `${words[mode]} leaves exp, log and division a few units in the last place, and sums are float32`,
      },
    }),
    notes: [
      `mode ${mode}`,
      `at most ${maxSize} elements a tensor`,
      `int32 is stored as float32: exact up to ±${EXACT}, kept but not computed with beyond`,
    ],
  };
}
