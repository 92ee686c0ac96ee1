import { getBackend } from '@rnn/core';
import type { StateDict } from '@rnn/nn';
import { checkReadOptions, givenBytes } from '../host/given-bytes.js';
import { asFloat, upload, type FloatType, type HostTensor, type ReadOptions } from '../host/host-tensor.js';
import { decode } from './element-types.js';
import { dataStartOf, parseHeader, PREFIX } from './header.js';
import { withTwins } from './twins.js';

/** Texts that a file keeps beside its tensors. */
export type Metadata = Readonly<Record<string, string>>;

/**
 * Reads the bytes of a safetensors file.
 *
 * @example
 * ```ts
 * const { tensors, metadata } = readSafetensors(bytes);
 * model.loadStateDict(tensors);
 * ```
 * @param bytes - the whole file
 * @param options - `backend` for the tensors; `dtype` for the floating ones
 * @returns tensors by name, in the header's order, and the metadata. F64 becomes float64 where the
 *   backend has it; F32 and all smaller floating types float32, exactly; C64 float32 with real and
 *   imaginary part as a last dimension; whole numbers and truth values int32
 * @throws FormatError when the bytes are not such a file: sizes, offsets, gaps, overlaps and keys
 *   are checked before any tensor is made; or when a whole number does not fit into 32 bits
 */
export function readSafetensors(
  bytes: Uint8Array | ArrayBuffer,
  options: ReadOptions = {},
): { tensors: StateDict; metadata: Metadata } {
  checkReadOptions('readSafetensors', options);
  const { backend = getBackend(), dtype } = options;
  const { tensors, metadata } = decoded(givenBytes('readSafetensors', bytes), dtype);
  // Twins are one tensor here, too.
  const made = new Map<HostTensor, StateDict[string]>();
  const entries = Object.entries(tensors).map(([name, host]): [string, StateDict[string]] => {
    let tensor = made.get(host);
    if (tensor === undefined) made.set(host, (tensor = upload(host, backend)));
    return [name, tensor];
  });
  return { tensors: Object.fromEntries(entries), metadata };
}

/**
 * The same without a backend: numbers on the host, which `model.loadStateDict` takes as well.
 *
 * @example
 * ```ts
 * const { tensors } = decodeSafetensors(bytes);
 * console.log(tensors.weight.shape, tensors.weight.data);
 * ```
 * @param bytes - the whole file
 * @param options - `dtype` for the floating tensors; without it F64 stays float64
 * @returns `{ shape, data }` by name, and the metadata
 * @throws FormatError as `readSafetensors` does
 */
export function decodeSafetensors(
  bytes: Uint8Array | ArrayBuffer,
  options: { readonly dtype?: FloatType } = {},
): { tensors: Record<string, HostTensor>; metadata: Metadata } {
  checkReadOptions('decodeSafetensors', options, ['dtype']);
  return decoded(givenBytes('decodeSafetensors', bytes), options.dtype);
}

/** The numbers of a file's bytes. */
export function decoded(
  bytes: Uint8Array,
  dtype?: FloatType,
): { tensors: Record<string, HostTensor>; metadata: Metadata } {
  const dataStart = dataStartOf(bytes.subarray(0, PREFIX), bytes.length);
  const header = parseHeader(bytes.subarray(PREFIX, dataStart), bytes.length - dataStart);
  const tensors = header.entries.map(({ name, type, shape, start, end }): [string, HostTensor] => {
    // A copy, since offsets need not be multiples of the element size. (`slice` of Node's Buffer
    // would be a view.)
    const { buffer } = new Uint8Array(bytes.subarray(dataStart + start, dataStart + end));
    return [
      name,
      asFloat(
        { shape: type === 'C64' ? [...shape, 2] : shape, data: decode(`safetensors: tensor '${name}'`, type, buffer) },
        dtype,
      ),
    ];
  });
  return withTwins(Object.fromEntries(tensors), header.metadata);
}
