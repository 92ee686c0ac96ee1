/** The graphics card as a backend. */
export { gpu, gpu as default } from './gpu.js';
export type { GpuOptions } from './options.js';
