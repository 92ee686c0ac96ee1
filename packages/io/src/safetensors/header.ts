import { FormatError, sizeOf } from '@rnn/core';
import { bitsOf, type ElementType } from './element-types.js';

/** Where a tensor's bytes lie, counted from the end of the header, and how to read them. */
export interface Entry {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly start: number;
  readonly end: number;
}

/** What the beginning of a file says of the rest. */
export interface Header {
  readonly metadata: Readonly<Record<string, string>>;
  readonly entries: readonly Entry[];
}

/** Bytes of the number that a file begins with: the length of the header. */
export const PREFIX = 8;
/** The format's own limit of a header's length. */
const LONGEST_HEADER = 100_000_000;
/** PyTorch's own limit. */
const MOST_DIMENSIONS = 64;

export function refuse(what: string, cause?: unknown): never {
  throw new FormatError(`safetensors: ${what}`, { cause });
}

/**
 * Where the data begins.
 *
 * @param prefix - the first 8 bytes of the file, or all there are
 * @param size - of the whole file
 * @returns the number of bytes before the data
 */
export function dataStartOf(prefix: Uint8Array, size: number): number {
  if (prefix.length < PREFIX) refuse(`${prefix.length} bytes, expected at least ${PREFIX}`);
  const length = new DataView(prefix.buffer, prefix.byteOffset).getBigUint64(0, true);
  const rest = size - PREFIX;
  if (length > BigInt(Math.min(rest, LONGEST_HEADER))) {
    refuse(
      `the header claims ${length} bytes, but ${rest} bytes follow (and ${LONGEST_HEADER} are the limit); the file is cut off or of another format`,
    );
  }
  return PREFIX + Number(length);
}

/**
 * Reads a header and holds it against the size of the data.
 *
 * @param bytes - the header's own
 * @param dataLength - how many bytes follow it
 * @returns metadata, and the tensors in the order in which the header names them
 * @throws FormatError when anything in it is not as the format wants it
 */
export function parseHeader(bytes: Uint8Array, dataLength: number): Header {
  let header: unknown;
  try {
    // The byte order mark is no white space here, so it must not be passed over.
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    header = JSON.parse(text);
    checkKeys(text);
  } catch (cause) {
    if (cause instanceof FormatError) throw cause;
    refuse('the header is not JSON in UTF-8', cause);
  }
  if (!isRecord(header) || bytes[0] !== 0x7b) refuse('the header is not a JSON object that begins with its brace');
  const { __metadata__: metadata = {}, ...described } = header;
  if (!isRecord(metadata)) refuse('__metadata__ is not a JSON object');
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value !== 'string') refuse(`the metadata '${key}' is not a text`);
  }
  const entries = Object.entries(described).map(([name, value]) => readEntry(name, value));
  checkLayout(entries, dataLength);
  return { metadata: metadata as Record<string, string>, entries };
}

/**
 * A key twice in one object: readers differ in which of the two they take, so a file must not have
 * any. `text` is JSON.
 */
function checkKeys(text: string): void {
  const open: Set<string>[] = [];
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '{') open.push(new Set());
    else if (text[at] === '}') open.pop();
    if (text[at] !== '"') continue;
    const start = at;
    do at += text[at] === '\\' ? 2 : 1;
    while (text[at] !== '"');
    let after = at + 1;
    while (text[after] <= ' ') after++;
    if (text[after] !== ':') continue;
    const written = text.slice(start, at + 1);
    const key = JSON.parse(written) as string;
    // Half of a surrogate pair, which JSON can spell and UTF-8 cannot.
    if (/\p{Surrogate}/u.test(key)) refuse(`the header has the key ${written}, which is no text`);
    const keys = open[open.length - 1];
    if (keys.has(key)) refuse(`the header has the key ${written} twice`);
    keys.add(key);
  }
}

function readEntry(name: string, value: unknown): Entry {
  const wrong = (what: string): never => refuse(`tensor '${name}' ${what}`);
  if (!isRecord(value)) return wrong('is not described by a JSON object');
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== 'string' || !Object.hasOwn(bitsOf, dtype)) {
    return wrong(`has elements of type ${JSON.stringify(dtype)}, expected one of ${Object.keys(bitsOf).join(', ')}`);
  }
  if (!isSizes(shape)) return wrong('has a shape that is not a list of whole numbers from 0 up');
  if (shape.length > MOST_DIMENSIONS) {
    return wrong(`has ${shape.length} dimensions, expected at most ${MOST_DIMENSIONS}`);
  }
  if (!isSizes(offsets) || offsets.length !== 2 || offsets[0] > offsets[1]) {
    return wrong('has data_offsets that are not [begin, end]');
  }
  const type = dtype as ElementType;
  const [start, end] = offsets;
  const takes = (sizeOf(shape) * bitsOf[type]) / 8;
  if (!Number.isInteger(takes)) wrong(`of shape [${shape.join(', ')}] and type ${type} does not end with a whole byte`);
  if (takes !== end - start) {
    wrong(
      `of shape [${shape.join(', ')}] and type ${type} takes ${takes} bytes, but its data_offsets span ${end - start}`,
    );
  }
  return { name, type, shape, start, end };
}

/**
 * Tensors must cover the data without gaps or overlaps: anything else is a header that does not
 * belong to the data.
 */
function checkLayout(entries: readonly Entry[], dataLength: number): void {
  let reached = 0;
  for (const { name, start, end } of [...entries].sort((a, b) => a.start - b.start || a.end - b.end)) {
    if (start !== reached) {
      const fault = start < reached ? 'overlaps what lies before it' : 'leaves a gap before it';
      refuse(`tensor '${name}' at byte ${start} ${fault}, expected byte ${reached}`);
    }
    reached = end;
  }
  if (reached !== dataLength) refuse(`the tensors take ${reached} bytes, but the file holds ${dataLength}`);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whole numbers from 0 up that a double holds exactly; -0, which JSON can spell, is none. */
function isSizes(value: unknown): value is number[] {
  return (
    Array.isArray(value) &&
    value.every((size) => Number.isSafeInteger(size) && (size as number) >= 0 && !Object.is(size, -0))
  );
}
