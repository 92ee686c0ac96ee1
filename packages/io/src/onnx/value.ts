/** What flows between nodes: numbers on the host, or a tensor on a device, or both. */
import { fromData, FormatError, full, sizeOf, unscoped, type Backend, type Shape, type Tensor } from '@rnn/core';
import { deviceType, type ElementType } from './element-types.js';
import type { HostArray } from './host-array.js';

export class Value {
  readonly type: ElementType;
  readonly shape: Shape;
  /** How many names stand for this value in the run; at the last one's end its tensor is freed. */
  holders = 0;
  /** Whether the run made the tensor, and so frees it. */
  isOwned = false;
  /** Whether the value is part of the model: its tensor is then uploaded once. */
  isConstant = false;
  /** Whether its shape follows from the shapes of the model's inputs. */
  isShaped = false;
  /** Whether all of it follows from those shapes, so that it is the same in the next run with such inputs. */
  isStatic = false;
  #numbers: ArrayLike<number> | undefined;
  #tensor: Tensor | undefined;
  #wasRead = false;

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

  static device(type: ElementType, tensor: Tensor): Value {
    return new Value(type, tensor.shape, undefined, tensor);
  }

  get size(): number {
    return sizeOf(this.shape);
  }

  /** Whether it was made on the host. What was only read from a device is computed with there, where gradients flow. */
  get isHost(): boolean {
    return this.#numbers !== undefined && !this.#wasRead;
  }

  get hasNumbers(): boolean {
    return this.#numbers !== undefined;
  }

  /** The tensor, if there is one. */
  get tensor(): Tensor | undefined {
    return this.#tensor;
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
    if (this.#tensor !== undefined && (!this.isConstant || this.#tensor.backend === backend)) return this.#tensor;
    const { numbers } = this.host;
    if (!this.isConstant) return uploaded(this.type, this.shape, numbers, backend);
    // A model that moved takes its constants along.
    this.#tensor?.dispose();
    this.#tensor = unscoped(() => uploaded(this.type, this.shape, numbers, backend));
    return this.#tensor;
  }

  /** Makes it part of the model: it is the same whenever the model runs (with inputs of such shapes). */
  fix(): this {
    this.#tensor?.keep();
    this.isConstant = this.isShaped = this.isStatic = true;
    return this;
  }

  /** The same value, of which nothing is known beforehand. */
  asDynamic(): Value {
    if (!this.isShaped) return this;
    return this.#tensor === undefined ? Value.host(this.host) : Value.device(this.type, this.#tensor.clone());
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
