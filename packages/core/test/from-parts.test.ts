/** Tensors whose values come in parts. */
import { cpu } from '@rnn/backend-cpu';
import { wasm } from '@rnn/backend-wasm';
import { describe, expect, test } from 'vitest';
import { ArgumentError, DTypeError, fromParts, ShapeError, type Backend } from '../src/index.js';

/** A backend that takes values only as a whole. */
function wholeOnly(backend: Backend): Backend {
  return new Proxy(backend, {
    get: (target, name) => {
      const value: unknown = name === 'write' ? undefined : Reflect.get(target, name);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

describe.each<[string, () => Promise<Backend>]>([
  ['cpu', cpu],
  ['wasm', () => wasm({ threads: 1 })],
  ['one without write', async () => wholeOnly(await cpu())],
])('on %s', (_, make) => {
  test('parts make a whole, whatever they are cut into', async () => {
    const backend = await make();
    for (const cuts of [[6], [1, 2, 3], [0, 5, 0, 1]]) {
      for (const dtype of ['float32', 'int32'] as const) {
        const Type = dtype === 'int32' ? Int32Array : Float32Array;
        let next = 0;
        const parts = cuts.map((count) => Type.from(Array.from({ length: count }, () => next++)));
        const late = (async function* () {
          yield* parts;
        })();
        for (const form of [parts, late]) {
          const x = await fromParts(form, [2, 3], { dtype, backend });
          expect(await x.data()).toEqual(Type.of(0, 1, 2, 3, 4, 5));
          expect(x.shape).toEqual([2, 3]);
          x.dispose();
        }
      }
    }
    expect(backend.memory().storages).toBe(0);
  });

  test('what does not fit is refused, and leaves nothing behind', async () => {
    const backend = await make();
    const one = new Float32Array(1);
    const broken = (async function* () {
      yield one;
      throw new Error('the file ended');
    })();
    await expect(fromParts([one], [2], { backend })).rejects.toThrow(ShapeError);
    await expect(fromParts([one, one, one], [2], { backend })).rejects.toThrow(/which is 3 or more/);
    await expect(fromParts([new Int32Array(2)], [2], { backend })).rejects.toThrow(DTypeError);
    await expect(fromParts([[1, 2]] as never, [2], { backend })).rejects.toThrow(ArgumentError);
    await expect(fromParts(broken, [2], { backend })).rejects.toThrow('the file ended');
    expect(backend.memory().storages).toBe(0);
  });
});
