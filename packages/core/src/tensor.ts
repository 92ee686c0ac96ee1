import type { Backend, Storage } from './backend.js';
import { isFloating, type DType, type TypedArray } from './dtype.js';
import { AutogradError, DisposedError, DTypeError, ShapeError } from './errors.js';
import { formatTensor } from './format.js';
import { track, untrack } from './scope.js';
import { sameShape, showShape, sizeOf, type Shape } from './shape.js';
import type { SharedStorage } from './shared-storage.js';
import type { TensorMethods } from './tensor-methods.js';

/** The net under the memory: frees the storage of a tensor that was collected without having been disposed of. */
const net = new FinalizationRegistry<SharedStorage>((shared) => shared.release());

/** One result of a recorded operation. */
export interface Edge {
  readonly node: GradNode;
  readonly index: number;
}

/** Shape, type and place of a result, enough to make its zero gradient. */
export interface ResultInfo {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly backend: Backend;
}

/** What a gradient hook gets and may replace. */
export type GradHook = (grad: Tensor) => Tensor | void;

/** From the gradients of the results to the gradients of the inputs; `undefined` stands for zero. */
export type DerivativeRule = (
  grads: readonly (Tensor | undefined)[],
  saved: readonly Tensor[],
  wanted: readonly boolean[],
) => readonly (Tensor | undefined)[];

let nodes = 0;

/** A recorded operation: where its inputs came from, what its derivative needs, and the derivative. */
export class GradNode {
  /** Later operations have larger numbers, so descending order is an order for the backward pass. */
  readonly id: number = ++nodes;
  readonly name: string;
  readonly inputs: readonly (Edge | undefined)[];
  readonly results: readonly ResultInfo[];
  readonly derivative: DerivativeRule;
  /** Values kept for the derivative; `undefined` once `backward` freed them. */
  saved: readonly Tensor[] | undefined = [];
  /** The tensor whose `grad` collects what arrives here; only for leaves. */
  leaf: Tensor | undefined;
  private hooks: Map<number, Set<GradHook>> | undefined;

  constructor(
    name: string,
    inputs: readonly (Edge | undefined)[],
    results: readonly ResultInfo[],
    derivative: DerivativeRule,
  ) {
    this.name = name;
    this.inputs = inputs;
    this.results = results;
    this.derivative = derivative;
  }

  addHook(index: number, hook: GradHook): () => void {
    this.hooks ??= new Map();
    const list = this.hooks.get(index) ?? new Set<GradHook>();
    this.hooks.set(index, list);
    list.add(hook);
    return () => void list.delete(hook);
  }

  /** The gradient of one result after its hooks. */
  hooked(index: number, grad: Tensor): Tensor {
    let current = grad;
    for (const hook of this.hooks?.get(index) ?? []) current = hook(current) ?? current;
    return current;
  }

  /** Lets go of what the graph alone holds. */
  free(): void {
    for (const tensor of this.saved ?? []) tensor.dispose();
    this.saved = undefined;
  }
}

/** A value: numbers of one type in a shape, on a backend, perhaps with the operation that it came from. */
// oxlint-disable-next-line no-unsafe-declaration-merging -- methods.ts gives the prototype every one of these methods, checked by type
export interface Tensor extends TensorMethods<Tensor> {}

/**
 * A value: an n-dimensional array of numbers on a backend. Nobody changes it in place (parameters change through an optimiser or
 * `copy_`); every operation makes a new one. Create tensors with `tensor`, `zeros`, `randn` and their kin.
 *
 * @example
 * ```ts
 * const x = tensor([[1, 2], [3, 4]], { requiresGrad: true });
 * const y = x.mul(x).sum();
 * y.backward();
 * console.log(String(x.grad));   // tensor([[2., 4.], [6., 8.]]) over two lines, as PyTorch prints it
 * ```
 * Differs from PyTorch: always row-major and dense; whole numbers are float32 unless asked otherwise; comparisons give 1 and 0.
 */
// oxlint-disable-next-line no-unsafe-declaration-merging -- see the interface above
export class Tensor {
  readonly shape: Shape;
  readonly size: number;
  /** The gradient that `backward` left here; `undefined` before, and for everything that is not a leaf. */
  grad: Tensor | undefined;
  /** @internal The result of the operation that made this; `undefined` for leaves. */
  edge: Edge | undefined;
  private shared: SharedStorage;
  private accumulator: GradNode | undefined;
  private wantsGrad = false;
  private gone = false;

  /** @internal Takes over one hold on the storage. */
  constructor(shared: SharedStorage, shape: Shape) {
    this.shared = shared;
    this.shape = shape;
    this.size = sizeOf(shape);
    net.register(this, shared, this);
    track(this);
  }

  get dtype(): DType {
    return this.shared.storage.dtype;
  }

  get backend(): Backend {
    return this.shared.backend;
  }

  /** Number of dimensions. */
  get rank(): number {
    return this.shape.length;
  }

  get isDisposed(): boolean {
    return this.gone;
  }

  /** Whether this was not made by a recorded operation, so that a gradient would be kept in its `grad`. */
  get isLeaf(): boolean {
    return this.edge === undefined;
  }

  /** Whether operations on this are recorded. Setting it is for leaves. */
  get requiresGrad(): boolean {
    return this.wantsGrad || this.edge !== undefined;
  }

  set requiresGrad(value: boolean) {
    if (this.edge !== undefined) {
      if (value) return;
      throw new AutogradError(
        'requiresGrad: only a leaf can stop to require a gradient; use detach() for a copy that does not',
      );
    }
    if (value && !isFloating(this.dtype)) {
      throw new DTypeError(`requiresGrad: a tensor of ${this.dtype} has no gradient, expected float32 or float64`);
    }
    this.wantsGrad = value;
  }

  /** @internal The shared storage, for kernels. Throws when the tensor was disposed of. */
  get held(): SharedStorage {
    if (this.gone) {
      throw new DisposedError(
        `a tensor of shape ${showShape(this.shape)} was used after its memory was freed (by dispose(), by the end of a scope, or a gradient by zeroGrad); return it from the scope or keep() it`,
      );
    }
    return this.shared;
  }

  /** @internal */
  get storage(): Storage {
    return this.held.storage;
  }

  /** @internal Where a gradient for this goes; `undefined` if none is wanted. */
  get gradEdge(): Edge | undefined {
    if (this.edge !== undefined) return this.edge;
    if (!this.wantsGrad) return undefined;
    if (this.accumulator === undefined) {
      this.accumulator = new GradNode('accumulateGrad', [], [this], () => []);
      this.accumulator.leaf = this;
    }
    return { node: this.accumulator, index: 0 };
  }

  /** @internal A second handle of the same value, in nobody's care, that stands at the same place of the graph. */
  alias(): Tensor {
    const twin = new Tensor(this.held.retain(), this.shape);
    untrack(twin);
    twin.edge = this.gradEdge;
    return twin;
  }

  /**
   * The elements in row-major order, as a typed array of its own. Works on every backend.
   * @returns a promise of a copy: `Float32Array`, `Float64Array` or `Int32Array` by `dtype`
   */
  data(): Promise<TypedArray> {
    return this.backend.read(this.storage);
  }

  /** `data()` without waiting, where the backend can; throws a `BackendError` where it cannot. */
  dataSync(): TypedArray {
    return this.backend.readSync(this.storage);
  }

  /** The number of a tensor with one element. */
  item(): number {
    if (this.size !== 1) {
      throw new ShapeError(
        `item: expected a tensor with one element, received shape ${showShape(this.shape)}; use dataSync() or toArray()`,
      );
    }
    return this.dataSync()[0];
  }

  /**
   * Puts other values into this tensor, as an optimiser does with a parameter. Values that the graph saved before stay what they were.
   * @param source - same shape and type; on another backend, this tensor moves there
   */
  copy_(source: Tensor): this {
    if (!sameShape(source.shape, this.shape)) {
      throw new ShapeError(`copy_: expected shape ${showShape(this.shape)}, received ${showShape(source.shape)}`, {
        argument: 'source',
      });
    }
    if (source.dtype !== this.dtype) {
      throw new DTypeError(`copy_: expected ${this.dtype}, received ${source.dtype}`, { argument: 'source' });
    }
    if (this.edge !== undefined) {
      throw new AutogradError(
        'copy_: only a leaf can take other values; this tensor is the result of a recorded operation',
      );
    }
    const next = source.held.retain();
    this.held.release();
    net.unregister(this);
    net.register(this, next, this);
    this.shared = next;
    return this;
  }

  /** Lets this outlive the scope that it was made in. */
  keep(): this {
    untrack(this);
    return this;
  }

  /** Frees the memory now; the tensor can no longer be used. What the graph saved of it stays until `backward`. */
  dispose(): void {
    if (this.gone) return;
    this.gone = true;
    untrack(this);
    net.unregister(this);
    this.shared.release();
    this.grad?.dispose();
    this.grad = undefined;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** The numbers as PyTorch prints them. */
  toString(): string {
    if (this.gone) return `tensor(<disposed>, size=(${this.shape.join(', ')}))`;
    const { synchronous, name } = this.backend.info;
    if (!synchronous) return `tensor(<on ${name}: await data() to see the numbers>, size=(${this.shape.join(', ')}))`;
    const suffix = [];
    if (this.edge !== undefined) {
      const { name: operation } = this.edge.node;
      suffix.push(`grad_fn=<${operation[0].toUpperCase()}${operation.slice(1)}Backward0>`);
    } else if (this.wantsGrad) suffix.push('requires_grad=True');
    return formatTensor({ data: this.dataSync(), shape: this.shape, dtype: this.dtype, suffix });
  }
}
