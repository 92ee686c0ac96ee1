/** The graphics card as a backend. */
export { gpu, gpu as default } from './gpu.js';
export type { GpuBackend } from './backend.js';
export type { Counters } from './device.js';
export type { GpuOptions } from './options.js';
