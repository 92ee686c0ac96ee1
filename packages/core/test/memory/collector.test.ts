import { setFlagsFromString } from 'node:v8';
import { setTimeout as pause } from 'node:timers/promises';
import { runInNewContext } from 'node:vm';
import { cpu } from '@rnn/backend-cpu';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  compileFn,
  grad,
  noGrad,
  scan,
  scope,
  setBackend,
  tensor,
  zeros,
  type Backend,
  type Tensor,
} from '../../src/index.js';

let backend: Backend;
beforeEach(async () => {
  backend = await cpu();
  setBackend(backend);
});

const live = (): number => backend.memory().storages;
const leaf = (values: number[] | number[][]): Tensor => tensor(values, { requiresGrad: true });

describe('the collector', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;

  /** Collects until a condition holds; callbacks come in their own time. */
  async function collected(condition: () => boolean): Promise<boolean> {
    for (let i = 0; i < 20 && !condition(); i++) {
      collect();
      await pause(2);
    }
    return condition();
  }

  test('frees what nobody holds or disposed of', async () => {
    (() => {
      for (let i = 0; i < 10; i++) tensor([i]).mul(2);
    })();
    expect(await collected(() => live() === 0)).toBe(true);
  });

  test('frees a graph that nobody went through, and not what is still held', async () => {
    const w = leaf([1, 2]);
    (() => {
      w.square().tanh().mul(w).sum();
    })();
    expect(await collected(() => live() === 1)).toBe(true);
    expect(Array.from(w.dataSync())).toEqual([1, 2]);
  });

  test('does not free twice what one of several holders disposed of', async () => {
    const other = await (async () => {
      const x = tensor([1, 2]);
      (() => {
        x.reshape([2, 1]);
        x.detach().dispose();
      })();
      await collected(() => false);
      expect([Array.from(x.dataSync()), live()]).toEqual([[1, 2], 1]);
      x.dispose(); // the reshaped one never let go
      return tensor([3]);
    })();
    expect(await collected(() => live() === 1)).toBe(true);
    expect(other.item()).toBe(3);
  });

  test('frees what left its scope as a result, was kept, or took the place of a kept value', async () => {
    (() => {
      scope(() => tensor([1]).mul(2));
      scope(() => [scope(() => ({ inner: tensor([2]).exp() })), tensor([3])]);
      scope(() => {
        tensor([4]).mul(2).keep();
        const kept = tensor([5]).keep();
        noGrad(() => kept.copy_(tensor([6]).mul(2)));
      });
    })();
    expect(await collected(() => live() === 0)).toBe(true);
  });

  test('frees a backend that nobody holds, though traces of what ran on it are remembered', async () => {
    const step = (x: Tensor, h: Tensor): readonly [Tensor, Tensor] => [h, x.add(h).tanh()];
    const square = compileFn((x: Tensor) => x.mul(x));
    let isGone = false;
    const watcher = new FinalizationRegistry(() => (isGone = true));
    await (async () => {
      const other = await cpu();
      const [x, h] = [zeros([3, 1, 2], { backend: other }), zeros([1, 2], { backend: other })];
      scan(step, x, h, { parameters: {} });
      square(h);
      watcher.register(other, undefined);
    })();
    expect(await collected(() => isGone)).toBe(true);
  });

  test('frees a graph and gradients that left a scope', async () => {
    (() => {
      const w = leaf([1, 2]);
      scope(() => w.square().tanh().sum());
      scope(() => grad(w.square().sum(), [w], { createGraph: true }));
      scope(() => w.exp().sum().backward());
    })();
    expect(await collected(() => live() === 0)).toBe(true);
  });
});
