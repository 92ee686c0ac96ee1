import { fromData, sizeOf, type Backend, type Tensor, type TypedArray } from '@rnn/core';

/**
 * A tensor's numbers on the host, in row-major order. `model.loadStateDict` and
 * `optimizer.loadStateDict` take it in a tensor's place.
 */
export interface HostTensor {
  readonly shape: readonly number[];
  readonly data: TypedArray;
}

/**
 * What a file can be written from: a tensor whose numbers can be read at once, or numbers on the
 * host.
 */
export type TensorSource = Tensor | HostTensor;

/** The floating types that can be asked for on reading. */
export type FloatType = 'float32' | 'float64';

/** How tensors are made of what a file holds. */
export interface ReadOptions {
  /** Where to put the tensors; the one of `setBackend` unless given. */
  readonly backend?: Backend;
  /**
   * The type of all floating tensors; without it float64 stays float64 where the backend has it,
   * and all others become float32.
   */
  readonly dtype?: FloatType;
}

/**
 * Copies the numbers of tensors to the host: on a backend that answers only later, such as WebGPU,
 * the step before `writeSafetensors`, and on every backend what `structuredClone` and `postMessage`
 * take.
 *
 * @example
 * ```ts
 * const bytes = writeSafetensors(await toHost(model.stateDict()));
 * ```
 * @param tensors - by name; two names of one value stay one value
 * @returns a promise of the same names with `{ shape, data }`
 */
export async function toHost(tensors: Readonly<Record<string, TensorSource>>): Promise<Record<string, HostTensor>> {
  // Numbers that two tensors share are read once, so that what is tied stays so.
  const read = new Map<unknown, Promise<TypedArray>>();
  const entries = Object.entries(tensors).map(async ([name, tensor]): Promise<[string, HostTensor]> => {
    if (!isTensor(tensor)) return [name, tensor];
    let data = read.get(tensor.storage);
    if (data === undefined) read.set(tensor.storage, (data = tensor.data()));
    return [name, { shape: [...tensor.shape], data: await data }];
  });
  return Object.fromEntries(await Promise.all(entries));
}

/**
 * The types of a host tensor's numbers that a backend can hold: without float64 they become
 * float32.
 */
export function upload({ shape, data }: HostTensor, backend: Backend): Tensor {
  const lacksDouble = data instanceof Float64Array && !backend.info.dtypes.includes('float64');
  return fromData(lacksDouble ? Float32Array.from(data) : data, shape, { backend });
}

/** A floating tensor's numbers in the type that was asked for; whole numbers stay as they are. */
export function asFloat({ shape, data }: HostTensor, dtype: FloatType | undefined): HostTensor {
  if (dtype === undefined || data instanceof Int32Array) return { shape, data };
  const Type = dtype === 'float64' ? Float64Array : Float32Array;
  return data instanceof Type ? { shape, data } : { shape, data: Type.from(data) };
}

export function isTensor(value: TensorSource): value is Tensor {
  return typeof value.data === 'function';
}

/** The identity of a source's numbers: two names with the same one are tied. */
export function identityOf(source: TensorSource): unknown {
  return isTensor(source) ? source.storage : source.data;
}

/** Whether a value has the form of numbers on the host that fill their shape. */
export function isHostTensor(value: unknown): value is HostTensor {
  if (typeof value !== 'object' || value === null) return false;
  const { shape, data } = value as Partial<HostTensor>;
  const isNumbers = data instanceof Float32Array || data instanceof Float64Array || data instanceof Int32Array;
  return Array.isArray(shape) && isNumbers && sizeOf(shape) === data.length;
}
