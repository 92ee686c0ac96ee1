/** The textures of results on WebGL 2, used again. */
import { IdleMemory } from './idle-memory.js';

/** A texture, with gpu.js's count of those who hold it. */
type CountedTexture = WebGLTexture & { _refs?: number };

/** As much as is needed here of what gpu.js hands out as a result; a kernel holds its last one. */
interface Result {
  readonly context: WebGL2RenderingContext;
  readonly size: readonly [number, number];
  texture: CountedTexture;
  newTexture: (this: Result) => void;
}

/** As much as is needed here of a kernel of gpu.js. */
export interface TextureKernel {
  readonly context?: WebGL2RenderingContext;
  readonly texSize: readonly [number, number];
  readonly threadDim: readonly number[];
  readonly output: readonly number[];
  readonly TextureConstructor: new (settings: object) => Result;
  readonly framebuffer: WebGLFramebuffer;
  texture: Result | null;
  getInternalFormat(): number;
  getTextureFormat(): number;
  _setupOutputTexture: (this: TextureKernel) => void;
  deleteTexture: (this: TextureKernel, texture: CountedTexture) => void;
}

/** Those of one context. */
interface Textures {
  readonly idle: IdleMemory<CountedTexture>;
  /** Of all that came from here. */
  readonly keys: WeakMap<CountedTexture, number>;
}

/**
 * The contexts whose textures are used again: those of backends, not of a page that uses gpu.js by
 * itself.
 */
const contexts = new WeakMap<WebGL2RenderingContext, Textures>();

/** A key is made of both sides, which are at most 2^15. */
const SIDE = 2 ** 16;
const keyOf = ([width, height]: readonly [number, number]): number => width * SIDE + height;
const bytesOf = (key: number): number => Math.floor(key / SIDE) * (key % SIDE) * 4;

/**
 * Makes the kernels of a context use textures again.
 *
 * @param kernel - one of them, built, with its result
 */
export function recycleTextures(kernel: TextureKernel): void {
  const { context, texture } = kernel;
  if (context === undefined || texture === null || contexts.has(context)) return;
  const idle = new IdleMemory<CountedTexture>((piece) => context.deleteTexture(piece), bytesOf);
  contexts.set(context, { idle, keys: new WeakMap() });
  changeKernels(Object.getPrototypeOf(kernel) as TextureKernel);
  changeResults(resultsOf(texture));
}

const changed = new WeakSet<object>();

/** Whether something is to be changed: once. */
function isNew(prototype: object): boolean {
  return !changed.has(prototype) && changed.add(prototype) !== undefined;
}

/** The class of all results that lie in textures, which says how a new one is made. */
function resultsOf(result: Result): Result {
  let prototype = Object.getPrototypeOf(result) as Result;
  while (!Object.hasOwn(prototype, 'newTexture')) prototype = Object.getPrototypeOf(prototype) as Result;
  return prototype;
}

/** A kernel makes its first texture, and another one when the size of its result changes. */
function changeKernels(prototype: TextureKernel): void {
  if (!isNew(prototype)) return;
  const { _setupOutputTexture: setup, deleteTexture: remove } = prototype;
  prototype._setupOutputTexture = function (this: TextureKernel): void {
    const textures = this.context && contexts.get(this.context);
    if (this.context === undefined || textures === undefined || this.texture !== null) {
      setup.call(this);
      return;
    }
    const key = keyOf(this.texSize);
    const known = textures.idle.take(key);
    if (known !== undefined) {
      // gpu.js takes a result that is there for its own, and draws to the framebuffer that is
      // bound.
      this.context.bindFramebuffer(this.context.FRAMEBUFFER, this.framebuffer);
      this.texture = new this.TextureConstructor({
        texture: known,
        size: this.texSize,
        dimensions: this.threadDim,
        output: this.output,
        context: this.context,
        internalFormat: this.getInternalFormat(),
        textureFormat: this.getTextureFormat(),
        kernel: this,
      });
    }
    setup.call(this);
    const { texture } = this as { readonly texture: Result };
    textures.keys.set(texture.texture, key);
  };
  prototype.deleteTexture = function (this: TextureKernel, texture): void {
    const textures = this.context && contexts.get(this.context);
    const key = textures?.keys.get(texture);
    if (textures === undefined || key === undefined) remove.call(this, texture);
    else textures.idle.put(key, texture);
  };
}

/** A kernel whose last result is still in use goes on with another texture. */
function changeResults(prototype: Result): void {
  if (!isNew(prototype)) return;
  const { newTexture: make } = prototype;
  prototype.newTexture = function (this: Result): void {
    const textures = contexts.get(this.context);
    const key = keyOf(this.size);
    const known = textures?.idle.take(key);
    if (known === undefined) make.call(this);
    else {
      const { texture } = this;
      texture._refs = (texture._refs ?? 1) - 1;
      known._refs = 1;
      this.texture = known;
    }
    textures?.keys.set(this.texture, key);
  };
}
