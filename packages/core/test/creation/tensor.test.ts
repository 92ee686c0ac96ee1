import { cpu } from '@rnn/backend-cpu';
import { beforeEach, describe, expect, test } from 'vitest';
import { fromData, getBackend, setBackend, tensor, type DType, type Tensor, type TensorLike } from '../../src/index.js';

beforeEach(async () => setBackend(await cpu()));

const described = ({ shape, dtype, requiresGrad }: Tensor): unknown[] => [shape, dtype, requiresGrad];

describe('tensor', () => {
  test.each<[string, TensorLike, number[], number[]]>([
    ['a number', 3, [], [3]],
    ['a truth value', true, [], [1]],
    ['a list', [1, 2], [2], [1, 2]],
    [
      'nested lists',
      [
        [1, 2, 3],
        [4, 5, 6],
      ],
      [2, 3],
      [1, 2, 3, 4, 5, 6],
    ],
    ['truth values', [[true], [false]], [2, 1], [1, 0]],
    ['four levels', [[[[1]], [[2]]]], [1, 2, 1, 1], [1, 2]],
    ['nothing', [], [0], []],
    ['lists of nothing', [[], []], [2, 0], []],
    ['typed arrays in a list', [new Float32Array([1, 2]), new Float32Array([3, 4])], [2, 2], [1, 2, 3, 4]],
    ['NaN and infinities', [NaN, Infinity, -Infinity], [3], [NaN, Infinity, -Infinity]],
  ])('of %s', (_, values, shape, elements) => {
    const x = tensor(values);
    expect([x.shape, x.dtype, Array.from(x.dataSync())]).toEqual([shape, 'float32', elements]);
  });

  test.each<[DType, Float32Array | Float64Array | Int32Array]>([
    ['float32', new Float32Array([1, 2])],
    ['float64', new Float64Array([1, 2])],
    ['int32', new Int32Array([1, 2])],
  ])('of a typed array has the type %s, unless told otherwise', (dtype, values) => {
    expect(tensor(values).dtype).toBe(dtype);
    expect(tensor(values, { dtype: 'float64' }).dtype).toBe('float64');
  });

  test('copies what it is given', () => {
    const values = new Float32Array([1, 2]);
    const x = tensor(values);
    values[0] = 7;
    expect(Array.from(x.dataSync())).toEqual([1, 2]);
    x.dataSync()[0] = 9;
    expect(Array.from(x.dataSync())).toEqual([1, 2]);
  });

  test('may want a gradient and lie on another backend than the current one', async () => {
    const other = await cpu();
    const x = tensor([1], { requiresGrad: true, backend: other });
    expect([x.requiresGrad, x.isLeaf, x.backend === other, getBackend() === other]).toEqual([true, true, true, false]);
  });

  test.each<[string, unknown, string, string]>([
    [
      'uneven lists',
      [[1, 2], [3]],
      'ERR_SHAPE',
      'tensor: depth 1 of values is a list of 1, expected a list of 2; the first lists give shape [2, 2], and all must be alike',
    ],
    [
      'a list beside a number',
      [1, [2]],
      'ERR_SHAPE',
      'tensor: depth 1 of values is a list of 1, expected a number; the first lists give shape [2], and all must be alike',
    ],
    [
      'a number beside a list',
      [[1], 2],
      'ERR_SHAPE',
      'tensor: depth 1 of values is 2, expected a list of 1; the first lists give shape [2, 1], and all must be alike',
    ],
    ['a string', 'abc', 'ERR_ARGUMENT', "tensor: element 0 of values is 'abc', expected a number"],
    ['a string in a list', [1, '2'], 'ERR_ARGUMENT', "tensor: element 1 of values is '2', expected a number"],
    ['null', null, 'ERR_ARGUMENT', 'tensor: element 0 of values is null, expected a number'],
    ['null in a list', [null], 'ERR_ARGUMENT', 'tensor: element 0 of values is null, expected a number'],
    ['undefined', undefined, 'ERR_ARGUMENT', 'tensor: element 0 of values is undefined, expected a number'],
    ['an object', { a: 1 }, 'ERR_ARGUMENT', 'tensor: element 0 of values is an object, expected a number'],
  ])('refuses %s', (_, values, code, message) => {
    expect(() => tensor(values as TensorLike)).toThrow(expect.objectContaining({ code, message, argument: 'values' }));
  });

  test('refuses tensors, with advice', () => {
    const x = tensor([1]);
    const message =
      'tensor: element 0 of values is a Tensor of shape [1], expected a number; use stack for a list of tensors, clone() for a copy';
    expect(() => tensor(x as unknown as TensorLike)).toThrow(
      expect.objectContaining({ code: 'ERR_ARGUMENT', message }),
    );
    expect(() => tensor([x] as unknown as TensorLike)).toThrow(
      expect.objectContaining({ code: 'ERR_ARGUMENT', message }),
    );
  });

  test.each([
    [[1, 1.5], 'tensor: element 1 of values is 1.5, expected a whole number of 32 bits for int32'],
    [[NaN], 'tensor: element 0 of values is NaN, expected a whole number of 32 bits for int32'],
    [[2 ** 31], 'tensor: element 0 of values is 2147483648, expected a whole number of 32 bits for int32'],
  ])('refuses %j as int32', (values, message) => {
    expect(() => tensor(values, { dtype: 'int32' })).toThrow(
      expect.objectContaining({ code: 'ERR_DTYPE', argument: 'values', message }),
    );
  });

  test('refuses types that do not exist, or have no gradient', () => {
    expect(() => tensor([1], { dtype: 'int64' as DType })).toThrow(
      expect.objectContaining({
        code: 'ERR_DTYPE',
        argument: 'dtype',
        received: 'int64',
        message: "tensor: dtype is int64, expected one of those that the backend 'cpu' has: float32, float64, int32",
      }),
    );
    expect(() => tensor([1], { dtype: 'int32', requiresGrad: true })).toThrow(
      expect.objectContaining({
        code: 'ERR_DTYPE',
        argument: 'requiresGrad',
        message:
          'tensor: requiresGrad is true and dtype int32, which has no gradient, expected dtype float32 or float64',
      }),
    );
  });
});

describe('fromData', () => {
  test('takes flat values and a shape', () => {
    expect(fromData([1, 2, 3, 4], [2, 2]).toArray()).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(described(fromData(new Int32Array(6), [2, 3]))).toEqual([[2, 3], 'int32', false]);
  });

  test('copies the shape', () => {
    const shape = [2];
    const x = fromData([1, 2], shape);
    shape[0] = 3;
    expect(x.shape).toEqual([2]);
  });

  test('refuses another number of values', () => {
    expect(() => fromData([1, 2, 3], [2, 2])).toThrow(
      expect.objectContaining({
        code: 'ERR_SHAPE',
        argument: 'shape',
        expected: 'one with 3 elements, as many as there are values',
        received: '[2, 2]',
        message: 'fromData: shape is [2, 2], expected one with 3 elements, as many as there are values',
      }),
    );
  });

  test('refuses what is no list of numbers', () => {
    expect(() => fromData('12' as unknown as number[], [2])).toThrow(
      expect.objectContaining({
        code: 'ERR_ARGUMENT',
        argument: 'values',
        message: "fromData: values is '12', expected Float32Array, Float64Array or Int32Array, or a list of numbers",
      }),
    );
  });
});
