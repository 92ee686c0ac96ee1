import { DeviceBackend, type GpuBackend } from './backend.js';
import { Device } from './device.js';
import { startEngine } from './engine.js';
import { settle } from './environment.js';
import { infoOf } from './info.js';
import { probe } from './kernels/probe.js';
import { checkGpuOptions, type GpuOptions } from './options.js';

/**
 * A backend that computes on the graphics card, by way of gpu.js.
 *
 * @example
 * ```ts fragment
 * setBackend(await gpu());                        // WebGL 2, in a page
 * setBackend(await gpu({ mode: 'webgpu' }));      // WebGPU, in a page or in Node
 * ```
 * @param options - `mode`
 * @returns a new backend, with memory of its own; `info` tells what really runs, `counters` what
 *   the device was made to do.
 * The WebGPU backends of a page share one device, which is destroyed when the last of them is
 * disposed of
 * @throws ArgumentError for an option that does not exist or has a value that it cannot have;
 *   BackendError where the mode
 * does not run, saying what would: nothing else is taken instead
 */
export async function gpu(options: GpuOptions = {}): Promise<GpuBackend> {
  checkGpuOptions(options);
  const mode = await settle(options.mode);
  const device = await Device.start(await startEngine(mode));
  try {
    const info = infoOf(device, await probe(device));
    device.resetCounters();
    return new DeviceBackend(info, device);
  } catch (error) {
    await device.dispose();
    throw error;
  }
}
