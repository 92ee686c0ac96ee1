import { FormatError, type TypedArray } from '@rnn/core';

/** The element types of the format, each with its width in bits. */
export const bitsOf = {
  BOOL: 8,
  F4: 4,
  F6_E2M3: 6,
  F6_E3M2: 6,
  U8: 8,
  I8: 8,
  F8_E5M2: 8,
  F8_E4M3: 8,
  F8_E8M0: 8,
  F8_E4M3FNUZ: 8,
  F8_E5M2FNUZ: 8,
  I16: 16,
  U16: 16,
  F16: 16,
  BF16: 16,
  I32: 32,
  U32: 32,
  F32: 32,
  C64: 64,
  F64: 64,
  I64: 64,
  U64: 64,
};

/** An element type of the format, by the name that a header gives it. */
export type ElementType = keyof typeof bitsOf;

type Layout = readonly [exponent: number, mantissa: number, top: string];

/**
 * Exponent bits and mantissa bits of the floating types of 16 bits and fewer, and what their
 * largest exponent is for: `ieee`, infinities and NaN; `fn`, numbers, but NaN where the mantissa is
 * all ones; `fnuz`, numbers, with NaN in the place of -0 and a bias one larger;
 * `plain`, numbers alone; `scale`, which has no sign and no zero.
 */
const layouts: Partial<Record<ElementType, Layout>> = {
  F4: [2, 1, 'plain'],
  F6_E2M3: [2, 3, 'plain'],
  F6_E3M2: [3, 2, 'plain'],
  F8_E5M2: [5, 2, 'ieee'],
  F8_E4M3: [4, 3, 'fn'],
  F8_E8M0: [8, 0, 'scale'],
  F8_E4M3FNUZ: [4, 3, 'fnuz'],
  F8_E5M2FNUZ: [5, 2, 'fnuz'],
  F16: [5, 10, 'ieee'],
  BF16: [8, 7, 'ieee'],
};

/** Whether the elements are no whole numbers. */
export function isFloating(type: ElementType): boolean {
  return /^(F|BF|C)\d/.test(type);
}

/**
 * For each such type the number that each code stands for, made when the first tensor of the type
 * is read.
 */
const tables = new Map<ElementType, Float32Array>();

/**
 * The numbers of a tensor, from its bytes.
 *
 * All floating types but F64 become float32, which holds every number of the smaller ones; C64
 * gives real and imaginary parts in turn.
 * Whole numbers become int32, truth values 0 and 1; a number that does not fit into 32 bits is
 * refused.
 *
 * @param subject - the format and the tensor, for the message
 * @param type - of its elements
 * @param buffer - its bytes and no others; the result may lie in them
 * @returns as many numbers as elements
 * @throws FormatError when a whole number does not fit
 */
export function decode(subject: string, type: ElementType, buffer: ArrayBuffer): TypedArray {
  const layout = layouts[type];
  if (layout !== undefined) return decodeSmall(type, layout, new Uint8Array(buffer));
  switch (type) {
    case 'F64':
      return new Float64Array(buffer);
    case 'I32':
      return new Int32Array(buffer);
    case 'BOOL':
    case 'U8':
      return Int32Array.from(new Uint8Array(buffer));
    case 'I8':
      return Int32Array.from(new Int8Array(buffer));
    case 'I16':
      return Int32Array.from(new Int16Array(buffer));
    case 'U16':
      return Int32Array.from(new Uint16Array(buffer));
    case 'U32':
      return narrowed(subject, new Uint32Array(buffer));
    case 'U64':
      return narrowed(subject, new BigUint64Array(buffer));
    case 'I64':
      return narrowed(subject, new BigInt64Array(buffer));
    default:
      return new Float32Array(buffer);
  }
}

/**
 * The codes one after another, the first one in the lowest bits, as the format packs those narrower
 * than a byte.
 */
function decodeSmall(type: ElementType, layout: Layout, bytes: Uint8Array): Float32Array {
  let table = tables.get(type);
  if (table === undefined) tables.set(type, (table = tableOf(bitsOf[type], ...layout)));
  const bits = bitsOf[type];
  const mask = table.length - 1;
  const numbers = new Float32Array((bytes.length * 8) / bits);
  for (let i = 0; i < numbers.length; i++) {
    // Bits are counted in floating point: those of a large tensor are more than an int32 holds.
    const byte = Math.floor((i * bits) / 8);
    const shift = i * bits - byte * 8;
    numbers[i] = table[((bytes[byte] | (bytes[byte + 1] << 8)) >> shift) & mask];
  }
  return numbers;
}

/**
 * A number is (-1)^s · 1.m · 2^(e - bias), or with the least exponent (-1)^s · 0.m · 2^(1 - bias).
 */
function tableOf(bits: number, exponentBits: number, mantissaBits: number, top: string): Float32Array {
  const largest = 2 ** exponentBits - 1;
  const step = 2 ** -mantissaBits;
  const bias = (largest >> 1) + (top === 'fnuz' ? 1 : 0);
  return Float32Array.from({ length: 2 ** bits }, (_, code) => {
    const exponent = (code >> mantissaBits) & largest;
    const fraction = (code & (2 ** mantissaBits - 1)) * step;
    if (top === 'scale') return code === largest ? NaN : 2 ** (code - bias);
    if (top === 'fnuz' && code === 2 ** (bits - 1)) return NaN;
    const sign = code >> (bits - 1) === 0 ? 1 : -1;
    if (exponent === largest && top === 'ieee') return fraction === 0 ? sign * Infinity : NaN;
    if (exponent === largest && top === 'fn' && fraction === 1 - step) return NaN;
    return sign * (exponent === 0 ? fraction * 2 ** (1 - bias) : (1 + fraction) * 2 ** (exponent - bias));
  });
}

/** Whole numbers as int32, where they fit. */
function narrowed(subject: string, wide: BigInt64Array | BigUint64Array | Uint32Array): Int32Array {
  const words = new Int32Array(wide.buffer);
  const each = wide.BYTES_PER_ELEMENT / 4;
  const isSigned = wide instanceof BigInt64Array;
  const numbers = new Int32Array(wide.length);
  for (let i = 0; i < numbers.length; i++) {
    const low = words[i * each];
    // The words above the low one repeat its sign; without a sign that is 0, in the low one too.
    const above = each === 1 ? 0 : words[i * each + 1];
    if (above !== low >> 31 || (!isSigned && low < 0)) {
      throw new FormatError(`${subject} holds ${wide[i]}, which does not fit into 32 bits`);
    }
    numbers[i] = low;
  }
  return numbers;
}
