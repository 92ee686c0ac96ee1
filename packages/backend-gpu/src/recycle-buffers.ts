/** The buffers of results on WebGPU, used again. */
import { IdleMemory } from './idle-memory.js';
import type { ComputeDevice, DeviceBuffer } from './submissions.js';

/**
 * STORAGE | COPY_SRC: what gpu.js makes for the result of a kernel, and for nothing else. A kernel
 * writes all of it.
 */
const RESULT = 0x84;

const recycled = new WeakSet<ComputeDevice>();

/** Makes a device use the buffers of results again. Again, it does nothing. */
export function recycleBuffers(device: ComputeDevice): void {
  if (recycled.has(device)) return;
  recycled.add(device);
  const create = device.createBuffer.bind(device);
  const destroyers = new WeakMap<DeviceBuffer, () => void>();
  const idle = new IdleMemory<DeviceBuffer>(
    (buffer) => destroyers.get(buffer)?.(),
    (size) => size,
  );
  device.createBuffer = (settings) => {
    const { size, usage, mappedAtCreation = false } = settings;
    if (usage !== RESULT || mappedAtCreation) return create(settings);
    const known = idle.take(size);
    if (known !== undefined) return known;
    const buffer = create(settings);
    destroyers.set(buffer, buffer.destroy.bind(buffer));
    buffer.destroy = () => idle.put(size, buffer);
    return buffer;
  };
}
