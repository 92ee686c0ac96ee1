import { tensor, DTypeError, MemoryLimitError } from '@rnn/core';
import { afterAll, expect, test } from 'vitest';
import { gpu } from '../src/index.js';
import { expectSpecialValues, expectSubnormals } from './special-cases.js';
import { expectConversions, expectWholeNumbers } from './whole-number-cases.js';

const backend = await gpu({ mode: 'cpu' });

afterAll(() => backend.dispose());

test('whole numbers beyond 2^24 are kept, and not computed with', () => {
  const large = tensor([2 ** 24, -(2 ** 31)], { backend, dtype: 'int32' });
  expect(large.dataSync()).toEqual(Int32Array.of(2 ** 24, -(2 ** 31)));
  expect(() => large.add(1)).toThrow(/beyond ±16777215.*another backend/);
  large.dispose();
});

test.each([
  ['int32 results are right or refused', expectWholeNumbers],
  ['float32 becomes the nearest int32', expectConversions],
  ['special values are those of PyTorch', expectSpecialValues],
  ['subnormal numbers are what the info says', expectSubnormals],
])('%s', async (_, check) => {
  const own = await gpu({ mode: 'cpu' });
  await check(own);
  await own.dispose();
});

test('a tensor of more than 2^24 elements is refused with the limit and the reason', () => {
  expect(() => backend.fill(0, 2 ** 24 + 1, 'float32')).toThrow(MemoryLimitError);
  expect(() => backend.fill(0, 2 ** 24 + 1, 'float32')).toThrow(/16777217 elements, at most 16777216.*float32/);
});

test('float64 is refused', () => {
  expect(() => backend.upload(Float64Array.of(1))).toThrow(DTypeError);
});

test('a release counts once', () => {
  const storage = backend.upload(Float32Array.of(1, 2));
  const other = backend.upload(Float32Array.of(3));
  backend.release(storage);
  backend.release(storage);
  expect(backend.memory()).toEqual({ storages: 1, bytes: 4 });
  expect(() => backend.readSync(storage)).toThrow(/after its release/);
  backend.release(other);
});

test('storages of another backend are refused', () => {
  expect(() => backend.unary('exp', { dtype: 'float32', size: 1 })).toThrow(/another backend/);
});
