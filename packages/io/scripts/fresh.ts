/**
 * Runs before any test: makes the runtime of exported modules anew where its sources changed since.
 */
import { buildRuntime } from './build-runtime.js';

export async function setup(): Promise<void> {
  await buildRuntime();
}
