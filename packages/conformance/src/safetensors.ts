/**
 * The safetensors format, as far as reference cases need it: a length (64 bits, little endian), a header in JSON, the numbers.
 * Everything is checked before it is believed; a file that breaks a rule is a `FormatError` that says which one.
 */
import { FormatError, sizeOf, type TypedArray } from '@rnn/core';

/** One tensor of a file, on the host. */
export interface HostTensor {
  readonly shape: readonly number[];
  readonly data: TypedArray;
}

/** What a file holds. */
export interface SafetensorsFile {
  readonly metadata: ReadonlyMap<string, string>;
  readonly tensors: ReadonlyMap<string, HostTensor>;
}

interface Entry {
  readonly name: string;
  readonly type: Type;
  readonly shape: readonly number[];
  readonly start: number;
  readonly end: number;
}

type Type = 'F32' | 'F64' | 'I32' | 'I64';

const width: Record<Type, number> = { F32: 4, F64: 8, I32: 4, I64: 8 };
/** The format's own limit of a header's length. */
const LONGEST_HEADER = 100_000_000;
/** No tensor of a test has more dimensions; a limit keeps the product of sizes honest. */
const MOST_DIMENSIONS = 32;

/**
 * Reads a file of the safetensors format.
 *
 * @param bytes - the whole file
 * @returns metadata and tensors by name; 64-bit whole numbers become int32
 * @throws FormatError when the bytes are not such a file, or hold an element type other than F32, F64, I32, I64
 */
export function readSafetensors(bytes: Uint8Array): SafetensorsFile {
  if (bytes.length < 8) throw new FormatError(`safetensors: ${bytes.length} bytes, expected at least 8`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerLength = view.getBigUint64(0, true);
  const rest = bytes.length - 8;
  if (headerLength > BigInt(Math.min(rest, LONGEST_HEADER))) {
    throw new FormatError(
      `safetensors: the header claims ${headerLength} bytes, but ${rest} bytes follow (and ${LONGEST_HEADER} are the limit); the file is cut off or of another format`,
    );
  }
  const dataStart = 8 + Number(headerLength);
  const header = parseHeader(bytes.subarray(8, dataStart));
  const metadata = readMetadata(header);
  const entries = Object.entries(header)
    .filter(([name]) => name !== '__metadata__')
    .map(([name, value]) => readEntry(name, value));
  const dataLength = bytes.length - dataStart;
  checkLayout(entries, dataLength);
  const tensors = new Map<string, HostTensor>();
  for (const { name, type, shape, start, end } of entries) {
    // A copy, since offsets need not be multiples of the element size. (`slice` of Node's Buffer would be a view.)
    const copy = new Uint8Array(bytes.subarray(dataStart + start, dataStart + end));
    tensors.set(name, { shape, data: numbers(name, type, copy.buffer) });
  }
  return { metadata, tensors };
}

function parseHeader(bytes: Uint8Array): Record<string, unknown> {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new FormatError('safetensors: the header is not JSON in UTF-8', { cause });
  }
  if (!isRecord(header)) throw new FormatError('safetensors: the header is not a JSON object');
  return header;
}

function readMetadata(header: Record<string, unknown>): Map<string, string> {
  const { __metadata__: metadata = {} } = header;
  if (!isRecord(metadata)) throw new FormatError('safetensors: __metadata__ is not a JSON object');
  return new Map(
    Object.entries(metadata).map(([key, value]) => {
      if (typeof value !== 'string') throw new FormatError(`safetensors: the metadata '${key}' is not a text`);
      return [key, value];
    }),
  );
}

function readEntry(name: string, value: unknown): Entry {
  const refuse = (what: string): never => {
    throw new FormatError(`safetensors: tensor '${name}' ${what}`);
  };
  if (!isRecord(value)) return refuse('is not described by a JSON object');
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== 'string' || !Object.hasOwn(width, dtype)) {
    return refuse(`has elements of type ${JSON.stringify(dtype)}, expected one of ${Object.keys(width).join(', ')}`);
  }
  if (!isSizes(shape)) return refuse('has a shape that is not a list of whole numbers from 0 up');
  if (shape.length > MOST_DIMENSIONS) {
    return refuse(`has ${shape.length} dimensions, expected at most ${MOST_DIMENSIONS}`);
  }
  if (!isSizes(offsets) || offsets.length !== 2 || offsets[0] > offsets[1]) {
    return refuse('has data_offsets that are not [begin, end]');
  }
  const type = dtype as Type;
  const [start, end] = offsets;
  if (sizeOf(shape) * width[type] !== end - start) {
    return refuse(
      `of shape [${shape.join(', ')}] and type ${type} takes ${sizeOf(shape) * width[type]} bytes, but its data_offsets span ${end - start}`,
    );
  }
  return { name, type, shape, start, end };
}

/** Tensors must cover the data without gaps or overlaps: anything else is a header that does not belong to the data. */
function checkLayout(entries: readonly Entry[], dataLength: number): void {
  let reached = 0;
  for (const { name, start, end } of [...entries].sort((a, b) => a.start - b.start || a.end - b.end)) {
    if (start !== reached) {
      const fault = start < reached ? 'overlaps what lies before it' : 'leaves a gap before it';
      throw new FormatError(`safetensors: tensor '${name}' at byte ${start} ${fault}, expected byte ${reached}`);
    }
    reached = end;
  }
  if (reached !== dataLength) {
    throw new FormatError(`safetensors: the tensors take ${reached} bytes, but the file holds ${dataLength}`);
  }
}

function numbers(name: string, type: Type, buffer: ArrayBuffer): TypedArray {
  switch (type) {
    case 'F32':
      return new Float32Array(buffer);
    case 'F64':
      return new Float64Array(buffer);
    case 'I32':
      return new Int32Array(buffer);
    case 'I64':
      return Int32Array.from(new BigInt64Array(buffer), (value) => {
        if (BigInt.asIntN(32, value) !== value) {
          throw new FormatError(`safetensors: tensor '${name}' holds ${value}, which does not fit into 32 bits`);
        }
        return Number(value);
      });
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && (size as number) >= 0);
}
