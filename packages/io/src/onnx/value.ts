/** What flows between nodes: numbers on the host, or a tensor on a device, or both. */
import {
  fromData,
  FormatError,
  full,
  reshape,
  sameShape,
  sizeOf,
  unscoped,
  type Backend,
  type Shape,
  type Tensor,
} from '@rnn/core';
import { deviceType, type ElementType } from './element-types.js';
import type { HostArray } from './host-array.js';

export class Value {
  readonly type: ElementType;
  readonly shape: Shape;
  /** Whether the run made the tensor, and so frees it. */
  isOwned = false;
  /** Whether the value is part of the model: its tensor is then uploaded once. */
  isConstant = false;
  /** Whether its shape follows from the shapes of the model's inputs. */
  isShaped = false;
  /**
   * Whether all of it follows from those shapes, so that it is the same in the next run with such
   * inputs.
   */
  isStatic = false;
  /**
   * How many names, and views, stand for this value in the run; at the last one's end its tensor is
   * freed.
   */
  #holders = 0;
  #numbers: ArrayLike<number> | undefined;
  #tensor: Tensor | undefined;
  #wasRead = false;
  /** Of a view: the value whose elements it shows in another shape. */
  #base: Value | undefined;

  private constructor(
    type: ElementType,
    shape: Shape,
    numbers: ArrayLike<number> | undefined,
    tensor: Tensor | undefined,
  ) {
    this.type = type;
    this.shape = shape;
    this.#numbers = numbers;
    this.#tensor = tensor;
  }

  static host({ type, shape, numbers }: HostArray): Value {
    return new Value(type, shape, numbers, undefined);
  }

  /** Numbers on the host, in row-major order. */
  static of(type: ElementType, shape: Shape, numbers: ArrayLike<number>): Value {
    return new Value(type, shape, numbers, undefined);
  }

  static device(type: ElementType, tensor: Tensor): Value {
    return new Value(type, tensor.shape, undefined, tensor);
  }

  /**
   * The elements of a value on a device in another shape of as many. No tensor is made before one
   * is asked for: of views of views, which exporters write in rows, only the last one is.
   */
  static view(of: Value, shape: Shape): Value {
    const base = of.#base ?? of;
    if (sameShape(base.shape, shape)) return base;
    if (sameShape(of.shape, shape)) return of;
    const view = new Value(of.type, shape, undefined, undefined);
    view.#base = base;
    return view;
  }

  get size(): number {
    return sizeOf(this.shape);
  }

  /**
   * Whether it was made on the host. What was only read from a device is computed with there, where
   * gradients flow.
   */
  get isHost(): boolean {
    return this.#numbers !== undefined && !this.#wasRead;
  }

  get hasNumbers(): boolean {
    return this.#numbers !== undefined;
  }

  /** The tensor, if there is one. */
  get tensor(): Tensor | undefined {
    const base = this.#base;
    if (this.#tensor === undefined && base !== undefined) {
      const make = (): Tensor => reshape(base.tensor as Tensor, this.shape);
      // What a name stands for is freed when the name goes; until then it belongs to the scope of
      // whoever makes it.
      this.#tensor = this.#holders > 0 ? unscoped(make) : make();
    }
    return this.#tensor;
  }

  /**
   * The tensor that holds its elements, where one was made: of a view that nobody asked for its own
   * tensor that of its base.
   */
  get made(): Tensor | undefined {
    const base = this.#base;
    return this.#tensor ?? (base === undefined ? undefined : base.#tensor);
  }

  /** The value whose elements it shows: itself, unless it is a view. */
  get root(): Value {
    return this.#base ?? this;
  }

  /** Whether nothing in the run stands for it yet. */
  get isFree(): boolean {
    return this.#holders === 0;
  }

  /** Whether it shows the elements of another value. */
  isViewOf(other: Value): boolean {
    return (this.#base ?? this) === (other.#base ?? other);
  }

  /** A name, or a view, stands for it. */
  hold(): void {
    if (this.#holders++ === 0) this.#base?.hold();
  }

  /**
   * A name stands for it no longer: without any its tensor is freed, unless it stays as a result.
   */
  letGo(stays = false): void {
    if (--this.#holders > 0) return;
    if (this.isOwned && !stays) this.#tensor?.dispose();
    this.#base?.letGo();
  }

  /** Whether it shows the elements of another value in another shape. */
  get isView(): boolean {
    return this.#base !== undefined;
  }

  /** The run that made it frees it. */
  own(): void {
    if (this.#holders === 0) this.isOwned = !this.isConstant;
  }

  /** The run that made what it is a view of frees that. */
  ownBase(): void {
    this.#base?.own();
  }

  /**
   * Makes it stand for itself, with a tensor of the scope that is open: it may stay when what it is
   * a view of is freed.
   */
  settle(): void {
    const base = this.#base;
    if (base === undefined) return;
    this.#tensor?.dispose();
    this.#tensor = reshape(base.tensor as Tensor, this.shape);
    this.#base = undefined;
    if (this.#holders > 0) base.letGo();
  }

  /** The numbers. The executor has read what an operator says that it needs here. */
  get host(): HostArray {
    if (this.#numbers === undefined) {
      throw new FormatError('readOnnx: a value that was needed on the host is on a device', {
        expected: 'host numbers',
      });
    }
    return { type: this.type, shape: this.shape, numbers: this.#numbers };
  }

  /** Takes the numbers that were read from the device. */
  setNumbers(numbers: ArrayLike<number>): void {
    this.#numbers = numbers;
    this.#wasRead = true;
  }

  /** The value as a tensor on a backend. */
  on(backend: Backend): Tensor {
    const tensor = this.tensor;
    if (tensor !== undefined && (!this.isConstant || tensor.backend === backend)) return tensor;
    const { numbers } = this.host;
    if (!this.isConstant) return uploaded(this.type, this.shape, numbers, backend);
    // A model that moved takes its constants along.
    tensor?.dispose();
    this.#tensor = unscoped(() => uploaded(this.type, this.shape, numbers, backend));
    return this.#tensor;
  }

  /**
   * Makes it part of the model: it is the same whenever the model runs (with inputs of such
   * shapes).
   */
  fix(): this {
    this.settle();
    this.#tensor?.keep();
    this.isConstant = this.isShaped = this.isStatic = true;
    return this;
  }

  /** The same value, of which nothing is known beforehand. */
  asDynamic(): Value {
    if (!this.isShaped) return this;
    const { tensor } = this;
    return tensor === undefined ? Value.host(this.host) : Value.device(this.type, tensor.clone());
  }

  /** Frees the tensor, which is made again when it is needed. */
  release(): void {
    this.#tensor?.dispose();
    this.#tensor = undefined;
  }
}

function uploaded(type: ElementType, shape: Shape, numbers: ArrayLike<number>, backend: Backend): Tensor {
  const dtype = deviceType(type, backend.info.dtypes);
  if (dtype === 'int32') {
    for (let i = 0; i < numbers.length; i++) {
      if ((numbers[i] | 0) === numbers[i]) continue;
      throw new FormatError(
        `readOnnx: a value of ${type} holds ${numbers[i]}, expected numbers of 32 bits where tensors are computed with whole numbers`,
        { expected: '32 bits', received: String(numbers[i]) },
      );
    }
  }
  if (numbers.length === 1) return full(shape, numbers[0], { dtype, backend });
  const array = dtype === 'int32' ? Int32Array : dtype === 'float64' ? Float64Array : Float32Array;
  return fromData(array.from(numbers), shape, { dtype, backend });
}
