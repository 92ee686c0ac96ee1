import { getBackend, sizeOf, type Tensor } from '@rnn/core';
import type { StateDict } from '@rnn/nn';
import { checkReadOptions, givenBytes } from '../host/given-bytes.js';
import { asFloat, upload, type FloatType, type HostTensor, type ReadOptions } from '../host/host-tensor.js';
import { bitsOf, decode, type ElementType } from '../safetensors/element-types.js';
import { Archive } from './archive.js';
import { isLegacy, legacyFile } from './legacy.js';
import { meanings, nameOf, PickledTensor, type OpenFile, type Storage } from './names.js';
import { Global, refuse, unpickle } from './pickle.js';

/**
 * What a file of PyTorch may hold beside tensors. Tuples and sets are arrays, dicts plain objects;
 * a whole number beyond 2^53 is a bigint.
 */
export type PyTorchValue<T = Tensor> =
  | T
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PyTorchValue<T>[]
  | { [name: string]: PyTorchValue<T> };

/** Values within values within values: no checkpoint goes deeper. */
const DEEPEST = 100;
/**
 * The numbers of all tensors may take so many times the file's bytes (views share theirs, float16
 * becomes float32), and so many more.
 */
const LARGEST = { times: 8, more: 1 << 24 };

/**
 * Reads a `.pt` or `.pth` file of PyTorch: a state dict, or a checkpoint that holds one beside
 * numbers and texts. Its pickle is read as data:
 * no class or function that it names is ever looked up, and whatever is not a tensor, a container,
 * a number or a text is refused by its name.
 *
 * @example
 * ```ts
 * model.loadStateDict(readPyTorch(bytes));
 * const { epoch, model: weights } = readPyTorch<{ epoch: number; model: StateDict }>(checkpoint);
 * ```
 * @param bytes - the whole file, by `torch.save` of PyTorch 1.6 or newer, or in the older form
 * @param options - `backend` for the tensors; `dtype` for the floating ones
 * @returns tensors by name; of a checkpoint, plain values with tensors in them. Element types
 *   become what `readSafetensors` makes of them;
 *   tensors that are one in the file are one here
 * @throws FormatError when the file is cut off or broken, holds other objects, or views that reach
 *   past their storage
 */
// oxlint-disable-next-line no-unnecessary-type-parameters -- what a file holds is known to whoever wrote it, as with JSON.parse
export function readPyTorch<T = StateDict>(bytes: Uint8Array | ArrayBuffer, options: ReadOptions = {}): T {
  checkReadOptions('readPyTorch', options);
  const { backend = getBackend(), dtype } = options;
  return read(givenBytes('readPyTorch', bytes), dtype, (host) => upload(host, backend)) as T;
}

/**
 * The same without a backend: numbers on the host, which `model.loadStateDict` takes as well.
 *
 * @example
 * ```ts
 * const state = decodePyTorch(await readFile('model.pt'));
 * model.loadStateDict(state as Record<string, HostTensor>);
 * ```
 * @param bytes - the whole file
 * @param options - `dtype` for the floating tensors; without it float64 stays float64
 * @returns plain values with `{ shape, data }` in the place of tensors
 * @throws FormatError as `readPyTorch` does
 */
export function decodePyTorch(
  bytes: Uint8Array | ArrayBuffer,
  options: { readonly dtype?: FloatType } = {},
): PyTorchValue<HostTensor> {
  checkReadOptions('decodePyTorch', options, ['dtype']);
  return read(givenBytes('decodePyTorch', bytes), options.dtype, (host) => host);
}

/** A tensor's numbers, and the type that its elements have in the file. */
export type TypedTensor = HostTensor & { readonly type: ElementType | 'C128' };

/** What `decodePyTorch` gives, with types: for those who look at a file. */
export function decodeWithTypes(bytes: Uint8Array): PyTorchValue<TypedTensor> {
  return read(bytes, undefined, (host, type) => ({ ...host, type }));
}

function read<T>(
  bytes: Uint8Array,
  dtype: FloatType | undefined,
  made: (host: HostTensor, type: TypedTensor['type']) => T,
): PyTorchValue<T> {
  const { value, numbersOf } = isLegacy(bytes) ? legacyFile(bytes) : archiveFile(bytes);
  const limit = bytes.length * LARGEST.times + LARGEST.more;
  let total = 0;
  return plain(value, (path, tensor) => {
    total += (sizeOf(tensor.shape) * bitsFor(tensor.type)) / 8;
    if (!(total <= limit)) refuse(`the tensors take more than ${limit} bytes, which a file of this size cannot hold`);
    return made(asFloat(dense(path, tensor, numbersOf), dtype), tensor.type);
  });
}

function archiveFile(bytes: Uint8Array): OpenFile {
  const archive = new Archive(bytes);
  if (archive.has('byteorder')) {
    const order = new TextDecoder().decode(archive.read('byteorder', 16));
    if (order !== 'little')
      refuse(
        `its numbers are '${order}' endian, expected little; load it with PyTorch and save it again on a little-endian machine`,
      );
  }
  const { value } = unpickle(archive.read('data.pkl', bytes.length * LARGEST.times), 0, meanings);
  const read = new Map<string, Uint8Array>();
  const numbersOf = ({ key }: Storage, wanted: number): Uint8Array => {
    let entry = read.get(key);
    if (entry === undefined) {
      read.set(key, (entry = archive.read(`data/${key}`, bytes.length * LARGEST.times)));
    }
    if (entry.length < wanted) refuse(`storage '${key}' has ${entry.length} bytes, expected ${wanted}`);
    return entry;
  };
  return { value, numbersOf };
}

/** The width of an element. */
export function bitsFor(type: ElementType | 'C128'): number {
  return type === 'C128' ? 128 : bitsOf[type];
}

/** The numbers of a view, one after another. */
function dense(path: string, tensor: PickledTensor, numbersOf: OpenFile['numbersOf']): HostTensor {
  const { storage, type, offset, shape, strides } = tensor;
  const width = bitsFor(type) / 8;
  const count = sizeOf(shape);
  const held = storage.type === undefined ? storage.size : storage.size * (bitsFor(storage.type) / 8);
  const last = count === 0 ? offset : shape.reduce((at, size, i) => at + (size - 1) * strides[i], offset) + 1;
  if (!(last * width <= held)) refuse(`tensor '${path}' reaches byte ${last * width} of a storage of ${held}`);
  const bytes = numbersOf(storage, held);
  const numbers = new Uint8Array(count * width);
  if (isDense(shape, strides)) numbers.set(bytes.subarray(offset * width, (offset + count) * width));
  else copyStrided(numbers, bytes, width, tensor);
  const subject = `PyTorch file: tensor '${path}'`;
  if (type === 'C128') return { shape: [...shape, 2], data: decode(subject, 'F64', numbers.buffer) };
  return { shape: type === 'C64' ? [...shape, 2] : [...shape], data: decode(subject, type, numbers.buffer) };
}

function isDense(shape: readonly number[], strides: readonly number[]): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== expected) return false;
    expected *= shape[axis];
  }
  return true;
}

function copyStrided(to: Uint8Array, from: Uint8Array, width: number, { offset, shape, strides }: PickledTensor): void {
  const index = shape.map(() => 0);
  let at = offset;
  for (let out = 0; out < to.length; out += width) {
    for (let byte = 0; byte < width; byte++) to[out + byte] = from[at * width + byte];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at += strides[axis];
      if (++index[axis] < shape[axis]) break;
      at -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
}

/**
 * Plain values of what was unpickled. What the file has once is made once; what holds itself is
 * refused.
 */
function plain<T>(root: unknown, made: (path: string, tensor: PickledTensor) => T): PyTorchValue<T> {
  const done = new Map<object, PyTorchValue<T>>();
  const views = new Map<string, T>();
  const open = new Set<object>();
  const tensorOf = (path: string, tensor: PickledTensor): T => {
    const { storage, type, offset, shape, strides } = tensor;
    const key = JSON.stringify([storage.key, type, offset, shape, strides]);
    let view = views.get(key);
    if (view === undefined) views.set(key, (view = made(path, tensor)));
    return view;
  };
  const visit = (value: unknown, path: string, depth: number): PyTorchValue<T> => {
    if (value instanceof Global) return nameOf(value);
    if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value as PyTorchValue<T>;
    const before = done.get(value);
    if (before !== undefined) return before;
    if (open.has(value)) return refuse(`'${path}' holds itself`);
    if (depth > DEEPEST) return refuse(`'${path}' lies more than ${DEEPEST} levels deep`);
    open.add(value);
    const result = value instanceof PickledTensor ? tensorOf(path, value) : container(value, path, depth);
    open.delete(value);
    done.set(value, result);
    return result;
  };
  const container = (value: object, path: string, depth: number): PyTorchValue<T> => {
    const below = (key: unknown): string => (path === '' ? String(key) : `${path}.${String(key)}`);
    if (value instanceof Map) {
      const entries = Array.from(value as Map<unknown, unknown>, ([key, item]): [string, PyTorchValue<T>] => {
        if (typeof key !== 'string' && typeof key !== 'number')
          refuse(`'${path}' is a dict with a key that is neither a text nor a number`);
        return [String(key), visit(item, below(key), depth + 1)];
      });
      return Object.fromEntries(entries);
    }
    if (!Array.isArray(value) && !(value instanceof Set)) return refuse(`'${path}' is a storage, expected a tensor`);
    return Array.from(value as Iterable<unknown>, (item, i) => visit(item, below(i), depth + 1));
  };
  return visit(root, '', 0);
}
