import { cpu } from '@rnn/backend-cpu';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  concat,
  customOperation,
  linear,
  ones,
  randn,
  RnnError,
  scan,
  scope,
  setBackend,
  tensor,
  unscoped,
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

describe('scope', () => {
  test('frees what was made inside and is not returned', () => {
    const y = scope(() => tensor([1, 2]).exp().mul(3));
    expect(live()).toBe(1);
    y.dispose();
    expect(live()).toBe(0);
  });

  test('keeps what is returned inside arrays, objects, maps and sets', () => {
    const result = scope(() => {
      const make = (): Tensor => tensor([1]);
      make();
      return {
        list: [make(), [make()]],
        map: new Map([['a', make()]]),
        set: new Set([make()]),
        number: 1,
        nothing: null,
        data: new Float32Array(2),
      };
    });
    expect(live()).toBe(4);
    expect(result.list).toHaveLength(2);
  });

  test('passes what it returns to the scope around it', () => {
    scope(() => {
      const inner = scope(() => tensor([1]).mul(2));
      expect(inner.item()).toBe(2);
      expect(live()).toBe(1);
    });
    expect(live()).toBe(0);
  });

  test('leaves tensors from outside alone, also when it returns them', () => {
    const x = tensor([1]);
    const same = scope(() => [x, x.mul(2)][0]);
    expect(Object.is(same, x)).toBe(true);
    expect([x.isDisposed, live()]).toEqual([false, 1]);
  });

  test('lets a kept tensor go, however many scopes are open', () => {
    let inner: Tensor | undefined;
    let outer: Tensor | undefined;
    scope(() => {
      outer = tensor([1]);
      scope(() => {
        inner = tensor([2]).keep();
        outer?.keep();
      });
    });
    expect([inner?.item(), outer?.item(), live()]).toEqual([2, 1, 2]);
  });

  test('knows nothing of what is made in unscoped', () => {
    const x = scope(() => {
      const y = unscoped(() => tensor([1]));
      return () => y;
    })();
    expect(x.item()).toBe(1);
  });

  test('frees everything when an error ends it', () => {
    const w = leaf([1, 2]);
    expect(() =>
      scope(() => {
        const h = w.square().tanh(); // the graph holds values, too
        scope(() => h.exp());
        throw new RangeError('on the way');
      }),
    ).toThrow(new RangeError('on the way'));
    expect(live()).toBe(1);
    expect(scope(() => w.mul(1).sum().item())).toBe(3); // the outer scope is in charge again
  });

  test('frees what a graph saved when no backward can come any more', () => {
    const w = leaf([1, 2]);
    scope(() => w.square().tanh().mul(w).sum().item());
    expect(live()).toBe(1);
  });

  test('keeps what a graph saved while a result is alive', () => {
    const w = leaf([1, 2]);
    const y = scope(() => w.square().square().sum());
    expect(live()).toBeGreaterThan(2);
    y.backward();
    expect(Array.from(w.grad?.dataSync() ?? [])).toEqual([4, 32]);
    y.dispose();
    w.dispose();
    expect(live()).toBe(0);
  });

  test('leaves gradients to their leaves', () => {
    const w = leaf([1, 2]);
    scope(() => w.square().sum().backward());
    expect(Array.from(w.grad?.dataSync() ?? [])).toEqual([2, 4]);
    expect(live()).toBe(2);
  });

  test('frees a leaf that was made inside together with its gradient', () => {
    scope(() => {
      const w = leaf([1, 2]);
      w.square().sum().backward();
    });
    expect(live()).toBe(0);
  });

  test('refuses a promise, and frees what was made before it', async () => {
    const run = async (): Promise<void> => {
      tensor([1]);
    };
    expect(() => scope(run)).toThrow(
      expect.objectContaining({
        code: 'ERR_ARGUMENT',
        argument: 'fn',
        expected: 'a synchronous function',
        received: 'a promise',
        message: expect.stringMatching(
          /^scope: the result of fn is a promise, expected a synchronous function/,
        ) as string,
      }),
    );
    expect(live()).toBe(0);
  });
});

describe('refused calls', () => {
  test('leave the memory as it was', async () => {
    const x = tensor([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    const w = leaf([1, 2, 3]);
    const other = await cpu();
    const elsewhere = tensor([1, 2, 3], { backend: other });
    const double = tensor([1, 2, 3], { dtype: 'float64' });
    const index = tensor([0, 9], { dtype: 'int32' });
    const matrix = w.mul(x);
    const calls: (() => unknown)[] = [
      () => x.add(double),
      () => x.add(elsewhere),
      () => x.matmul(x),
      () => x.matmul(double),
      () => x.reshape([4]),
      () => x.sum(5),
      () => x.permute([0, 0]),
      () => x.indexSelect(0, index),
      () => x.gather(0, index),
      () => x.slice(0, 0.5),
      () => x.split([1, 3]),
      () => concat([x, w]),
      () => x.where(w, double),
      () => linear(x, x, x),
      () => x.clamp(2, 1),
      () => x.to('int8' as 'int32'),
      () => zeros([2, -1]),
      () => zeros([NaN]),
      () => tensor([[1], [2, 3]]),
      () => tensor([1.5], { dtype: 'int32' }),
      () => ones([2], { dtype: 'int32', requiresGrad: true }),
      () => tensor([1], { dtype: 'int32', requiresGrad: true }),
      () => randn([2], { dtype: 'int32' }),
      () => matrix.backward(),
      () => x.backward(),
      () =>
        customOperation({
          name: 'broken',
          inputs: [w],
          forward: () => {
            w.square();
            throw new RnnError('ERR_TEST', 'broken');
          },
          derivatives: [(g) => g],
        }),
      () => x.mean(3),
      () => x.logsumexp(3),
      () => x.softmax(3),
      () => x.oneHot(3),
      () => x.max(7),
      () => x.unbind(4),
      () => x.expand([2, 4]),
      () => scan((a: Tensor, h: Tensor) => [a, h.sum()], x, w),
      () => scan((a: Tensor, h: Tensor) => [a, h], x, w, { lengths: [1, 2] }),
    ];
    for (const call of calls) {
      const before = [backend.memory(), other.memory()];
      expect(call).toThrow(RnnError);
      expect({ call: String(call), memory: [backend.memory(), other.memory()] }).toEqual({
        call: String(call),
        memory: before,
      });
    }
  });
});
