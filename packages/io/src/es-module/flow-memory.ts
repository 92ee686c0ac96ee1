/**
 * Storages of a traced model: between tensors and the flow, constants, and what a walk over a
 * storage means for one step.
 */
import {
  ArgumentError,
  dtypeOf,
  fromData,
  zeros,
  type Backend,
  type BackendInfo,
  type DType,
  type MemoryUse,
  type Operand,
  type Shape,
  type Storage,
  type Tensor,
  type TypedArray,
} from '@rnn/core';
import { ConstantPool } from './constant-pool.js';
import { STEPS, type FlowStorage, type FlowWriter, type Naming } from './flow-storage.js';
import { Flow, type FlowValue, type Matrix } from './flow.js';
import { numberOver } from './over-time.js';
import { boundsOf, OverTime, placesOf, walkOfStep } from './row-walk.js';

export abstract class FlowMemory implements FlowWriter {
  readonly info: BackendInfo;
  readonly flow: Flow;
  /** The whole of it. */
  protected abstract readonly backend: Backend;
  readonly names: Naming;
  protected readonly inner: Backend;
  protected readonly pool: ConstantPool;
  #next: FlowValue | undefined;

  constructor(inner: Backend, names: Naming, flow: Flow = new Flow()) {
    this.inner = inner;
    this.flow = flow;
    this.pool = new ConstantPool(inner, this.flow);
    this.names = names;
    this.info = { ...inner.info, name: 'module', device: 'traces for a module', synchronous: true, records: true };
  }

  // --- between tensors and the flow
  // -----------------------------------------------------------------------------
  /** A tensor that stands for a value; its numbers are never looked at. */
  tensorOf(value: FlowValue, shape: Shape, dtype: DType): Tensor {
    this.#next = value;
    try {
      return zeros(shape, { dtype, backend: this.backend });
    } finally {
      this.#next = undefined;
    }
  }

  constantTensor(numbers: TypedArray, shape: Shape, dtype: DType): Tensor {
    return fromData(numbers, shape, { dtype, backend: this.backend });
  }

  /** What a tensor stands for. */
  storageOf(tensor: Tensor): FlowStorage {
    if (tensor.backend === this.backend) return tensor.storage as FlowStorage;
    throw new ArgumentError(
      'exportModule: forward uses or returns a tensor that is neither a parameter, a buffer, the input nor made from those; register it with registerBuffer',
      { argument: 'model' },
    );
  }

  /** What a tensor stands for, of its whole width. */
  wholeOf(tensor: Tensor): FlowValue {
    const { flow } = this;
    const value = this.valueOf(this.storageOf(tensor));
    const whole =
      value.width === tensor.size
        ? value
        : flow.pick(
            value,
            Array.from({ length: tensor.size }, () => 0),
          );
    // A constant of the model becomes what every step gives.
    return whole.domain === 'constant' ? flow.make({ kind: 'concat', parts: [whole] }, whole.width, true) : whole;
  }

  /** The value of a storage that may be a constant: of the width, or one number for all. */
  valueOf(storage: Storage): FlowValue {
    const { value, number, size } = storage as FlowStorage;
    if (value !== undefined) return value;
    if (number !== undefined) return numberOver(this, number);
    return this.pool.valueOf(storage as FlowStorage, { offset: 0, sizes: [size], strides: [1] });
  }

  /** A storage for a value. */
  made(value: FlowValue, size: number, dtype: DType): FlowStorage {
    return { dtype, size, value, number: undefined, inner: undefined };
  }

  matrixOf(storage: Storage, rows: number, columns: number, isTransposed: boolean): Matrix {
    return this.pool.matrixOf(storage, rows, columns, isTransposed);
  }

  /**
   * What an operand of a walk is at one step, or after all: of the width, or one number for all.
   */
  protected operand(operand: Operand, sizes: readonly number[], isRow: boolean): FlowValue {
    if (typeof operand === 'number') return numberOver(this, operand);
    const { offset, strides } = operand;
    const storage = operand.storage as FlowStorage;
    const { value, number } = storage;
    if (number !== undefined) return numberOver(this, number);
    const timeStride = value?.domain === 'row' ? value.width : 0;
    if (!isRow && timeStride > 0) return this.#ofOneStep(value as FlowValue, { offset, strides }, sizes);
    const walk = isRow ? walkOfStep(sizes, offset, strides, STEPS, timeStride) : { offset, sizes, strides };
    if (value === undefined) return this.pool.valueOf(storage, walk);
    if (walk.strides.every((stride) => stride === 0)) return this.flow.range(value, walk.offset, 1);
    return this.flow.pick(value, placesOf(walk));
  }

  /** Numbers of a row value at the first or last step. */
  #ofOneStep(
    value: FlowValue,
    { offset, strides }: { readonly offset: number; readonly strides: readonly number[] },
    sizes: readonly number[],
  ): FlowValue {
    const [step, last] = boundsOf({ offset, sizes, strides }).map((place) => Math.floor(place / value.width));
    if (last !== step) throw new OverTime('takes a part of the sequence');
    if (step !== 0 && step !== STEPS - 1)
      throw new OverTime(`picks step ${step} of the sequence by its number; a loop over time is a scan or a Recurrent`);
    const end = this.flow.end(value, step !== 0);
    return this.flow.pick(end, placesOf({ offset: offset - step * value.width, sizes, strides }));
  }

  // --- memory
  // -----------------------------------------------------------------------------------------------
  upload(values: TypedArray): Storage {
    if (values.length === 1) return this.pool.uniform(values[0], 1, dtypeOf(values));
    return this.pool.folded(this.inner.upload(values));
  }

  fill(number: number, size: number, dtype: DType): Storage {
    return this.#next === undefined ? this.pool.uniform(number, size, dtype) : this.made(this.#next, size, dtype);
  }

  read(storage: Storage): Promise<TypedArray> {
    return Promise.resolve(this.readSync(storage));
  }

  readSync(storage: Storage): TypedArray {
    if ((storage as FlowStorage).value !== undefined)
      throw new OverTime('reads numbers that depend on the input (item, dataSync, toArray); choose with where');
    return this.inner.readSync(this.pool.innerOf(storage));
  }

  release(): void {}

  memory(): MemoryUse {
    return this.inner.memory();
  }

  /** Releases what was computed of constants on the other backend. */
  dispose(): void {
    this.pool.dispose();
  }
}
