/** Typed arrays are told by what they are, not by which realm's constructor made them. */
import { runInNewContext } from 'node:vm';
import { cpu } from '@rnn/backend-cpu';
import { wasm } from '@rnn/backend-wasm';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  asTypedArray,
  dtypeOf,
  fromData,
  Generator,
  setBackend,
  tensor,
  type DType,
  type TypedArray,
} from '../../src/index.js';

beforeEach(async () => setBackend(await cpu()));

/** An array that another realm's constructor makes. */
function foreign(expression: string): TypedArray {
  return runInNewContext(expression) as TypedArray;
}

const SUBCLASS = class Weights extends Float32Array {};

describe('typed arrays with a dtype', () => {
  test.each<[string, TypedArray, DType, number[]]>([
    ['a Float32Array of another realm', foreign('new Float32Array([0.25, 0.5, 1.5])'), 'float32', [0.25, 0.5, 1.5]],
    ['a Float64Array of another realm', foreign('new Float64Array([0.1, 1e300, 2])'), 'float64', [0.1, 1e300, 2]],
    ['an Int32Array of another realm', foreign('new Int32Array([-2147483648, 0, 7])'), 'int32', [-2147483648, 0, 7]],
    [
      'a part of a foreign buffer',
      foreign('new Float32Array(new Float32Array([9, 1, 2, 3, 9]).buffer, 4, 3)'),
      'float32',
      [1, 2, 3],
    ],
    ['shared memory', new Float32Array(new SharedArrayBuffer(12)).fill(0.5), 'float32', [0.5, 0.5, 0.5]],
    [
      'shared memory of another realm',
      foreign('new Int32Array(new SharedArrayBuffer(12)).fill(3)'),
      'int32',
      [3, 3, 3],
    ],
    ['a subclass', SUBCLASS.from([0.5, 1, 2]), 'float32', [0.5, 1, 2]],
  ])('%s', (_, values, dtype, numbers) => {
    expect(dtypeOf(values)).toBe(dtype);
    for (const x of [tensor(values), fromData(values, [3])]) {
      expect([x.dtype, x.shape, Array.from(x.dataSync())]).toEqual([dtype, [3], numbers]);
    }
    const nested = tensor([values, values], { dtype: 'float64' });
    expect(nested.shape).toEqual([2, 3]);
    expect(Array.from(nested.dataSync())).toEqual([...numbers, ...numbers]);
  });

  test('belong to this realm afterwards, without a copy', () => {
    const theirs = foreign('new Float32Array([1, 2])');
    expect(theirs instanceof Float32Array).toBe(false);
    const ours = asTypedArray('test', 'values', theirs) as TypedArray;
    expect(ours instanceof Float32Array).toBe(true);
    expect(ours.buffer).toBe(theirs.buffer);
    const own = new Float64Array(2);
    expect(asTypedArray('test', 'values', own)).toBe(own);
  });

  test('reach a backend that is called by itself', async () => {
    for (const backend of [await cpu(), await wasm({ threads: 1 })]) {
      const storage = backend.upload(foreign('new Float32Array([0.25, 0.5])'));
      expect(storage.dtype).toBe('float32');
      expect(Array.from(backend.readSync(storage))).toEqual([0.25, 0.5]);
      backend.release(storage);
      await backend.dispose();
    }
  });

  test('a tag that was put on does not make one', () => {
    const pretender = { [Symbol.toStringTag]: 'Float32Array', length: 1, 0: 5 };
    expect(asTypedArray('test', 'values', pretender)).toBeUndefined();
    expect(() => tensor(pretender as unknown as Float32Array)).toThrow(
      'tensor: element 0 of values is a Float32Array, expected a number',
    );
  });
});

describe('other binary data', () => {
  test.each<[string, unknown]>([
    ['Uint8Array', new Uint8Array(2)],
    ['Uint8ClampedArray', new Uint8ClampedArray(2)],
    ['Int8Array', new Int8Array(2)],
    ['Int16Array', new Int16Array(2)],
    ['Uint16Array', new Uint16Array(2)],
    ['Uint32Array', new Uint32Array(2)],
    ['BigInt64Array', new BigInt64Array(2)],
    ['Uint8Array', runInNewContext('new Uint8Array(2)')],
    ['DataView', new DataView(new ArrayBuffer(8))],
    ['ArrayBuffer', new ArrayBuffer(8)],
    ['ArrayBuffer', runInNewContext('new ArrayBuffer(8)')],
    ['SharedArrayBuffer', new SharedArrayBuffer(8)],
    ...(typeof Float16Array === 'function'
      ? [['Float16Array', new Float16Array([0.25, 0.5])] as [string, unknown]]
      : []),
  ])('%s is refused, with what would be known', (name, values) => {
    const expected = 'Float32Array, Float64Array or Int32Array';
    const received = `${/^[AI]/.test(name) ? 'an' : 'a'} ${name}`;
    const refusal = (operation: string): unknown =>
      expect.objectContaining({
        code: 'ERR_ARGUMENT',
        argument: 'values',
        expected,
        received,
        message: `${operation}: values is ${received}, expected ${expected}; convert the numbers, for example with Float32Array.from(values)`,
      });
    expect(() => tensor(values as Float32Array)).toThrow(refusal('tensor'));
    expect(() => tensor([values as Float32Array])).toThrow(refusal('tensor'));
    expect(() => fromData(values as Float32Array, [2])).toThrow(refusal('fromData'));
    expect(() => asTypedArray('fit', 'values', values)).toThrow(refusal('fit'));
  });

  test('lists and other values are none', () => {
    for (const value of [[1, 2], [], 3, 'abc', null, undefined, {}, new Map(), () => 1]) {
      expect(asTypedArray('test', 'values', value)).toBeUndefined();
    }
  });
});

describe('draws', () => {
  test('go into arrays of another realm as into those of this one', () => {
    const theirs = foreign('new Float32Array(3)') as Float32Array;
    const ours = new Float32Array(3);
    new Generator(0).uniform(theirs, 0, 1);
    new Generator(0).uniform(ours, 0, 1);
    expect(Array.from(theirs)).toEqual(Array.from(ours));
  });

  test.each<[string, (generator: Generator) => void, string]>([
    ['uniform', (g) => g.uniform(new Int32Array(2) as never, 0, 1), 'out is int32'],
    [
      'uniform',
      (g) => g.uniform([0, 0] as never, 0, 1),
      'Generator.uniform: out is an array of 2, expected a typed array of float32 or float64',
    ],
    [
      'normal',
      (g) => g.normal(new Uint8Array(2) as never, 0, 1),
      'Generator.normal: out is a Uint8Array, expected Float32Array, Float64Array or Int32Array; convert the numbers, for example with Float32Array.from(values)',
    ],
    ['integers', (g) => g.integers(new Float32Array(2) as never, 0, 9), 'out is float32'],
  ])('%s refuses arrays that would not hold them', (_, draw, message) => {
    const generator = new Generator(0);
    const before = generator.state();
    expect(() => draw(generator)).toThrow(message);
    expect(generator.state()).toEqual(before);
  });
});

describe('lists', () => {
  test.each<[string, unknown[], string]>([
    ['null', [null, 1], 'element 0 of values is null'],
    ['undefined', [1, undefined], 'element 1 of values is undefined'],
    // oxlint-disable-next-line no-sparse-arrays -- a hole reads as undefined, though the list's own methods skip it
    ['a hole', [1, , 3], 'element 1 of values is undefined'],
    ['text', [1, 'x'], "element 1 of values is 'x'"],
    ['a number as text', ['1', 2], "element 0 of values is '1'"],
    ['a list', [[1, 2], 3], 'element 0 of values is an array of 2'],
    ['a BigInt', [1n], 'element 0 of values is the BigInt 1n'],
    ['a symbol', [Symbol('x')], 'element 0 of values is a symbol'],
    ['a date', [new Date(0)], 'element 0 of values is a Date'],
  ])('with %s are refused', (_, values, message) => {
    for (const dtype of ['float32', 'float64', 'int32'] as const) {
      expect(() => fromData(values as number[], [values.length], { dtype })).toThrow(
        expect.objectContaining({
          code: 'ERR_ARGUMENT',
          argument: 'values',
          message: `fromData: ${message}, expected a number`,
        }),
      );
    }
  });

  test('of truth values become ones and zeros, as for `tensor`', () => {
    for (const dtype of ['float32', 'int32'] as const) {
      const x = fromData([true, false] as unknown as number[], [2], { dtype });
      expect([x.dtype, Array.from(x.dataSync())]).toEqual([dtype, [1, 0]]);
    }
  });
});
