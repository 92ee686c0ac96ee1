/**
 * Launches on WebGPU, handed to the device several at a time. gpu.js submits every launch by
 * itself, and a submission is most of what a small kernel costs; it writes a kernel's numbers to
 * one buffer, so that launches of one kernel could not wait for each other's submission. Here each
 * of them gets a buffer of its own.
 */

/** As much of a buffer as is needed here. */
export interface DeviceBuffer {
  readonly size: number;
  destroy(): void;
  mapAsync(...range: readonly number[]): Promise<undefined>;
}

/** What a buffer is made of. */
interface BufferSettings {
  readonly size: number;
  readonly usage: number;
  readonly mappedAtCreation?: boolean;
}

/** As much of a WebGPU device as is needed here. */
export interface ComputeDevice {
  readonly queue: {
    submit(commands: readonly object[]): void;
    writeBuffer(buffer: DeviceBuffer, ...rest: readonly unknown[]): void;
  };
  createBuffer(settings: BufferSettings): DeviceBuffer;
}

/** Launches that wait for each other at most: the device should have something to do meanwhile. */
const MOST = 8;
/** UNIFORM | COPY_DST. */
const NUMBERS = 0x48;
/** Bytes of a buffer of numbers: most kernels have fewer. */
const LEAST = 512;

/** What one device is still to be given. */
export class Submissions {
  private readonly device: ComputeDevice;
  private readonly submit: (commands: readonly object[]) => void;
  private waiting: object[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;
  private isLaunching = false;
  /**
   * Buffers of numbers by size, taken in turn: when one comes again, the launch that had it was
   * handed over long ago.
   */
  private readonly numbers = new Map<number, { readonly buffers: DeviceBuffer[]; next: number }>();
  private readonly own = new WeakSet<DeviceBuffer>();

  private constructor(device: ComputeDevice) {
    this.device = device;
    const { queue } = device;
    this.submit = queue.submit.bind(queue);
    const write = queue.writeBuffer.bind(queue);
    const create = device.createBuffer.bind(device);
    queue.submit = (commands) => {
      if (this.isLaunching) this.push(commands);
      else {
        this.flush();
        this.submit(commands);
      }
    };
    // Whatever is done to a buffer comes after the launches that were started before it.
    queue.writeBuffer = (buffer, ...rest) => {
      if (!this.own.has(buffer)) this.flush();
      write(buffer, ...rest);
    };
    device.createBuffer = (settings) => {
      const buffer = create(settings);
      const [destroy, map] = [buffer.destroy.bind(buffer), buffer.mapAsync.bind(buffer)];
      buffer.destroy = () => {
        this.flush();
        destroy();
      };
      buffer.mapAsync = async (...range) => {
        this.flush();
        return map(...range);
      };
      return buffer;
    };
  }

  private static readonly ofDevices = new WeakMap<ComputeDevice, Submissions>();

  /** Those of a device. */
  static on(device: ComputeDevice): Submissions {
    let found = Submissions.ofDevices.get(device);
    if (found === undefined) {
      found = new Submissions(device);
      Submissions.ofDevices.set(device, found);
    }
    return found;
  }

  /**
   * A buffer for the numbers of the next launch, of at least `size` bytes. gpu.js may destroy it:
   * it stays.
   */
  numbersOf(size: number): DeviceBuffer {
    const rounded = Math.ceil(size / LEAST) * LEAST;
    let turns = this.numbers.get(rounded);
    if (turns === undefined) {
      turns = { buffers: [], next: 0 };
      this.numbers.set(rounded, turns);
    }
    const { buffers, next } = turns;
    turns.next = (next + 1) % (2 * MOST);
    if (next < buffers.length) return buffers[next];
    const buffer = this.device.createBuffer({ size: rounded, usage: NUMBERS });
    buffer.destroy = () => {};
    this.own.add(buffer);
    buffers.push(buffer);
    return buffer;
  }

  /**
   * What `launch` submits may wait; whatever others do with the device, such as to draw with it, is
   * done at once.
   */
  collect<T>(launch: () => T): T {
    this.isLaunching = true;
    try {
      return launch();
    } finally {
      this.isLaunching = false;
    }
  }

  /** Whether a buffer came from `numbersOf`. */
  isOwn(buffer: DeviceBuffer): boolean {
    return this.own.has(buffer);
  }

  /** Hands over what waits. */
  flush(): void {
    if (this.waiting.length === 0) return;
    const { waiting } = this;
    this.waiting = [];
    clearTimeout(this.timer);
    this.timer = undefined;
    this.submit(waiting);
  }

  private push(commands: readonly object[]): void {
    this.waiting.push(...commands);
    if (this.waiting.length >= MOST) this.flush();
    // A program that goes on to something else has launched what it wanted.
    else this.timer ??= setTimeout(() => this.flush(), 0);
  }
}
