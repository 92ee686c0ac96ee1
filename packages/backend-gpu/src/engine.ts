/**
 * The one file that touches gpu.js. Its next major version changes the interface, and what is known
 * of the present one is used here and nowhere else: kernels as strings (functions do not survive
 * every minifier), flat outputs of one dimension, the same settings for all of them, the order of
 * the arguments.
 */
import { BackendError } from '@rnn/core';
import { recycleBuffers } from './recycle-buffers.js';
import { recycleTextures, type TextureKernel } from './recycle-textures.js';
import { Submissions, type ComputeDevice, type DeviceBuffer } from './submissions.js';

/** Where kernels run. */
export type Mode = 'webgl2' | 'webgpu' | 'cpu';

/** A result in the device's memory, as gpu.js hands it out; on `cpu` a plain array. */
export type Handle = TextureHandle | Float32Array;

interface TextureHandle {
  /** On `webgl2`. */
  readonly texture?: object;
  readonly output: readonly number[];
  toArray(): Float32Array | Promise<Float32Array>;
  delete(): void;
}

/** A kernel: the names of its arguments in order, and the statements that end in `return`. */
export interface Source {
  /** Operands, each a flat array. */
  readonly tensors?: readonly string[];
  /** Whole numbers: sizes, strides, offsets. */
  readonly ints?: readonly string[];
  /** Other numbers. */
  readonly floats?: readonly string[];
  /** In JavaScript as gpu.js takes it. `this.thread.x` is the place of the element to compute. */
  readonly body: string;
}

/** A kernel ready to be launched. On `webgpu` `launch` answers later, otherwise at once. */
export interface EngineKernel {
  launch(size: number, args: readonly (Handle | number)[]): Handle | Promise<Handle>;
}

/** What runs, for people and for limits. */
export interface Description {
  readonly name: string;
  /** The longest side of a texture; `undefined` where there are no textures. */
  readonly maxTextureSize?: number;
  /** How many operands a kernel may have. */
  readonly maxTensors: number;
}

/** gpu.js in one mode. */
export interface Engine {
  readonly mode: Mode;
  kernel(source: Source): EngineKernel;
  upload(values: Float32Array): Handle | Promise<Handle>;
  read(handle: Handle): Float32Array | Promise<Float32Array>;
  free(handle: Handle): void;
  /**
   * Whether the browser or the driver took the device away. `webgpu` learns of it a little later.
   */
  isLost(): boolean;
  /** After the first launch only: before it no device is there. */
  describe(): Description;
  destroy(): Promise<void>;
}

// What gpu.js has and does not declare, or declares too loosely.
interface RawKernel {
  (...args: readonly unknown[]): unknown;
  setOutput(size: readonly number[]): unknown;
  readonly kernel: object & {
    readonly context?: unknown;
    readonly texture?: { readonly texture?: object } | null;
    /** On `webgl2` the numbers that were passed last, by name. */
    uniform1fCache?: object;
    /** On `webgpu` where the numbers are passed, and what binds them to the kernel. */
    readonly paramsMirror?: ArrayBuffer | null;
    paramsBuffer?: DeviceBuffer | null;
    bindGroupDirty?: boolean;
  };
}
interface RawGpu {
  createKernel(source: string, settings: object): RawKernel;
  destroy(): Promise<void>;
}
type Class = new (...args: never[]) => object;
interface Library {
  readonly GPU: new (settings: { mode: Mode }) => RawGpu;
  readonly Input: new (values: Float32Array, size: readonly number[]) => object;
  readonly WebGL2Kernel: Class;
  readonly WebGPUKernel: Class;
  readonly CPUKernel: Class;
  readonly WebGPUContext: { destroy(): Promise<void> };
}
interface WebGpuContext {
  readonly isLost: boolean;
  readonly adapter: { readonly info?: Readonly<Record<'vendor' | 'architecture' | 'device' | 'description', string>> };
  readonly device: ComputeDevice & { readonly limits: Readonly<Record<string, number>> };
}

/** How an operand is declared. */
const operandTypes: Readonly<Record<Mode, string>> = {
  webgl2: 'ArrayTexture(1)',
  webgpu: 'WebGPUBuffer',
  cpu: 'Array',
};

/**
 * One kernel for all shapes; results stay on the device, each in memory of its own; loops of any
 * length; full precision.
 */
const settings = {
  output: [1],
  pipeline: true,
  immutable: true,
  dynamicOutput: true,
  dynamicArguments: true,
  precision: 'single',
  tactic: 'precision',
  loopMaxIterations: 2 ** 24,
  // On `webgl2` gpu.js would replace divisions by a function that loses the sign of 0 / -1; indices
  // are corrected by our own code.
  fixIntegerDivisionAccuracy: false,
};

/**
 * Loads gpu.js and makes an instance of it.
 *
 * @throws BackendError when the mode does not exist here
 */
export async function startEngine(mode: Mode): Promise<Engine> {
  // gpu.js has the size of an application: only who calls `gpu()` loads it.
  const library = (await import('gpu.js')) as unknown as Library;
  let gpu: RawGpu;
  try {
    gpu = new library.GPU({ mode });
  } catch (cause) {
    throw new BackendError(`gpu: ${mode} does not exist here (${(cause as Error).message})`, {
      argument: 'mode',
      cause,
    });
  }
  return new GpuJs(mode, library, gpu);
}

/**
 * Engines that may use the WebGPU device. gpu.js has one for all of a page, made when it is first
 * needed, and never destroys it: the last engine that uses it does.
 */
const onWebGpu = new Set<GpuJs>();

class GpuJs implements Engine {
  readonly mode: Mode;
  private readonly library: Library;
  private readonly gpu: RawGpu;
  /**
   * The only kernel that ever sees host values: one that met a texture first cannot take them
   * later.
   */
  private readonly uploader: RawKernel;

  constructor(mode: Mode, library: Library, gpu: RawGpu) {
    this.mode = mode;
    this.library = library;
    this.gpu = gpu;
    this.uploader = gpu.createKernel('function(a) { return a[this.thread.x]; }', settings);
    if (mode === 'webgpu') onWebGpu.add(this);
  }

  kernel({ tensors = [], ints = [], floats = [], body }: Source): EngineKernel {
    const types = [
      ...tensors.map((name) => [name, operandTypes[this.mode]]),
      ...ints.map((name) => [name, 'Integer']),
      ...floats.map((name) => [name, 'Float']),
    ];
    const raw = this.gpu.createKernel(`function(${types.map(([name]) => name).join(', ')}) {\n${body}\n}`, {
      ...settings,
      // gpu.js takes no empty list of types
      ...(types.length > 0 && { argumentTypes: Object.fromEntries(types) as Record<string, string> }),
    });
    return this.launcher(raw);
  }

  upload(values: Float32Array): Handle | Promise<Handle> {
    this.uploading ??= this.launcher(this.uploader);
    return this.uploading.launch(values.length, [new this.library.Input(values, [values.length]) as Handle]);
  }

  private uploading: EngineKernel | undefined;

  /** `size` is set only where it changes, since a new size costs a texture. */
  private launcher(raw: RawKernel): EngineKernel {
    let isVerified = false;
    let last = 0;
    const ownResults = new OwnResults(raw);
    const launch = (size: number, args: readonly (Handle | number)[]): Handle | Promise<Handle> => {
      if (size !== last || !ownResults.mayTake(size, args)) raw.setOutput([size]);
      last = size;
      // A number that equals the last one is not passed again, and -0 equals 0: nothing is to be
      // known before a -0, nor after it.
      const hasNegativeZero = args.some((arg) => Object.is(arg, -0));
      if (hasNegativeZero) forgetNumbers(raw);
      const launch = (): Handle | Promise<Handle> => raw(...args) as Handle | Promise<Handle>;
      const result = isVerified && this.mode === 'webgpu' ? renewNumbers(raw).collect(launch) : launch();
      if (hasNegativeZero) forgetNumbers(raw);
      if (isVerified) return result;
      isVerified = true;
      if (!(result instanceof Promise)) {
        this.verify(raw);
        return result;
      }
      return result.then((handle) => {
        this.verify(raw);
        return handle;
      });
    };
    return { launch };
  }

  /**
   * gpu.js swaps a kernel that its mode cannot take for one on the CPU and only warns: here it is
   * an error. After the first launch the device is known, too, whose memory is to be used again.
   */
  private verify(raw: RawKernel): void {
    const { mode, library } = this;
    const expected = { webgl2: library.WebGL2Kernel, webgpu: library.WebGPUKernel, cpu: library.CPUKernel }[mode];
    if (raw.kernel instanceof expected) {
      if (mode === 'webgl2') recycleTextures(raw.kernel as unknown as TextureKernel);
      if (mode === 'webgpu') {
        const { device } = raw.kernel.context as WebGpuContext;
        Submissions.on(device);
        recycleBuffers(device);
      }
      return;
    }
    throw new BackendError(`gpu: a kernel does not run on ${mode} here; gpu.js would run it on the CPU instead`);
  }

  read(handle: Handle): Float32Array | Promise<Float32Array> {
    return handle instanceof Float32Array ? handle.slice() : handle.toArray();
  }

  free(handle: Handle): void {
    if (!(handle instanceof Float32Array)) handle.delete();
  }

  isLost(): boolean {
    const { context } = this.uploader.kernel;
    if (context === undefined || context === null) return false;
    if (this.mode === 'webgl2') return (context as WebGL2RenderingContext).isContextLost();
    return this.mode === 'webgpu' && (context as WebGpuContext).isLost;
  }

  describe(): Description {
    const { context } = this.uploader.kernel;
    if (this.mode === 'webgl2') return describeWebGl(context as WebGL2RenderingContext);
    if (this.mode === 'webgpu') return describeWebGpu(context as WebGpuContext);
    return { name: 'JavaScript generated by gpu.js', maxTensors: 16 };
  }

  async destroy(): Promise<void> {
    await this.gpu.destroy();
    if (!onWebGpu.delete(this)) return;
    // After a loss others may be on the device that came next; one that has not launched anything
    // will be.
    const device = this.webGpuDevice();
    const isShared = [...onWebGpu].some((other) => [device, undefined].includes(other.webGpuDevice()));
    if (!isShared && !this.isLost()) await this.library.WebGPUContext.destroy();
  }

  /** `undefined` before the first launch. */
  private webGpuDevice(): object | undefined {
    return (this.uploader.kernel.context as Partial<WebGpuContext> | null | undefined)?.device;
  }
}

/**
 * Gives the next launch of a kernel on `webgpu` a buffer of its own for its numbers, and returns
 * what the launch may wait in.
 */
function renewNumbers({ kernel }: RawKernel): Submissions {
  const submissions = Submissions.on((kernel.context as WebGpuContext).device);
  const { paramsBuffer, paramsMirror } = kernel;
  if (paramsBuffer && paramsMirror) {
    if (!submissions.isOwn(paramsBuffer)) paramsBuffer.destroy();
    kernel.paramsBuffer = submissions.numbersOf(paramsMirror.byteLength);
    kernel.bindGroupDirty = true;
  }
  return submissions;
}

/** Makes gpu.js pass all numbers to a kernel again. */
function forgetNumbers({ kernel }: RawKernel): void {
  if (kernel.uniform1fCache !== undefined) kernel.uniform1fCache = {};
}

/**
 * A kernel that is given its own last result: gpu.js then writes the new one to the texture that it
 * was given in the same place the time before, whatever the size of that one. Where it differs,
 * setting the output again makes it take a new texture.
 */
class OwnResults {
  private readonly raw: RawKernel;
  /** By the place of an argument, the size of the last own result that was given there. */
  private readonly sizes = new Map<number, number>();

  constructor(raw: RawKernel) {
    this.raw = raw;
  }

  /** Whether a result of `size` elements can be computed from these arguments as they are. */
  mayTake(size: number, args: readonly (Handle | number)[]): boolean {
    const own = this.raw.kernel.texture?.texture;
    if (own === undefined) return true;
    let fits = true;
    args.forEach((arg, place) => {
      if (typeof arg === 'number' || arg instanceof Float32Array || arg.texture !== own) return;
      fits &&= (this.sizes.get(place) ?? size) === size;
    });
    if (fits) {
      args.forEach((arg, place) => {
        if (typeof arg !== 'number' && !(arg instanceof Float32Array) && arg.texture === own) {
          this.sizes.set(place, arg.output[0]);
        }
      });
    }
    return fits;
  }
}

function describeWebGl(gl: WebGL2RenderingContext): Description {
  const unmasked = gl.getExtension('WEBGL_debug_renderer_info');
  const name = gl.getParameter(unmasked === null ? gl.RENDERER : unmasked.UNMASKED_RENDERER_WEBGL) as string;
  return {
    name,
    maxTextureSize: gl.getParameter(gl.MAX_TEXTURE_SIZE) as number,
    // gpu.js keeps one unit to itself and one for the result
    maxTensors: Math.min(gl.getParameter(gl.MAX_TEXTURE_IMAGE_UNITS) as number, 16) - 2,
  };
}

function describeWebGpu({ adapter, device }: WebGpuContext): Description {
  const { vendor = '', architecture = '', device: model = '', description = '' } = adapter.info ?? {};
  const parts = description === '' ? [vendor, architecture, model] : [description];
  return {
    name: parts.filter((part) => part !== '').join(' ') || 'a device without a name',
    maxTensors: device.limits.maxStorageBuffersPerShaderStage - 1,
  };
}
