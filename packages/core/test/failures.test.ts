/**
 * A primitive that fails, as where the memory is at its end, leaves nothing behind: neither forward
 * nor backward.
 */
import { cpu } from '@rnn/backend-cpu';
import { expect, test } from 'vitest';
import {
  linear,
  log,
  manualSeed,
  scan,
  scope,
  setBackend,
  tanh,
  tap,
  randn,
  type Backend,
  type Tensor,
} from '../src/index.js';

const PRIMITIVES = ['upload', 'fill', 'unary', 'binary', 'select', 'copy', 'concat', 'gather', 'reduce', 'matmul'];

/** A backend without `compile` whose primitives fail when `countdown` has run out. */
function failing(backend: Backend): { readonly backend: Backend; readonly failAfter: (calls: number) => void } {
  let countdown = Infinity;
  const proxy = new Proxy(backend, {
    get: (target, name) => {
      if (name === 'compile') return undefined;
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      const method = value.bind(target) as (...args: unknown[]) => unknown;
      if (!PRIMITIVES.includes(String(name))) return method;
      return (...args: unknown[]) => {
        if (--countdown < 0) throw new Error('out of memory');
        return method(...args);
      };
    },
  });
  return { backend: proxy, failAfter: (calls) => void (countdown = calls) };
}

test.each([false, true])('a primitive that fails leaves nothing behind, reverse: %s', async (reverse) => {
  const { backend, failAfter } = failing(await cpu());
  setBackend(backend);
  manualSeed(1);
  const w = randn([2, 2], { requiresGrad: true });
  const [x, h0] = [randn([3, 2, 2], { requiresGrad: true }), randn([2, 2], { requiresGrad: true })];
  const step = (xt: Tensor, h: Tensor): readonly [Tensor, Tensor] => {
    const next = tanh(tap('sum', linear(h, w).add(log(xt.square().add(0.1)))));
    return [next, next];
  };
  const options = {
    lengths: [3, 1],
    resets: [
      [1, 0],
      [0, 0],
      [1, 0],
    ],
    reverse,
    record: ['sum'],
  };
  const train = (): void =>
    scope(() => {
      const [ys, last, { sum }] = scan(step, x, h0, options);
      ys.sum().add(last.square().sum()).add(sum.sum()).backward();
    });
  train();
  const { storages } = backend.memory();
  let failures = 0;
  for (let calls = 0; ; calls++) {
    failAfter(calls);
    try {
      train();
      break;
    } catch (error) {
      expect(String(error)).toContain('out of memory');
      failures++;
      if (backend.memory().storages !== storages) console.log(calls, (error as Error).stack);
    } finally {
      failAfter(Infinity);
    }
    expect(backend.memory().storages, `after ${calls} calls`).toBe(storages);
  }
  expect(failures).toBeGreaterThan(50);
});
