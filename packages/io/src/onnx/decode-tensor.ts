/** `TensorProto`: numbers in a file. Every size is checked before anything is made of it. */
import { FormatError, sizeOf, type Shape } from '@rnn/core';
import { elementType, wrapped, type ElementType } from './element-types.js';
import type { HostArray } from './host-array.js';
import { TensorProto_DataLocation, type TensorProto } from './schema.generated.js';

/** Bytes of an element in `raw_data`. */
const widths: Record<ElementType, number> = {
  float64: 8,
  int64: 8,
  uint64: 8,
  float32: 4,
  int32: 4,
  uint32: 4,
  float16: 2,
  bfloat16: 2,
  int16: 2,
  uint16: 2,
  int8: 1,
  uint8: 1,
  bool: 1,
};

/** Bytes of an element. */
export function widthOf(type: ElementType): number {
  return widths[type];
}

/** The numbers of a tensor. `where` names it in messages. */
export function decodeTensor(proto: TensorProto, where: string): HostArray {
  const type = elementType(proto.dataType, where);
  const shape = dimensions(proto.dims, where);
  const size = sizeOf(shape);
  if (!Number.isSafeInteger(size)) refuse(where, `a shape of ${size} elements`, 'fewer');
  if (proto.dataLocation === TensorProto_DataLocation.EXTERNAL || proto.externalData.length > 0) {
    refuse(
      where,
      'its numbers in another file (external data)',
      'them in this one; save the model without external data',
    );
  }
  const listed = fromLists(proto, type);
  if (proto.rawData.length === 0 && listed !== undefined && listed.length > 0) {
    if (listed.length !== size)
      refuse(where, `${listed.length} numbers`, `${size}, as its shape is [${shape.join(', ')}]`);
    return { type, shape, numbers: listed };
  }
  const bytes = size * widths[type];
  if (proto.rawData.length !== bytes) {
    refuse(where, `${proto.rawData.length} bytes`, `${bytes}, as its shape is [${shape.join(', ')}] of ${type}`);
  }
  return { type, shape, numbers: fromBytes(proto.rawData, type, size) };
}

function dimensions(dims: readonly bigint[], where: string): Shape {
  return dims.map((dim) => {
    if (dim < 0n || dim > BigInt(Number.MAX_SAFE_INTEGER)) refuse(where, `the size ${dim}`, 'a whole number from 0 up');
    return Number(dim);
  });
}

function refuse(where: string, received: string, expected: string): never {
  throw new FormatError(`readOnnx: ${where} has ${received}, expected ${expected}`, { expected, received });
}

/** Numbers that are listed one by one: each type has its field. */
function fromLists(proto: TensorProto, type: ElementType): ArrayLike<number> | undefined {
  switch (type) {
    case 'float32':
      return Float32Array.from(proto.floatData);
    case 'float64':
      return Float64Array.from(proto.doubleData);
    case 'int64':
      return proto.int64Data.map(Number);
    case 'uint64':
    case 'uint32':
      return proto.uint64Data.map(Number);
    case 'float16':
      return Float32Array.from(proto.int32Data, (bits) => halfToNumber(bits & 0xffff));
    case 'bfloat16':
      return Float32Array.from(proto.int32Data, (bits) => bfloatToNumber(bits & 0xffff));
    case 'bool':
      return proto.int32Data.map((value) => (value === 0 ? 0 : 1));
    default:
      return proto.int32Data.map((value) => wrapped(value, type));
  }
}

/**
 * Numbers as little-endian bytes. The file may hold them at any offset, so typed arrays get a copy.
 */
function fromBytes(bytes: Uint8Array, type: ElementType, size: number): ArrayLike<number> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const read = <A extends Float32Array | Float64Array | Int32Array>(out: A, get: (at: number) => number): A => {
    const width = widths[type];
    for (let i = 0; i < size; i++) out[i] = get(i * width);
    return out;
  };
  switch (type) {
    case 'float32':
      return read(new Float32Array(size), (at) => view.getFloat32(at, true));
    case 'float64':
      return read(new Float64Array(size), (at) => view.getFloat64(at, true));
    case 'float16':
      return read(new Float32Array(size), (at) => halfToNumber(view.getUint16(at, true)));
    case 'bfloat16':
      return read(new Float32Array(size), (at) => bfloatToNumber(view.getUint16(at, true)));
    case 'int64':
      return read(new Float64Array(size), (at) => Number(view.getBigInt64(at, true)));
    case 'uint64':
      return read(new Float64Array(size), (at) => Number(view.getBigUint64(at, true)));
    case 'uint32':
      return read(new Float64Array(size), (at) => view.getUint32(at, true));
    case 'int32':
      return read(new Int32Array(size), (at) => view.getInt32(at, true));
    case 'int16':
      return read(new Int32Array(size), (at) => view.getInt16(at, true));
    case 'uint16':
      return read(new Int32Array(size), (at) => view.getUint16(at, true));
    case 'int8':
      return read(new Int32Array(size), (at) => view.getInt8(at));
    case 'uint8':
      return read(new Int32Array(size), (at) => view.getUint8(at));
    case 'bool':
      return read(new Int32Array(size), (at) => (view.getUint8(at) === 0 ? 0 : 1));
  }
}

/** A float16 from its bits: sign, 5 bits of exponent, 10 of fraction. */
function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const bits = new DataView(new ArrayBuffer(4));

/** A bfloat16 from its bits: the upper half of a float32. */
function bfloatToNumber(half: number): number {
  bits.setUint32(0, half << 16);
  return bits.getFloat32(0);
}
