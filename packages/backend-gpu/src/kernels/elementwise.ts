import type { BinaryOp, DType, UnaryOp } from '@rnn/core';
import type { Device, DeviceArray } from '../device.js';
import { binaryCode, fromInt32Code, returnCode, selectCode, toInt32Code, unaryCode } from './functions.js';
import { rankOf, walkCode, walkNumbers, type Strides } from './walk.js';

/** A strided walk of an array, or a number that stands for itself everywhere. */
export type Operand = (Strides & { readonly array: DeviceArray }) | number;

const X = 'let x = this.thread.x + 0.0;';

/** Every element of an array. */
export function unary(device: Device, op: UnaryOp, dtype: DType, a: DeviceArray): DeviceArray {
  const kernel = device.kernel(`unary ${op} ${dtype}`, () => ({
    tensors: ['a'],
    body: `let v = a[this.thread.x]; ${unaryCode(op, 'v', 'y')} ${returnCode(dtype, 'y', ['v'])}`,
  }));
  return device.run(kernel, a.size, [a]);
}

/** Two operands walked over `sizes`. */
export function binary(
  device: Device,
  op: BinaryOp,
  dtype: DType,
  a: Operand,
  b: Operand,
  sizes: readonly number[],
): DeviceArray {
  const code = `${binaryCode(op, 'av', 'bv', 'y')} ${returnCode(dtype, 'y', ['av', 'bv'])}`;
  return walk(device, `binary ${op} ${dtype}`, code, { a, b }, sizes);
}

/**
 * `condition != 0 ? a : b`.
 *
 * @param conditionType - the type of `condition`; an int32 number that is not known makes the
 *   result unknown
 */
export function select(
  device: Device,
  condition: Operand,
  conditionType: DType,
  a: Operand,
  b: Operand,
  sizes: readonly number[],
): DeviceArray {
  const isWhole = conditionType === 'int32';
  const unknown = isWhole ? 'if (cv < 0 || cv >= 0) { } else { y = nan; }' : '';
  const code = `${selectCode('cv', 'av', 'bv', 'y')} ${unknown} return y;`;
  return walk(device, isWhole ? 'select by int32' : 'select', code, { c: condition, a, b }, sizes);
}

/** A dense copy of a walk, converted. */
export function copy(device: Device, a: Operand, from: DType, to: DType, sizes: readonly number[]): DeviceArray {
  if (from === to) return walk(device, 'copy', 'return av;', { a }, sizes);
  const code = (to === 'int32' ? toInt32Code : fromInt32Code)('av', 'y');
  return walk(device, `copy ${from} to ${to}`, `${code} return y;`, { a }, sizes);
}

/** An array full of one value. */
export function fill(device: Device, value: number, size: number): DeviceArray {
  const kernel = device.kernel('fill', () => ({ floats: ['value'], body: 'return value;' }));
  return device.run(kernel, size, [], [value]);
}

/**
 * Runs a function of operands that are walked together; in `code` the value of the operand `a` is
 * `av`.
 */
function walk(
  device: Device,
  key: string,
  code: string,
  operands: Readonly<Record<string, Operand>>,
  sizes: readonly number[],
): DeviceArray {
  const rank = rankOf(sizes);
  const names = Object.keys(operands);
  const walked = names.filter((name) => typeof operands[name] !== 'number');
  const numbers = names.filter((name) => typeof operands[name] === 'number');
  const kernel = device.kernel(`${key} ${walked.join('')} ${rank}`, () => {
    const { ints, code: places } = walkCode(rank, walked, 'x');
    const values = walked.map((name) => `let ${name}v = ${name}[${name}p];`).join(' ');
    return {
      tensors: walked,
      ints,
      floats: numbers.map((name) => `${name}v`),
      body: `${X} ${places} ${values} ${code}`,
    };
  });
  const arrays = walked.map((name) => operands[name] as Exclude<Operand, number>);
  let size = 1;
  for (const each of sizes) size *= each;
  return device.run(
    kernel,
    size,
    arrays.map(({ array }) => array),
    [...walkNumbers(rank, sizes, arrays), ...numbers.map((name) => operands[name] as number)],
  );
}
