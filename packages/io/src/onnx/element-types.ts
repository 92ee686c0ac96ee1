/** Element types of ONNX, and what holds them here. */
import { FormatError, type DType } from '@rnn/core';

/** Names of the element types that are read. */
export type ElementType =
  | 'float32'
  | 'float64'
  | 'float16'
  | 'bfloat16'
  | 'int64'
  | 'int32'
  | 'int16'
  | 'int8'
  | 'uint64'
  | 'uint32'
  | 'uint16'
  | 'uint8'
  | 'bool';

/** By the numbers of `TensorProto.DataType`. */
const byNumber: readonly (ElementType | undefined)[] = [
  undefined,
  'float32',
  'uint8',
  'int8',
  'uint16',
  'int16',
  'int32',
  'int64',
  undefined, // string
  'bool',
  'float16',
  'float64',
  'uint32',
  'uint64',
  undefined, // complex64
  undefined, // complex128
  'bfloat16',
];

/** The name of a type; refuses the ones that are not numbers, and the very narrow ones. */
export function elementType(number: number, where: string): ElementType {
  const type = byNumber[number];
  if (type !== undefined) return type;
  throw new FormatError(
    `readOnnx: ${where} has the element type ${number}, expected float16 to float64, bfloat16, bool or a whole number of 8 to 64 bits`,
    { expected: 'a type of real or whole numbers', received: `type ${number}` },
  );
}

/** Whether a type is one of real numbers. */
export function isReal(type: ElementType): boolean {
  return type === 'float32' || type === 'float64' || type === 'float16' || type === 'bfloat16';
}

/**
 * The type that a backend computes with. 16 bits become float32, as they would inside of most
 * devices; whole numbers become int32;
 * truth values are 1 and 0 of float32; float64 stays where the backend has it.
 */
export function deviceType(type: ElementType, dtypes: readonly DType[]): DType {
  if (type === 'float64') return dtypes.includes('float64') ? 'float64' : 'float32';
  return isReal(type) || type === 'bool' ? 'float32' : 'int32';
}

/**
 * What a whole number becomes when it is kept in a narrower type; 32 and 64 bits are as they are.
 */
export function wrapped(value: number, type: ElementType): number {
  switch (type) {
    case 'int8':
      return (value << 24) >> 24;
    case 'uint8':
      return value & 0xff;
    case 'int16':
      return (value << 16) >> 16;
    case 'uint16':
      return value & 0xffff;
    default:
      return value;
  }
}
