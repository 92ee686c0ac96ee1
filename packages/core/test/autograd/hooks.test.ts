import { cpu } from '@rnn/backend-cpu';
import { beforeEach, describe, expect, test } from 'vitest';
import { grad, ones, setBackend, tensor, zeros, type Tensor } from '../../src/index.js';

beforeEach(async () => setBackend(await cpu()));

const leaf = (values: number | number[]): Tensor => tensor(values, { requiresGrad: true });
const numbers = (x: Tensor | undefined): number[] | undefined => x && Array.from(x.dataSync());

describe('hooks', () => {
  test('see the complete gradient once', () => {
    const x = leaf(2);
    const y = x.square();
    const seen: number[] = [];
    y.registerHook((g) => void seen.push(g.item()));
    y.mul(3).add(y).backward();
    expect(seen).toEqual([4]);
  });

  test('replace the gradient, one after another', () => {
    const x = leaf(2);
    const y = x.square();
    y.registerHook((g) => g.mul(10));
    y.registerHook((g) => g.add(1));
    y.backward();
    expect(x.grad?.item()).toBe((10 + 1) * 4);
  });

  test('of a leaf run before the gradient is added', () => {
    const x = leaf([1, 2]);
    x.registerHook((g) => g.clamp(-1, 1));
    x.mul(5).sum().backward();
    expect(numbers(x.grad)).toEqual([1, 1]);
  });

  test('can be removed', () => {
    const x = leaf(1);
    const remove = x.registerHook(() => zeros([]));
    remove();
    remove();
    x.mul(2).backward();
    expect(x.grad?.item()).toBe(2);
  });

  test('run for grad as well', () => {
    const x = leaf(1);
    const y = x.mul(2);
    y.registerHook((g) => g.mul(3));
    expect(grad(y, [x])[0].item()).toBe(6);
  });

  test('may give back a tensor of somebody else, which stays alive', () => {
    const x = leaf(1);
    const replacement = tensor(7);
    x.mul(1).registerHook(() => replacement);
    const y = x.mul(2);
    y.registerHook(() => replacement);
    y.backward();
    expect([x.grad?.item(), replacement.item()]).toEqual([14, 7]);
  });

  test('may keep a gradient by clone().keep()', () => {
    const x = leaf(1);
    let kept: Tensor | undefined;
    const y = x.mul(2);
    y.registerHook((g) => {
      kept = g.clone().keep();
    });
    y.backward();
    expect(kept?.item()).toBe(1);
  });

  test('must keep the shape', () => {
    const x = leaf([1, 2]);
    x.registerHook(() => ones([3]));
    expect(() => x.sum().backward()).toThrow(
      expect.objectContaining({
        code: 'ERR_AUTOGRAD',
        message: 'backward: the result of hook is float32 of shape [3], expected float32 of shape [2], as the gradient',
      }),
    );
  });

  test.each(['float64', 'int32'] as const)('must keep the type: not %s, of a result or of a leaf', (dtype) => {
    for (const onLeaf of [false, true]) {
      const x = leaf([1, 2]);
      const y = x.square();
      (onLeaf ? x : y).registerHook((g) => g.to(dtype));
      expect(() => y.sum().backward()).toThrow(
        expect.objectContaining({ code: 'ERR_AUTOGRAD', argument: 'hook', received: `${dtype} of shape [2]` }),
      );
      expect(x.grad).toBeUndefined();
    }
  });

  test('must keep the place', async () => {
    const x = leaf([1, 2]);
    const other = await cpu();
    x.registerHook((g) => g.to(other));
    expect(() => x.sum().backward()).toThrow(expect.objectContaining({ code: 'ERR_MIXED_BACKENDS' }));
  });

  // PyTorch: "Trying to backward through the graph a second time", in the outer call; the inner one
  // has been through.
  test('that go backward through what the pass still needs are an error, unless they retain it', () => {
    const outer = (inner: (y: Tensor) => void): Tensor => {
      const x = leaf(2);
      const y = x.square();
      let isFirst = true;
      y.registerHook(() => {
        if (!isFirst) return;
        isFirst = false;
        inner(y);
      });
      y.mul(3).add(y.mul(y)).backward();
      return x;
    };
    expect(() => outer((y) => y.backward())).toThrow(
      expect.objectContaining({
        code: 'ERR_AUTOGRAD',
        message:
          'backward: hook is one that went backward through square and so freed what this pass still needs of it, expected one that leaves the graph; pass { retainGraph: true } in the hook',
      }),
    );
    // d(3y + y^2)/dx = (3 + 2y) 2x = 44, and dy/dx = 4 by the inner call.
    expect(outer((y) => y.backward(undefined, { retainGraph: true })).grad?.item()).toBe(48);
    expect(outer((y) => void grad(y, [y], { retainGraph: true })).grad?.item()).toBe(44);
  });

  test('that go backward through a part further down are an error too, and leave nothing behind', () => {
    const x = leaf(2);
    const a = x.square();
    const b = a.square();
    const c = b.mul(1);
    const before = x.backend.memory().storages;
    let isFirst = true;
    c.registerHook(() => {
      if (isFirst) a.backward();
      isFirst = false;
    });
    expect(() => c.backward()).toThrow(expect.objectContaining({ code: 'ERR_AUTOGRAD', argument: 'hook' }));
    expect(x.grad?.item()).toBe(4);
    x.grad?.dispose();
    x.grad = undefined;
    expect(x.backend.memory().storages).toBeLessThanOrEqual(before);
  });

  test('an error in one passes through and leaves nothing behind', () => {
    const x = leaf([1, 2]);
    const y = x.square();
    const z = y.sum();
    y.registerHook(() => {
      throw new RangeError('in the hook');
    });
    const before = x.backend.memory();
    expect(() => z.backward(undefined, { retainGraph: true })).toThrow(new RangeError('in the hook'));
    expect(x.backend.memory()).toEqual(before);
  });

  test('may dispose of the root', () => {
    const x = leaf([3]);
    const y = x.square();
    y.registerHook(() => y.dispose());
    y.backward();
    expect(numbers(x.grad)).toEqual([6]);
  });

  test('retainGrad leaves the gradient of a result in grad, after its hooks, call by call', () => {
    const x = leaf([1, 2]);
    const y = x.square();
    expect(Object.is(y.retainGrad(), y)).toBe(true);
    y.registerHook((g) => g.mul(2));
    y.sum().backward(undefined, { retainGraph: true });
    expect(numbers(y.grad)).toEqual([2, 2]);
    y.sum().backward();
    expect(numbers(y.grad)).toEqual([4, 4]);
  });

  test('retainGrad does nothing for a leaf', () => {
    const x = leaf([1]).retainGrad();
    x.mul(2).backward();
    expect(numbers(x.grad)).toEqual([2]);
  });

  test.each(['registerHook', 'retainGrad'] as const)('%s refuses a tensor without gradient', (method) => {
    expect(() => tensor([1])[method](() => undefined)).toThrow(
      expect.objectContaining({
        code: 'ERR_AUTOGRAD',
        message: `${method}: x is a tensor of shape [1] without requiresGrad, expected one that requires a gradient; set requiresGrad on a leaf that it is made of`,
      }),
    );
  });
});
