import { BackendError, DeviceLostError, MemoryLimitError } from '@rnn/core';
import type { Description, Engine, EngineKernel, Handle, Mode, Source } from './engine.js';
import { atOnce, Queue, type Turns } from './queue.js';

/**
 * Whole numbers below it are exact in float32, and so are the places of elements in an array of
 * this size.
 */
export const EXACT: number = 2 ** 24;

/** What a device was made to do, for measurements. */
export interface Counters {
  /** Kernels started, uploads not counted. */
  launches: number;
  /** Kernels built. */
  kernels: number;
  /** Arrays of the host copied to the device. */
  uploads: number;
  /** Arrays of the device copied to the host. */
  reads: number;
  /** From the host to the device. */
  bytesUp: number;
  /** From the device to the host. */
  bytesDown: number;
}

function noCounts(): Counters {
  return { launches: 0, kernels: 0, uploads: 0, reads: 0, bytesUp: 0, bytesDown: 0 };
}

/** A kernel that was made by `Device.kernel`. */
export interface DeviceKernel {
  readonly key: string;
  readonly source: Source;
  readonly compiled: EngineKernel;
  /** Passed after all other numbers. */
  readonly constants: readonly number[];
}

/**
 * Numbers that kernels have under a name: the languages of graphics cards have no words for the
 * first two, and `one` is a 1 of which a compiler does not know that it is 1.
 */
const named: readonly (readonly [name: string, value: number])[] = [
  ['nan', NaN],
  ['inf', Infinity],
  ['one', 1],
];

/**
 * Float32 numbers in the device's memory, or on their way there. Made by a device, freed by
 * `release`, once.
 */
export class DeviceArray {
  readonly size: number;
  handle: Handle | undefined;
  /** Why there are no numbers. */
  error: unknown;
  isReleased = false;

  constructor(size: number) {
    this.size = size;
  }
}

/**
 * Launches kernels, and keeps account of arrays. All calls but `read` answer at once: where the
 * device is slower they take their turn in a queue. What goes wrong there is kept with the result,
 * passed on to whatever is computed from it, and thrown by `read`.
 */
export class Device {
  readonly mode: Mode;
  readonly isSynchronous: boolean;
  readonly description: Description;
  /** The longest array. */
  readonly maxSize: number;
  readonly counters: Counters = noCounts();
  private readonly engine: Engine;
  private readonly turns: Turns;
  private readonly kernels = new Map<string, DeviceKernel>();
  private readonly live = new Set<DeviceArray>();
  private isDisposed = false;

  private constructor(engine: Engine, description: Description) {
    this.engine = engine;
    this.mode = engine.mode;
    this.isSynchronous = engine.mode !== 'webgpu';
    this.turns = this.isSynchronous ? atOnce : new Queue();
    this.description = description;
    const { maxTextureSize } = description;
    // gpu.js lays arrays out as nearly square textures, with sides up to two longer than the root
    this.maxSize = maxTextureSize === undefined ? EXACT : Math.min(EXACT, (maxTextureSize - 2) ** 2);
  }

  /**
   * Starts gpu.js, and makes sure by a round trip that the mode runs and holds float32 numbers.
   *
   * @throws BackendError when it does not
   */
  static async start(engine: Engine): Promise<Device> {
    const { mode } = engine;
    const sent = Float32Array.of(1.5, -(2 ** -100), Infinity);
    try {
      const handle = await engine.upload(sent);
      const back = await engine.read(handle);
      engine.free(handle);
      if (back.length !== sent.length || back.some((value, i) => value !== sent[i])) {
        throw new BackendError(
          `gpu: ${mode} does not hold float32 numbers here: [${sent.join()}] came back as [${back.join()}]`,
        );
      }
      return new Device(engine, engine.describe());
    } catch (cause) {
      await engine.destroy();
      if (cause instanceof BackendError) throw cause;
      const hint = mode === 'cpu' ? ' (a content security policy has to allow unsafe-eval)' : '';
      throw new BackendError(`gpu: ${mode} does not run here${hint}: ${(cause as Error).message}`, {
        argument: 'mode',
        cause,
      });
    }
  }

  /** Forgets what was counted. */
  resetCounters(): void {
    Object.assign(this.counters, noCounts());
  }

  /** How many arrays are there: made, and not released. */
  get arrays(): number {
    return this.live.size;
  }

  /**
   * A kernel, compiled when it is first launched and kept under its key. Its body may use `nan`,
   * `inf` and `one`.
   */
  kernel(key: string, source: () => Source): DeviceKernel {
    const known = this.kernels.get(key);
    if (known !== undefined) return known;
    const { tensors = [], ints, floats = [], body } = source();
    const { maxTensors } = this.description;
    if (tensors.length > maxTensors) {
      throw new BackendError(
        `gpu: a kernel of ${tensors.length} operands, at most ${maxTensors} are possible on this device`,
      );
    }
    const used = named.filter(([name]) => new RegExp(`\\b${name}\\b`).test(body));
    const full: Source = { tensors, ints, floats: [...floats, ...used.map(([name]) => name)], body };
    const constants = used.map(([, value]) => value);
    const made: DeviceKernel = { key, source: full, compiled: this.engine.kernel(full), constants };
    this.kernels.set(key, made);
    this.counters.kernels++;
    return made;
  }

  /**
   * Launches a kernel for `size` elements.
   *
   * @param numbers - the whole numbers, then the other ones, in the order of the kernel's source
   * @throws MemoryLimitError for a size that the device cannot hold; DeviceLostError
   */
  run(
    kernel: DeviceKernel,
    size: number,
    operands: readonly DeviceArray[],
    numbers: readonly number[] = [],
  ): DeviceArray {
    this.check(size);
    const result = this.add(size);
    this.counters.launches++;
    this.fill(result, operands, () =>
      kernel.compiled.launch(size, [
        ...operands.map((operand) => operand.handle as Handle),
        ...numbers,
        ...kernel.constants,
      ]),
    );
    return result;
  }

  /** Copies numbers to the device. */
  upload(values: Float32Array): DeviceArray {
    this.check(values.length);
    const result = this.add(values.length);
    // the caller goes on using its array, and a queue comes to it later
    const copy = this.isSynchronous ? values : values.slice();
    this.counters.uploads++;
    this.counters.bytesUp += values.byteLength;
    this.fill(result, [], () => this.engine.upload(copy));
    return result;
  }

  /** Copies an array to the host. */
  read(array: DeviceArray): Promise<Float32Array> {
    return new Promise((resolve, reject) => {
      this.turns.push(() => {
        // Not waited for in the queue: what comes later does not change this array.
        this.readNow(array).then(resolve, reject);
      });
    });
  }

  /** The same at once, where the device can. */
  readSync(array: DeviceArray): Float32Array {
    this.refuse();
    if (array.error !== undefined) throw array.error as Error;
    if (!this.isSynchronous) {
      throw new BackendError(
        `gpu: ${this.mode} answers only later; use await t.data() instead of t.dataSync(), and before moving a tensor`,
      );
    }
    const values = this.engine.read(array.handle as Handle) as Float32Array;
    // A lost WebGL context reads as zeros, without an error.
    this.refuse();
    this.countRead(values);
    return values;
  }

  /**
   * Frees an array, after everything that was started before. Again, or after `dispose`, it does
   * nothing.
   */
  release(array: DeviceArray): void {
    if (array.isReleased) return;
    array.isReleased = true;
    this.live.delete(array);
    this.turns.push(() => this.free(array));
  }

  /** Frees all arrays and the device. */
  async dispose(): Promise<void> {
    if (this.isDisposed) return;
    for (const array of this.live) this.release(array);
    this.isDisposed = true;
    await new Promise<void>((resolve) => this.turns.push(resolve));
    await this.engine.destroy();
  }

  private async readNow(array: DeviceArray): Promise<Float32Array> {
    if (array.error !== undefined) throw array.error as Error;
    this.refuse();
    try {
      const values = await this.engine.read(array.handle as Handle);
      this.refuse();
      this.countRead(values);
      return values;
    } catch (error) {
      throw await this.explained(error);
    }
  }

  private countRead(values: Float32Array): void {
    this.counters.reads++;
    this.counters.bytesDown += values.byteLength;
  }

  private add(size: number): DeviceArray {
    const array = new DeviceArray(size);
    this.live.add(array);
    return array;
  }

  /** Gives an array its numbers when its turn comes. */
  private fill(array: DeviceArray, operands: readonly DeviceArray[], make: () => Handle | Promise<Handle>): void {
    if (this.isSynchronous) {
      try {
        array.handle = make() as Handle;
      } catch (error) {
        this.live.delete(array);
        throw error;
      }
      return;
    }
    this.turns.push(async () => {
      array.error = operands.find(({ error }) => error !== undefined)?.error;
      if (array.error !== undefined) return;
      try {
        array.handle = await make();
      } catch (error) {
        array.error = await this.explained(error);
      }
    });
  }

  private free(array: DeviceArray): void {
    if (array.handle !== undefined && !this.engine.isLost()) this.engine.free(array.handle);
    array.handle = undefined;
  }

  private check(size: number): void {
    this.refuse();
    if (size <= this.maxSize) return;
    const texture = this.description.maxTextureSize;
    const why =
      this.maxSize === EXACT
        ? 'places beyond it are not exact in float32'
        : `textures here are at most ${String(texture)} x ${String(texture)}`;
    throw new MemoryLimitError(`gpu: an array of ${size} elements, at most ${this.maxSize} are possible (${why})`, {
      expected: `at most ${this.maxSize} elements`,
      received: String(size),
    });
  }

  /** Refuses what cannot be done any more. */
  private refuse(): void {
    if (this.isDisposed) {
      throw new BackendError('gpu: this backend was disposed of, and its tensors with it; make a new one with gpu()');
    }
    if (this.engine.isLost()) throw this.lost();
  }

  private lost(): DeviceLostError {
    return new DeviceLostError(
      `gpu: the ${this.mode} device was lost, and its tensors with it; make a new backend with gpu() and load the last state dict`,
    );
  }

  /**
   * An error of gpu.js as one of ours. News of a lost device arrive a little after the failures
   * that it causes.
   */
  private async explained(cause: unknown): Promise<unknown> {
    if (cause instanceof BackendError) return cause;
    for (let i = 0; i < 10 && !this.engine.isLost(); i++) await new Promise((resolve) => setTimeout(resolve, 1));
    if (this.engine.isLost()) return this.lost();
    return new BackendError(`gpu: ${this.mode} failed: ${(cause as Error).message}`, { cause });
  }
}
