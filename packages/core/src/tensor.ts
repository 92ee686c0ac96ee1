import { ambient, during } from './ambient.js';
import { refuse } from './checks/refusal.js';
import { checkFlag } from './checks/values.js';
import type { Backend, Storage } from './backend.js';
import { comparableNumbers, numbers } from './comparable.js';
import { isFloating, type DType, type TypedArray } from './dtype.js';
import { ArgumentError, AutogradError, DisposedError, DTypeError, ShapeError } from './errors.js';
import { GradNode, type Edge, type GradHook as Hook } from './grad-node.js';
import { track, Tracked, untrack } from './scope.js';
import { sameShape, showShape, sizeOf, type Shape } from './shape.js';
import type { SharedStorage } from './shared-storage.js';
import { refuseTracing } from './tracing-mode.js';
import type { TensorMethods } from './tensor-methods.js';
import { jsonNumbers, type TensorJson } from './tensor-json.js';

/** Where a tensor stands in the graph. */
export type TensorEdge = Edge<Tensor>;

/**
 * What a gradient hook gets and may replace. The gradient is freed after the hook: keep
 * `clone().keep()` of it to have it later.
 */
export type GradHook = Hook<Tensor>;

/** Gives what is to be used in the place of a tensor; nothing for one that stands for itself. */
export type LiftedConstant = (tensor: Tensor) => Tensor | undefined;

/** While tensors are replaced where they are used. */
interface Lifting {
  /** The backend that every tensor is said to be on; `undefined` leaves it to the tensors. */
  readonly backend: Backend | undefined;
  readonly lifted: LiftedConstant;
}

const RESULT = 'the result of a recorded operation';

/**
 * Runs `fn` with tensors replaced by lifted constants where they are used, as if every tensor were
 * on `backend`.
 */
export function withLiftedConstants<R>(backend: Backend | undefined, lifted: LiftedConstant, fn: () => R): R {
  return during(ambient.lifting, { backend, lifted } satisfies Lifting, fn);
}

/**
 * A value: numbers of one type in a shape, on a backend, perhaps with the operation that it came
 * from.
 */
// oxlint-disable-next-line no-unsafe-declaration-merging -- methods.ts gives the prototype every one of these methods, checked by type
export interface Tensor extends TensorMethods<Tensor> {}

/**
 * A value: an n-dimensional array of numbers on a backend. Nobody changes it in place (parameters
 * change through an optimiser or `copy_`); every operation makes a new one. Create tensors with
 * `tensor`, `zeros`, `randn` and their kin.
 *
 * @example
 * ```ts
 * const x = tensor(
 *   [
 *     [1, 2],
 *     [3, 4],
 *   ],
 *   { requiresGrad: true },
 * );
 * const y = x.mul(x).sum();
 * y.backward();
 * console.log(String(x.grad)); // tensor([[2., 4.], [6., 8.]]) over two lines, as PyTorch prints it
 * ```
 * Differs from PyTorch: always row-major and dense; whole numbers are float32 unless asked
 * otherwise; comparisons give 1 and 0.
 */
export class Tensor extends Tracked {
  /** The sizes of the dimensions; `[]` for a single number. */
  readonly shape: Shape;
  /** The number of elements. */
  readonly size: number;
  #grad: Tensor | undefined;
  #shared: SharedStorage;
  #origin: TensorEdge | undefined;
  #holdsOrigin = false;
  #accumulator: TensorEdge | undefined;
  #wantsGrad = false;
  #gone = false;

  /** @internal Takes over one hold on the storage. */
  constructor(shared: SharedStorage, shape: Shape) {
    super();
    this.#shared = shared;
    this.shape = shape;
    this.size = sizeOf(shape);
    // For whoever compares tensors property by property, as tests do.
    (this as { [numbers]?: object })[numbers] = comparableNumbers(this);
    track(this);
  }

  /**
   * The gradient that `backward` left here: `undefined` before, and for a result unless
   * `retainGrad` was called.
   */
  get grad(): Tensor | undefined {
    return this.#grad;
  }

  set grad(value: Tensor | undefined) {
    this.#grad = value;
  }

  /** The type of the elements. */
  get dtype(): DType {
    return this.#shared.storage.dtype;
  }

  /** Where the numbers are, and what computes with them. */
  get backend(): Backend {
    const lifting = ambient.lifting.value;
    return (lifting as Lifting | undefined)?.backend ?? this.#shared.backend;
  }

  /** Number of dimensions. */
  get rank(): number {
    return this.shape.length;
  }

  /** Whether the memory was given back; the tensor cannot be used any more. */
  get isDisposed(): boolean {
    return this.#gone;
  }

  /**
   * Whether this was not made by a recorded operation, so that a gradient would be kept in its
   * `grad`.
   */
  get isLeaf(): boolean {
    return this.#origin === undefined;
  }

  /** @internal The result of the operation that made this; `undefined` for leaves. */
  get edge(): TensorEdge | undefined {
    return this.#origin;
  }

  /** @internal Makes this a result of a recorded operation, whose node it holds from now on. */
  attach(edge: TensorEdge): void {
    edge.node.retain();
    this.#origin = edge;
    this.#holdsOrigin = true;
  }

  /**
   * Whether operations on this are recorded. Setting it is for leaves. As in PyTorch, what counts
   * for a gradient is the value when `backward` arrives: a leaf that was frozen since the forward
   * pass keeps its `grad` as it was, one that was frozen and freed again accumulates. (Hooks of a
   * frozen leaf still see the gradient.)
   */
  get requiresGrad(): boolean {
    return this.#wantsGrad || this.#origin !== undefined || (this.#gone && this.lifted()?.requiresGrad === true);
  }

  set requiresGrad(value: boolean) {
    checkFlag('requiresGrad', 'the value', value);
    if (this.#origin !== undefined) {
      if (value) return;
      const hint = 'use detach() for a copy that requires no gradient';
      refuse(AutogradError, 'requiresGrad', 'the tensor', { received: RESULT, expected: 'a leaf', hint });
    }
    if (value && !isFloating(this.dtype)) {
      refuse(DTypeError, 'requiresGrad', 'the tensor', {
        received: `${this.dtype}, which has no gradient`,
        expected: 'float32 or float64',
        hint: "convert with .to('float32')",
      });
    }
    this.#wantsGrad = value;
  }

  /** @internal The shared storage, for kernels. Throws when the tensor was disposed of. */
  get held(): SharedStorage {
    const lifted = this.lifted();
    if (lifted !== undefined) return lifted.#shared;
    if (this.#gone) {
      throw new DisposedError(
        `a tensor of shape ${showShape(this.shape)} was used after its memory was freed (by dispose(), by the end of a scope, or a gradient by zeroGrad); return it from the scope or keep() it`,
        { expected: 'a tensor that still has its memory', received: 'a disposed one' },
      );
    }
    return this.#shared;
  }

  /** @internal The storage where it really is, also while a step is traced. */
  get home(): SharedStorage {
    return this.#shared;
  }

  /** What is to be used in the place of this: see `withLiftedConstants`. */
  private lifted(): Tensor | undefined {
    const lifting = ambient.lifting.value;
    return lifting === undefined ? undefined : (lifting as Lifting).lifted(this);
  }

  /** @internal */
  get storage(): Storage {
    return this.#gone || ambient.lifting.value !== undefined ? this.held.storage : this.#shared.storage;
  }

  /**
   * @internal Whether this has its memory on a backend, as such a type, and an operation on it
   *   would not be recorded.
   */
  isUnrecorded(backend: Backend, dtype: DType): boolean {
    const { backend: place, storage } = this.#shared;
    if (place !== backend || storage.dtype !== dtype || this.#gone) return false;
    return !ambient.recording.value || (!this.#wantsGrad && this.#origin === undefined);
  }

  /** @internal Where a gradient for this goes; `undefined` if none is wanted. */
  get gradEdge(): TensorEdge | undefined {
    const lifted = this.lifted();
    if (lifted !== undefined) return lifted.gradEdge;
    if (this.#origin !== undefined) return this.#origin;
    if (!this.#wantsGrad) return undefined;
    if (this.#accumulator === undefined) {
      const node = new GradNode<Tensor>('accumulateGrad', [], 1, () => []);
      node.leaf = this;
      this.#accumulator = { node, index: 0 };
    }
    return this.#accumulator;
  }

  /**
   * @internal A second handle of the same value, in nobody's care, that stands at the same place of
   *   the graph.
   */
  alias(): Tensor {
    const twin = new Tensor(this.held.retain(), this.shape).keep();
    const edge = this.gradEdge;
    if (edge !== undefined) twin.attach(edge);
    return twin;
  }

  /**
   * The elements in row-major order, as a typed array of its own. Works on every backend.
   * @returns a promise of a copy: `Float32Array`, `Float64Array` or `Int32Array` by `dtype`
   */
  async data(): Promise<TypedArray> {
    return this.backend.read(this.storage);
  }

  /** `data()` without waiting, where the backend can; throws a `BackendError` where it cannot. */
  dataSync(): TypedArray {
    return this.backend.readSync(this.storage);
  }

  /** The number of a tensor with one element. */
  item(): number {
    if (this.size !== 1) {
      const [received, hint] = [showShape(this.shape), 'use dataSync() or toArray()'];
      refuse(ShapeError, 'item', 'the tensor', { has: 'shape', received, expected: 'one element', hint });
    }
    return this.dataSync()[0];
  }

  /**
   * Puts other values into this tensor, as an optimiser does with a parameter. Values that the
   * graph saved before stay what they were.
   *
   * @param source - same shape and type; shares its memory from now on; on another backend, this
   *   tensor moves there
   * @returns this tensor
   * @throws ShapeError, DTypeError when they differ; AutogradError unless this is a leaf
   *
   * Differs from PyTorch: not recorded, so a leaf that requires a gradient needs no `noGrad` around
   * it.
   */
  copy_(source: Tensor): this {
    refuseTracing('changes a tensor in place (copy_)');
    if (!(source instanceof Tensor)) {
      refuse(ArgumentError, 'copy_', 'source', {
        value: source,
        expected: 'a Tensor',
        hint: 'make one with tensor(...)',
      });
    }
    if (!sameShape(source.shape, this.shape)) {
      const [received, expected] = [showShape(source.shape), showShape(this.shape)];
      refuse(ShapeError, 'copy_', 'source', { has: 'shape', received, expected });
    }
    if (source.dtype !== this.dtype) {
      const hint = `convert with .to('${this.dtype}')`;
      const code = 'ERR_MIXED_DTYPES';
      refuse(DTypeError, 'copy_', 'source', { received: source.dtype, expected: this.dtype, hint, code });
    }
    if (this.#origin !== undefined) {
      const hint = 'only a leaf can take other values';
      refuse(AutogradError, 'copy_', 'this tensor', { received: RESULT, expected: 'a leaf', hint });
    }
    const { held } = this;
    this.#shared = source.held.retain();
    if (this.hasEscaped) this.#shared.watch();
    held.release();
    return this;
  }

  /** @internal */
  override onEscape(): void {
    this.#shared.watch();
  }

  /** Lets this outlive the scope that it was made in. */
  keep(): this {
    untrack(this);
    if (!this.#gone) this.#shared.watch();
    return this;
  }

  /**
   * Frees the memory now, and that of the gradient; the tensor can no longer be used. What a graph
   * saved of it for a `backward` that can still come stays until then.
   */
  override dispose(): void {
    if (this.#gone) return;
    this.#gone = true;
    untrack(this);
    this.#shared.release();
    this.#grad?.dispose();
    this.#grad = undefined;
    if (this.#holdsOrigin) this.#origin?.node.release();
    this.#origin = undefined;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /**
   * What `JSON.stringify` writes. `loadStateDict` takes it back.
   *
   * @returns shape, type, and the numbers in row-major order: as texts where JSON has none (NaN,
   *   the infinities, -0), and as one text where the backend answers only later, as `toString` says
   *   it: `await data()` first
   */
  toJSON(): TensorJson {
    const { shape, dtype } = this;
    const { synchronous, name } = this.backend.info;
    const data = synchronous ? jsonNumbers(this.dataSync()) : `on ${name}: await data() to see the numbers`;
    return { shape: [...shape], dtype, data };
  }

  /** The numbers as PyTorch prints them; of a tensor of `@rnn/core/lean` its shape alone. */
  override toString(): string {
    return `tensor(size=(${this.shape.join(', ')}))`;
  }
}
