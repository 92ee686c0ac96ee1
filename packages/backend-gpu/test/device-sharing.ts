/** The WebGPU device of a page: one for all backends, destroyed with the last. */
import { BackendError, type Backend } from '@rnn/core';
import { vi } from 'vitest';
import { gpu } from '../src/index.js';

/** Why WebGPU does not run here; `undefined` where it does. */
export async function obstacle(): Promise<string | undefined> {
  try {
    await (await gpu({ mode: 'webgpu' })).dispose();
    return undefined;
  } catch (error) {
    if (error instanceof BackendError) return error.message;
    throw error;
  }
}

/** What was computed, and how many devices the first backend to go destroyed, and the last one. */
interface Sharing {
  readonly computed: readonly number[];
  readonly destroyed: readonly number[];
}

/** Makes backends and disposes of them. Call it where no other backend is on WebGPU. */
export async function shareDevice(): Promise<Sharing> {
  const { GPUDevice } = globalThis as unknown as { GPUDevice: { prototype: { destroy(): void } } };
  const destroy = vi.spyOn(GPUDevice.prototype, 'destroy');
  const computed: number[] = [];
  const destroyed: number[] = [];
  const compute = async (backend: Backend): Promise<void> => {
    const [x] = await backend.read(backend.unary('neg', backend.upload(Float32Array.of(2))));
    computed.push(x);
  };
  const [first, second] = [await gpu({ mode: 'webgpu' }), await gpu({ mode: 'webgpu' })];
  await first.dispose();
  await compute(second);
  destroyed.push(destroy.mock.calls.length);
  // One that is made while the last one goes is on the same device or on a new one, as it happens.
  const [third] = await Promise.all([gpu({ mode: 'webgpu' }), second.dispose()]);
  await compute(third);
  const before = destroy.mock.calls.length;
  await third.dispose();
  await third.dispose();
  destroyed.push(destroy.mock.calls.length - before);
  // a device that is gone is not in the way of the next one
  const fourth = await gpu({ mode: 'webgpu' });
  await compute(fourth);
  await fourth.dispose();
  destroy.mockRestore();
  return { computed, destroyed };
}

/** Nothing is destroyed while a backend is there; the last one destroys one device. */
export const expectedSharing: Sharing = { computed: [-2, -2, -2], destroyed: [0, 1] };
