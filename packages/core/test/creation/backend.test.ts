import { cpu } from '@rnn/backend-cpu';
import { beforeEach, describe, expect, test } from 'vitest';
import { getBackend, setBackend, zeros, type Backend } from '../../src/index.js';

beforeEach(async () => setBackend(await cpu()));

describe('choosing a backend', () => {
  test('decides where tensors are made from then on', async () => {
    const [first, second] = [await cpu(), await cpu()];
    setBackend(first);
    const x = zeros([1]);
    setBackend(second);
    expect([x.backend === first, zeros([1]).backend === second, getBackend() === second]).toEqual([true, true, true]);
    expect(x.add(1).backend === first).toBe(true);
  });

  test.each<[string, unknown, string]>([
    [
      'a promise',
      Promise.resolve(),
      'setBackend: backend is a promise, expected a backend; write `setBackend(await cpu())`',
    ],
    [
      'nothing',
      undefined,
      'setBackend: backend is undefined, expected a backend; one comes from a factory, as in `setBackend(await cpu())`',
    ],
    [
      'null',
      null,
      'setBackend: backend is null, expected a backend; one comes from a factory, as in `setBackend(await cpu())`',
    ],
    [
      'a factory',
      cpu,
      'setBackend: backend is a function, expected a backend; one comes from a factory, as in `setBackend(await cpu())`',
    ],
    [
      'another object',
      {},
      'setBackend: backend is an object, expected a backend; one comes from a factory, as in `setBackend(await cpu())`',
    ],
  ])('refuses %s', (_, backend, message) => {
    const before = getBackend();
    expect(() => setBackend(backend as Backend)).toThrow(
      expect.objectContaining({ code: 'ERR_BACKEND', argument: 'backend', message }),
    );
    expect(getBackend() === before).toBe(true);
  });

  test('refuses an incomplete one', async () => {
    const whole = await cpu();
    const part = new Proxy(whole, {
      get: (target, key) => (key === 'matmul' || key === 'reduce' ? undefined : (Reflect.get(target, key) as unknown)),
    });
    const message =
      "setBackend: backend is 'cpu' without reduce, matmul, expected a backend; every method of the Backend interface but compile is required";
    expect(() => setBackend(part)).toThrow(expect.objectContaining({ code: 'ERR_BACKEND', message }));
    expect(() => zeros([1]).to(part)).toThrow(expect.objectContaining({ code: 'ERR_BACKEND', argument: 'target' }));
  });
});
