import type { BackendInfo } from '@rnn/core';
import { DeviceBackend, type GpuBackend } from './backend.js';
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
 * @returns a new backend with a device of its own; `info` tells what really runs, `counters` what the device was made
 * to do
 * @throws ArgumentError for an option that does not exist or has a value that it cannot have; BackendError where the mode does not run, saying
 * what would: nothing else is taken instead
 */
export async function gpu(options: GpuOptions = {}): Promise<GpuBackend> {
  checkOptions(options);
  const mode = await settle(options.mode);
  const device = await Device.start(await startEngine(mode));
  return new DeviceBackend(infoOf(device), device);
}

const words: Readonly<Record<Mode, string>> = { webgl2: 'WebGL 2', webgpu: 'WebGPU', cpu: 'CPU' };

/**
 * Measured, see the reason beside it. Of the reference cases one needs it, on both kinds of devices: the loss after two layers of GRU is 1.04e-6
 * off, where PyTorch's own error allows 1e-6.
 */
const TOLERANCE = 2.5e-6;

function infoOf(device: Device): BackendInfo {
  const { mode, maxSize, description } = device;
  return {
    name: 'gpu',
    device: `${description.name} (${mode})`,
    dtypes: ['float32', 'int32'],
    threads: 1,
    simd: 'gpu',
    synchronous: device.isSynchronous,
    largestInteger: EXACT,
    ...(mode !== 'cpu' && {
      bound: {
        tolerance: TOLERANCE,
        reason:
          `${words[mode]} leaves functions a few units in the last place, and sums are float32: in Chromium, on its software renderer, ` +
          'the worst error measured over all functions, sums of 10^6 terms and products of 4096 was 2.3e-6',
      },
    }),
    notes: [
      `mode ${mode}`,
      ...(mode === 'cpu'
        ? []
        : ['the relative error of exp and pow grows with the exponent: measured 4e-6 at e^±88, 6e-6 at 1000^±10']),
      `at most ${maxSize} elements a tensor`,
      `int32 is stored as float32: exact up to ±${EXACT}, kept but not computed with beyond`,
    ],
  };
}
