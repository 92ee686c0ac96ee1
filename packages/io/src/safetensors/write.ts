import { ArgumentError, BackendError, showShape, sizeOf, type Tensor, type TypedArray } from '@rnn/core';
import { checkChoice, checkOptions, refuse } from '@rnn/core/checks';
import { identityOf, isHostTensor, isTensor, type TensorSource } from '../host/host-tensor.js';
import { bitsOf } from './element-types.js';
import { encode, type WrittenFloat } from './encode.js';
import { PREFIX } from './header.js';
import { noteOnTwins } from './twins.js';

/** How a file is written. */
export interface WriteOptions {
  /** Texts to keep beside the tensors. */
  readonly metadata?: Readonly<Record<string, string>>;
  /**
   * The type of all floating tensors in the file, rounded to the nearest; each its own unless
   * given.
   */
  readonly dtype?: WrittenFloat;
}

/** A file that is about to be written: everything but the numbers. */
interface FileLayout {
  /** The length of the header, and the header. */
  readonly head: Uint8Array;
  /** In the order of the file. */
  readonly pieces: readonly Piece[];
  /** Of the whole file. */
  readonly size: number;
}

/** One tensor of a file. */
interface Piece {
  readonly source: TensorSource;
  readonly type: 'F16' | 'BF16' | 'F32' | 'F64' | 'I32';
  readonly length: number;
}

const typeOf = { float16: 'F16', bfloat16: 'BF16', float32: 'F32', float64: 'F64' } as const;

/**
 * The bytes of a safetensors file.
 *
 * @example
 * ```ts
 * const bytes = writeSafetensors(model.stateDict(), {
 *   metadata: { trainedOn: 'waves' },
 *   dtype: 'float16',
 * });
 * ```
 * @param tensors - by name; `{ shape, data }` will do in place of a tensor. Names of one value
 *   (tied weights) are written once, and a note in the metadata says so
 * @param options - `metadata`, texts by name; `dtype`, the floating type to write, rounded to the
 *   nearest, ties to even
 * @returns the whole file: a header padded to 8 bytes, then the tensors, wider elements first, so
 *   that each is aligned
 * @throws ArgumentError when a value is neither a tensor nor numbers, or a metadata text is none;
 *   BackendError when a tensor lies on a backend that answers only later: pass
 *   `await toHost(tensors)`
 */
export function writeSafetensors(
  tensors: Readonly<Record<string, TensorSource>>,
  options: WriteOptions = {},
): Uint8Array {
  checkWriteOptions('writeSafetensors', options);
  checkTensors('writeSafetensors', tensors);
  if (typeof tensors.stateDict === 'function') {
    const expected = 'tensors by name';
    refuse(ArgumentError, 'writeSafetensors', 'tensors', { value: tensors, expected, hint: 'pass model.stateDict()' });
  }
  const { head, pieces, size } = planSafetensors(tensors, options);
  const bytes = new Uint8Array(size);
  bytes.set(head);
  let at = head.length;
  for (const { source, type, length } of pieces) {
    bytes.set(encode(isTensor(source) ? readAtOnce(source) : source.data, type), at);
    at += length;
  }
  return bytes;
}

function readAtOnce(tensor: Tensor): TypedArray {
  const { name, synchronous } = tensor.backend.info;
  if (synchronous) return tensor.dataSync();
  throw new BackendError(
    `writeSafetensors: a tensor lies on '${name}', which answers only later; pass await toHost(tensors)`,
    { argument: 'tensors', expected: 'tensors whose numbers can be read at once', received: `tensors on ${name}` },
  );
}

/** Checks how a file is to be written. */
export function checkWriteOptions(operation: string, options: WriteOptions): void {
  checkOptions(operation, options, ['metadata', 'dtype']);
  if (options.metadata !== undefined && typeof options.metadata !== 'object')
    refuse(ArgumentError, operation, 'metadata', { value: options.metadata, expected: 'texts by name' });
  if (options.dtype !== undefined) checkChoice(operation, 'dtype', options.dtype, Object.keys(typeOf));
}

/** Refuses what is no collection of tensors by name. */
export function checkTensors(operation: string, tensors: unknown): asserts tensors is object {
  if (typeof tensors === 'object' && tensors !== null && !Array.isArray(tensors) && !(tensors instanceof Promise))
    return;
  refuse(ArgumentError, operation, 'tensors', {
    value: tensors,
    expected: 'tensors by name, as stateDict() gives them',
  });
}

/** Everything of a file but the numbers; see `writeSafetensors`. */
export function planSafetensors(
  tensors: Readonly<Record<string, TensorSource>>,
  { metadata = {}, dtype }: WriteOptions = {},
): FileLayout {
  const texts = checkedMetadata(metadata);
  const twins: [name: string, first: string][] = [];
  const firsts = new Map<unknown, [name: string, shape: readonly number[]]>();
  const named: [name: string, piece: Piece][] = [];
  for (const [name, source] of Object.entries(tensors)) {
    checkSource(name, source);
    const first = firsts.get(identityOf(source));
    if (first !== undefined && showShape(first[1]) === showShape(source.shape)) {
      twins.push([name, first[0]]);
      continue;
    }
    firsts.set(identityOf(source), [name, source.shape]);
    const type = pieceType(source, dtype);
    named.push([name, { source, type, length: (sizeOf(source.shape) * bitsOf[type]) / 8 }]);
  }
  if (twins.length > 0) texts.push(noteOnTwins(Object.fromEntries(twins)));
  // As Python writes them: wider elements first, so that all are aligned, then by name.
  named.sort(([a, { type: s }], [b, { type: t }]) => bitsOf[t] - bitsOf[s] || (a < b ? -1 : 1));
  let end = 0;
  const described = named.map(
    ([
      name,
      {
        source: { shape },
        type,
        length,
      },
    ]) => [name, { dtype: type, shape, data_offsets: [end, (end += length)] }],
  );
  const notes = texts.length === 0 ? [] : [['__metadata__', Object.fromEntries(texts)]];
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries([...notes, ...described])));
  const padded = Math.ceil(json.length / 8) * 8;
  const head = new Uint8Array(PREFIX + padded).fill(0x20);
  new DataView(head.buffer).setBigUint64(0, BigInt(padded), true);
  head.set(json, PREFIX);
  return { head, pieces: named.map(([, piece]) => piece), size: head.length + end };
}

function checkedMetadata(metadata: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(metadata).map(([key, value]) => {
    if (typeof value === 'string') return [key, value];
    throw new ArgumentError(
      `writeSafetensors: the metadata '${key}' is ${typeof value}, expected a text; write numbers and lists as JSON`,
      { argument: 'metadata', expected: 'texts by name', received: typeof value },
    );
  });
}

function checkSource(name: string, source: unknown): void {
  const fits =
    name !== '__metadata__' &&
    typeof source === 'object' &&
    source !== null &&
    (isTensor(source as TensorSource) || isHostTensor(source));
  if (fits) return;
  throw new ArgumentError(
    `writeSafetensors: '${name}' is ${name === '__metadata__' ? "the format's own name" : describe(source)}, expected a tensor, or { shape, data } with a typed array of as many numbers`,
    { argument: 'tensors', expected: 'tensors by name' },
  );
}

function describe(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'a list' : typeof value;
}

function pieceType(source: TensorSource, dtype: WrittenFloat | undefined): Piece['type'] {
  const own = isTensor(source) ? source.dtype : dtypeOf(source.data);
  if (own === 'int32') return 'I32';
  return typeOf[dtype ?? own];
}

function dtypeOf(data: TypedArray): 'float32' | 'float64' | 'int32' {
  if (data instanceof Int32Array) return 'int32';
  return data instanceof Float64Array ? 'float64' : 'float32';
}
