import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { cpu } from '@rnn/backend-cpu';
import { wasm } from '@rnn/backend-wasm';
import { scope, tensor, zeros, type Backend, type Tensor } from '@rnn/core';
import { describe, expect, test } from 'vitest';

/** A backend that answers only later, as WebGPU does. */
function later(backend: Backend): Backend {
  return Object.create(backend, {
    info: { value: { ...backend.info, name: 'later', synchronous: false } },
    read: { value: (storage: Tensor['storage']) => Promise.resolve(backend.readSync(storage)) },
    readSync: {
      value: () => {
        throw new Error('not at once');
      },
    },
  }) as Backend;
}

const same = (a: unknown, b: unknown): boolean => {
  try {
    assert.deepStrictEqual(a, b);
    return true;
  } catch {
    return false;
  }
};

describe.each([
  ['cpu', await cpu()],
  ['wasm', await wasm()],
])('tensors on %s', (_, backend) => {
  const of = (values: number[], dtype: 'float32' | 'int32' = 'float32'): Tensor => tensor(values, { backend, dtype });

  test('are deep-equal exactly where type, shape and numbers are', () => {
    const x = of([1, NaN, 3]);
    for (const [other, equal] of [
      [of([1, NaN, 3]), true],
      [x.detach(), true],
      [x.mul(of([1, 1, 1])), true],
      [of([1, NaN, 3]).keep(), true],
      [of([1, NaN, 4]), false],
      [of([1, NaN]), false],
      [of([1, NaN, 3]).reshape([3, 1]), false],
    ] as const) {
      expect(same(x, other)).toBe(equal);
      expect(same({ list: [x] }, { list: [other] })).toBe(equal);
      if (equal) {
        expect(x).toEqual(other);
        expect(x).toStrictEqual(other);
      } else {
        expect(x).not.toEqual(other);
        expect(x).not.toStrictEqual(other);
      }
    }
    expect(same(of([1, 2]), of([1, 2], 'int32'))).toBe(false);
    expect(of([1, 2])).not.toEqual(of([1, 2], 'int32'));
  });

  test('are equal whatever scope, graph and gradients they have', () => {
    scope(() => {
      const w = of([1, 2]);
      w.requiresGrad = true;
      const y = w.mul(of([2, 2]));
      y.sum().backward();
      expect(w).toEqual(of([1, 2]));
      expect(y).toEqual(of([2, 4]));
      assert.deepStrictEqual(y, of([2, 4]));
    });
  });

  test('show nothing of a backend or its memory', () => {
    const x = zeros([1001], { backend });
    expect(Object.keys(x)).toEqual(['shape', 'size']);
    expect(structuredClone(x)).toEqual({ shape: [1001], size: 1001 });
    const text = inspect({ x });
    expect(text.length).toBeLessThan(300);
    expect(inspect(x, { customInspect: false, depth: 9 }).length).toBeLessThan(300);
    expect(JSON.stringify(x).length).toBeLessThan(2102);
  });

  test('keep every number through JSON', () => {
    const x = of([1.5, NaN, Infinity, -Infinity, -0]);
    expect(JSON.parse(JSON.stringify(x))).toEqual({
      shape: [5],
      dtype: 'float32',
      data: [1.5, 'NaN', 'Infinity', '-Infinity', '-0'],
    });
    expect(JSON.stringify(tensor([[1, 2]], { backend, dtype: 'int32' }))).toBe(
      '{"shape":[1,2],"dtype":"int32","data":[1,2]}',
    );
  });
});

describe('where numbers come later', () => {
  test('tensors are equal where they share their numbers, and nothing throws', async () => {
    const backend = later(await cpu());
    const x = tensor([1, 2], { backend });
    assert.deepStrictEqual(x, x.detach());
    expect(x).toEqual(x.detach());
    expect(same(x, tensor([1, 2], { backend }))).toBe(false);
    expect(x).not.toEqual(tensor([1, 3], { backend }));
    expect(structuredClone(x)).toEqual({ shape: [2], size: 2 });
    expect(x.toJSON()).toEqual({ shape: [2], dtype: 'float32', data: 'on later: await data() to see the numbers' });
    expect(inspect(x)).toContain('await data()');
  });
});

const shared = await cpu();

test('a disposed tensor can be compared and printed', () => {
  const x = tensor([1], { backend: shared });
  x.dispose();
  expect(x).not.toEqual(tensor([1], { backend: shared }));
  expect(structuredClone(x)).toEqual({ shape: [1], size: 1 });
});
