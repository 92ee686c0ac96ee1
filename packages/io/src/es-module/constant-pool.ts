/**
 * What belongs to a traced model: numbers on its own backend, computed there, and read once for
 * each use.
 */
import type { Backend, DType, Operand, Storage } from '@rnn/core';
import type { FlowStorage } from './flow-storage.js';
import type { Flow, FlowValue, Matrix } from './flow.js';
import { placesOf, type FeatureWalk } from './row-walk.js';

export class ConstantPool {
  readonly #backend: Backend;
  readonly #flow: Flow;
  readonly #made: Storage[] = [];
  readonly #values = new Map<Storage, Map<string, FlowValue>>();
  readonly #matrices = new Map<Storage, Map<string, Matrix>>();

  constructor(backend: Backend, flow: Flow) {
    this.#backend = backend;
    this.#flow = flow;
  }

  /** A storage for numbers of the backend, which are released with all others. */
  folded(inner: Storage): FlowStorage {
    return { dtype: inner.dtype, size: inner.size, value: undefined, number: undefined, inner: this.#owned(inner) };
  }

  /** One number everywhere, however many there are. */
  uniform(number: number, size: number, dtype: DType): FlowStorage {
    return { dtype, size, value: undefined, number, inner: undefined };
  }

  /** What a function of the backend makes of single numbers. */
  ofNumbers(numbers: readonly number[], dtype: DType, fn: (storages: readonly Storage[]) => Storage): number {
    const result = this.#owned(fn(numbers.map((number) => this.#owned(this.#backend.fill(number, 1, dtype)))));
    return this.#backend.readSync(result)[0];
  }

  /** The numbers of a constant on the backend. */
  innerOf(storage: Storage): Storage {
    const { inner, number, size, dtype } = storage as FlowStorage;
    return inner ?? this.#owned(this.#backend.fill(number as number, size, dtype));
  }

  innerOperand(operand: Operand): Operand {
    return typeof operand === 'number' ? operand : { ...operand, storage: this.innerOf(operand.storage) };
  }

  /** A constant, walked, as a value. */
  valueOf(storage: FlowStorage, walk: FeatureWalk): FlowValue {
    if (storage.number !== undefined) return this.#flow.number(storage.number);
    const { offset, sizes, strides } = walk;
    const source = this.innerOf(storage);
    return known(this.#values, source, [offset, ...sizes, '|', ...strides].join(' '), () => {
      const data = this.#backend.readSync(source);
      const isWhole = offset === 0 && sizes.length === 1 && sizes[0] === data.length && strides[0] === 1;
      return this.#flow.constant(isWhole ? data : placesOf(walk).map((place) => data[place]));
    });
  }

  /**
   * A constant, from a place on, as the matrix `[n, k]` of a product; `[rows, columns]` as it is
   * stored.
   */
  matrixOf(storage: Storage, rows: number, columns: number, isTransposed: boolean, at = 0): Matrix {
    const source = this.innerOf(storage);
    return known(this.#matrices, source, `${rows} ${isTransposed} ${at}`, () => {
      const data = this.#backend.readSync(source).subarray(at, at + rows * columns);
      if (isTransposed) return { numbers: data, n: rows, k: columns };
      const numbers = new Float64Array(rows * columns);
      for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) numbers[j * rows + i] = data[i * columns + j];
      return { numbers, n: columns, k: rows };
    });
  }

  /** Releases all numbers on the backend. */
  dispose(): void {
    for (const storage of this.#made.splice(0)) this.#backend.release(storage);
  }

  #owned(storage: Storage): Storage {
    this.#made.push(storage);
    return storage;
  }
}

/** What is kept for a storage and a key, made when it is wanted first. */
function known<T>(all: Map<Storage, Map<string, T>>, storage: Storage, key: string, make: () => T): T {
  const own = all.get(storage) ?? new Map<string, T>();
  all.set(storage, own);
  let value = own.get(key);
  if (value === undefined) own.set(key, (value = make()));
  return value;
}
