import type { Device, DeviceArray, DeviceKernel } from './device.js';

/** The arrays that a run makes. Those that are not taken out are released, whatever happens. */
export class Arena {
  readonly device: Device;
  private readonly live = new Set<DeviceArray>();

  constructor(device: Device) {
    this.device = device;
  }

  run(kernel: DeviceKernel, size: number, operands: readonly DeviceArray[], numbers: readonly number[]): DeviceArray {
    return this.adopt(this.device.run(kernel, size, operands, numbers));
  }

  /** Takes care of an array that was made for the run. */
  adopt(array: DeviceArray): DeviceArray {
    this.live.add(array);
    return array;
  }

  /** Does nothing for an array of somebody else. */
  release(array: DeviceArray): void {
    if (this.live.delete(array)) this.device.release(array);
  }

  /** Leaves an array to the caller. */
  take(array: DeviceArray): DeviceArray {
    this.live.delete(array);
    return array;
  }

  /** Releases everything that is left. */
  clear(): void {
    for (const array of this.live) this.device.release(array);
    this.live.clear();
  }
}
