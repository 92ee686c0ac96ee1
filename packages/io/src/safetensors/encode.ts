import type { TypedArray } from '@rnn/core';

/** The floating types that can be written. */
export type WrittenFloat = 'float16' | 'bfloat16' | 'float32' | 'float64';

/**
 * The bytes of numbers in a type of the format.
 *
 * @param data - numbers on the host
 * @param type - what to write them as; rounded to the nearest, ties to even
 * @returns their bytes, which may be a view of `data`
 */
export function encode(data: TypedArray, type: 'F16' | 'BF16' | 'F32' | 'F64' | 'I32'): Uint8Array {
  switch (type) {
    case 'F16':
      return bytesOf(Uint16Array.from(data, roundedTo(10, 5)));
    case 'BF16':
      return bytesOf(Uint16Array.from(data, roundedTo(7, 8)));
    case 'F64':
      return bytesOf(data instanceof Float64Array ? data : Float64Array.from(data));
    case 'F32':
      return bytesOf(data instanceof Float32Array ? data : Float32Array.from(data));
    case 'I32':
      return bytesOf(data);
  }
}

function bytesOf(array: TypedArray | Uint16Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/**
 * The code of a number in a floating type with infinities.
 *
 * The number is q units of 2^(e - m), where e is its exponent or, below the normal numbers, the
 * least one, and q is rounded. A q that rounds up to the next power of two carries into the
 * exponent by itself, from the largest number into infinity.
 */
function roundedTo(mantissaBits: number, exponentBits: number): (value: number) => number {
  const bias = 2 ** (exponentBits - 1) - 1;
  const infinity = (2 ** exponentBits - 1) << mantissaBits;
  const double = new Float64Array(1);
  const words = new Uint32Array(double.buffer);
  return (value) => {
    if (Number.isNaN(value)) return infinity + 2 ** (mantissaBits - 1);
    double[0] = value;
    const sign = (words[1] >>> 31) << (mantissaBits + exponentBits);
    if (Math.abs(value) === Infinity) return sign + infinity;
    const exponent = Math.max(((words[1] >>> 20) & 0x7ff) - 1023, 1 - bias);
    const units = Math.abs(value) * 2 ** (mantissaBits - exponent);
    const whole = Math.floor(units);
    const up = units - whole > 0.5 || (units - whole === 0.5 && whole % 2 === 1) ? 1 : 0;
    return sign + Math.min(infinity, (exponent + bias - 1) * 2 ** mantissaBits + whole + up);
  };
}
