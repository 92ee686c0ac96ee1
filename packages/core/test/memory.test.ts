import { setFlagsFromString } from 'node:v8';
import { setTimeout as pause } from 'node:timers/promises';
import { runInNewContext } from 'node:vm';
import { cpu } from '@rnn/backend-cpu';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  concat, customOperation, grad, linear, manualSeed, noGrad, ones, randn, RnnError, scan, scope, setBackend, softmax, tensor, unscoped, zeros,
  type Backend, type Tensor,
} from '../src/index.js';

let backend: Backend;
beforeEach(async () => {
  backend = await cpu();
  setBackend(backend);
});

const live = (): number => backend.memory().storages;
const leaf = (values: number[] | number[][]): Tensor => tensor(values, { requiresGrad: true });

/** A two-layer net with everything in it: a loop, a softmax, a choice, pieces. */
function loss(weights: readonly Tensor[], x: Tensor): Tensor {
  const [w, u, v] = weights;
  const [ys] = scan((input: Tensor, h: Tensor) => {
    const next = linear(input, w).add(linear(h, u)).tanh();
    return [next, next];
  }, x, zeros([x.shape[1], u.shape[0]]));
  const [a, b] = linear(ys, v).split(2, -1);
  return concat([a, b], -1).logSoftmax(-1).mean().neg().add(a.relu().max(0).values.amax());
}

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
      return { list: [make(), [make()]], map: new Map([['a', make()]]), set: new Set([make()]), number: 1, nothing: null, data: new Float32Array(2) };
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
    const x = scope(() => { const y = unscoped(() => tensor([1])); return () => y; })();
    expect(x.item()).toBe(1);
  });

  test('frees everything when an error ends it', () => {
    const w = leaf([1, 2]);
    expect(() => scope(() => {
      const h = w.square().tanh(); // the graph holds values, too
      scope(() => h.exp());
      throw new RangeError('on the way');
    })).toThrow(new RangeError('on the way'));
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
    const run = async (): Promise<void> => { tensor([1]); };
    expect(() => scope(run)).toThrow(
      expect.objectContaining({
        code: 'ERR_ARGUMENT',
        argument: 'fn',
        expected: 'a synchronous function',
        received: 'a promise',
        message: expect.stringMatching(/^scope: fn returned a promise, expected a synchronous function/) as string,
      }),
    );
    expect(live()).toBe(0);
  });
});

describe('dispose', () => {
  test('frees once, however often it is called', () => {
    const x = tensor([1, 2]);
    x.dispose();
    x.dispose();
    expect([x.isDisposed, backend.memory()]).toEqual([true, { storages: 0, bytes: 0 }]);
  });

  test('happens at the end of a block with using', () => {
    {
      using x = tensor([1, 2]);
      using y = x.mul(2);
      expect([y.size, live()]).toEqual([2, 2]);
    }
    expect(live()).toBe(0);
  });

  test('of one tensor leaves those that share its memory', () => {
    const x = tensor([1, 2, 3, 4]);
    const sharers = [x.reshape([2, 2]), x.detach(), x.clone(), x.unsqueeze(0), x.flatten(), x.squeeze(), x.t()];
    x.dispose();
    expect(sharers.map((y) => y.dataSync()[0])).toEqual([1, 1, 1, 1, 1, 1, 1]);
    for (const y of sharers) y.dispose();
    expect(live()).toBe(0);
  });

  test('of a leaf frees its gradient', () => {
    const w = leaf([1]);
    w.mul(2).backward();
    const gradient = w.grad;
    w.dispose();
    expect([gradient?.isDisposed, w.grad]).toEqual([true, undefined]);
  });

  test('makes every use an error that says so', () => {
    const x = tensor([[1, 2]]);
    x.dispose();
    const uses: (() => unknown)[] = [
      () => x.add(1), () => x.neg(), () => x.sum(), () => x.matmul(tensor([1, 2])), () => x.reshape([2]), () => x.slice(1, 0, 1), () => x.dataSync(),
      () => x.toArray(), () => x.detach(), () => x.expand([2, 2]), () => concat([x]), () => x.to('float64'), () => tensor([[3, 4]]).copy_(x), () => x.copy_(tensor([[3, 4]])),
      () => tensor([[1, 2]]).where(x, 0), () => x.max(1), () => x.softmax(1), () => x.argmin(), () => x.clamp(0, 1), () => x.select(0, 0), () => x.unbind(),
    ];
    const before = live();
    for (const use of uses) {
      expect(use).toThrow(
        expect.objectContaining({
          code: 'ERR_DISPOSED',
          message: 'a tensor of shape [1, 2] was used after its memory was freed (by dispose(), by the end of a scope, or a gradient by zeroGrad); return it from the scope or keep() it',
        }),
      );
    }
    expect(live()).toBeLessThanOrEqual(before + uses.length); // the operands made above, nothing more
    expect(String(x)).toBe('tensor(<disposed>, size=(1, 2))');
  });

  test('is reported by data() as a rejection', async () => {
    const x = tensor([1]);
    x.dispose();
    await expect(x.data()).rejects.toThrow(expect.objectContaining({ code: 'ERR_DISPOSED' }));
  });
});

describe('copy_', () => {
  test('lets the old values go and holds the new ones', () => {
    const w = leaf([1, 2]);
    scope(() => w.copy_(w.detach().mul(2)));
    expect([Array.from(w.dataSync()), live()]).toEqual([[2, 4], 1]);
  });

  test('of a tensor to itself changes nothing', () => {
    const w = leaf([1]);
    w.copy_(w);
    expect([w.item(), live()]).toEqual([1, 1]);
    w.dispose();
    expect(live()).toBe(0);
  });

  test.each([
    ['another shape', () => tensor([1]), 'ERR_SHAPE', 'copy_: source has shape [1], expected [2]'],
    ['another type', () => tensor([1, 2], { dtype: 'float64' }), 'ERR_MIXED_DTYPES', "copy_: source is float64, expected float32; convert with .to('float32')"],
    ['no tensor', () => 3 as unknown as Tensor, 'ERR_ARGUMENT', 'copy_: source is number, expected a Tensor; make one with tensor(...)'],
  ])('refuses %s', (_, source, code, message) => {
    const w = leaf([1, 2]);
    expect(() => w.copy_(source())).toThrow(expect.objectContaining({ code, message, argument: 'source' }));
    expect(Array.from(w.dataSync())).toEqual([1, 2]);
  });

  test('refuses to change a result', () => {
    const y = leaf([1]).mul(2);
    expect(() => y.copy_(tensor([1]))).toThrow(expect.objectContaining({ code: 'ERR_AUTOGRAD' }));
  });

  test('moves a leaf to the backend of the source', async () => {
    const other = await cpu();
    const w = leaf([1, 2]);
    w.copy_(tensor([3, 4], { backend: other }));
    expect([w.backend === other, live(), other.memory().storages]).toEqual([true, 0, 1]);
    w.mul(2).sum().backward();
    expect(w.grad?.backend === other).toBe(true);
  });
});

describe('operations', () => {
  const x = (): Tensor => tensor([[1, 2, 3], [4, 5, 6]]);
  const single: [string, (x: Tensor) => Tensor | Tensor[]][] = [
    ['mean', (x) => x.mean()],
    ['clamp', (x) => x.clamp(2, 3)],
    ['softmax', (x) => softmax(x, 1)],
    ['logSoftmax', (x) => x.logSoftmax(1)],
    ['logsumexp', (x) => x.logsumexp([0, 1])],
    ['sum over separate dimensions', (x) => x.reshape([1, 2, 1, 3]).sum([1, 3])],
    ['argmin', (x) => x.argmin(1)],
    ['max', (x) => x.max(1).values],
    ['select', (x) => x.select(0, 1)],
    ['unbind', (x) => x.unbind(1)],
    ['stack', (x) => concat([x, x]).unsqueeze(0)],
    ['matmul of vectors', (x) => x.select(0, 0).matmul(x, { transposeB: true })],
    ['matmul with a vector', (x) => x.matmul(x.select(0, 1))],
    ['matmul of a batch', (x) => x.unsqueeze(0).matmul(x, { transposeB: true })],
    ['linear', (x) => linear(x, tensor([[1, 2, 3]]), tensor([1]))],
    ['gather', (x) => x.gather(1, tensor([[0]], { dtype: 'int32' }))],
    ['scatterAdd', (x) => x.scatterAdd(1, tensor([[0], [1]], { dtype: 'int32' }), tensor([[1], [2]]))],
    ['oneHot', () => tensor([0, 1], { dtype: 'int32' }).oneHot(3)],
  ];

  test.each(single)('%s makes one storage a result and nothing else', (_, of) => {
    const operand = x();
    const results = scope(() => of(operand)); // the operands made on the way go
    const count = Array.isArray(results) ? results.length : 1;
    expect(live()).toBe(1 + count);
    for (const y of [operand, results].flat()) y.dispose();
    expect(live()).toBe(0);
  });

  test.each(single)('%s with its derivative leaves only the gradient', (_, of) => {
    const operand = x();
    operand.requiresGrad = true;
    scope(() => {
      const results = [of(operand)].flat();
      const total = results.map((y) => y.sum()).reduce((a, b) => a.add(b));
      if (total.requiresGrad) total.to('float64').backward();
    });
    expect(live()).toBe(operand.grad === undefined ? 1 : 2);
  });

  test('outside of scopes hold nothing that their result does not', () => {
    const [a, b] = [tensor([1, 2]), tensor([3, 4])];
    const c = linear(tensor([[5, 6]]), tensor([[1, 2]]), tensor([1])); // three operands of its own
    const results = [a.matmul(b), a.mean(), a.clamp(0, 1), a.matmul(b), softmax(a, 0), a.argmin(), c];
    expect(live()).toBe(2 + 3 + results.length);
    for (const y of [a, b, ...results]) y.dispose();
    expect(live()).toBe(3);
  });

  test('of a user leave nothing behind', () => {
    const w = leaf([1, 2]);
    const y = customOperation({
      name: 'cube',
      inputs: [w],
      forward: () => { const square = w.square(); return { result: square.mul(w), saved: [square] }; },
      derivatives: [(gradient, [square]) => gradient.mul(square).mul(3)],
    });
    expect(live()).toBe(3); // the operand, the result, the saved square
    y.sum().backward();
    expect(Array.from(w.grad?.dataSync() ?? [])).toEqual([3, 12]);
    y.dispose();
    w.dispose();
    expect(live()).toBe(1); // the sum, which nobody disposed of
  });
});

describe('backward', () => {
  test('frees what the graph alone held, exactly', () => {
    const [w, x] = [leaf([[1, 2], [3, 4]]), tensor([[5, 6]])];
    const before = backend.memory();
    const y = scope(() => x.matmul(w).tanh().square().mul(2).softmax(1).sum());
    expect(live()).toBeGreaterThan(before.storages + 1);
    y.backward();
    expect(live()).toBe(before.storages + 2); // y, and the gradient of w
    y.dispose();
    w.grad?.dispose();
    w.grad = undefined;
    expect(backend.memory()).toEqual(before);
  });

  test('with retainGraph frees nothing, without it then everything', () => {
    const w = leaf([1, 2]);
    const y = scope(() => w.square().tanh().sum());
    const during = live();
    y.backward(undefined, { retainGraph: true });
    expect(live()).toBe(during + 1);
    y.backward();
    y.dispose();
    expect(live()).toBe(2);
  });

  test('with createGraph is freed by the end of the scope', () => {
    const w = leaf([1, 2]);
    scope(() => {
      const [first] = grad(w.square().tanh().sum(), [w], { createGraph: true });
      first.square().sum().backward();
    });
    expect(live()).toBe(2);
    w.grad?.dispose();
    w.grad = undefined;
    scope(() => void grad(w.square().tanh().sum(), [w], { createGraph: true }));
    expect(live()).toBe(1);
  });

  test('with createGraph into grad is freed with the gradient', () => {
    const w = leaf([1, 2]);
    scope(() => w.square().tanh().sum().backward(undefined, { createGraph: true }));
    expect(live()).toBeGreaterThan(2);
    w.grad?.dispose();
    expect(live()).toBe(1);
  });

  test('with inputs frees the parts that it did not go through, with the results', () => {
    const [a, b] = [leaf([1, 2]), leaf([3, 4])];
    scope(() => a.tanh().mul(b.tanh()).sum().backward(undefined, { inputs: [b] }));
    expect(live()).toBe(3);
  });

  test('keeps what a second result still needs', () => {
    const w = leaf([1, 2]);
    const [y, z] = scope(() => {
      const h = w.tanh();
      return [h.square().sum(), w.square().sum()];
    });
    y.dispose(); // its part of the graph goes
    z.backward();
    z.dispose();
    expect([Array.from(w.grad?.dataSync() ?? []), live()]).toEqual([[2, 4], 2]);
  });
});

describe('training', () => {
  test('ten thousand steps show a flat line', () => {
    manualSeed(1);
    const shapes = [[3, 2], [3, 3], [4, 3]];
    const weights = shapes.map((shape) => randn(shape, { requiresGrad: true }));
    const x = randn([4, 2, 2]);
    const step = (): number =>
      scope(() => {
        const value = loss(weights, x);
        value.backward();
        noGrad(() => {
          for (const w of weights) {
            w.copy_(w.sub((w.grad as Tensor).mul(0.01)));
            w.grad?.dispose();
            w.grad = undefined;
          }
        });
        return value.item();
      });
    const first = step();
    const after = backend.memory();
    expect(after.storages).toBe(weights.length + 1);
    let last = first;
    for (let i = 1; i < 10_000; i++) {
      last = step();
      if (i % 1000 === 0) expect(backend.memory()).toEqual(after);
    }
    expect(backend.memory()).toEqual(after);
    expect(last).toBeLessThan(first);
  });
});

describe('refused calls', () => {
  test('leave the memory as it was', async () => {
    const x = tensor([[1, 2, 3], [4, 5, 6]]);
    const w = leaf([1, 2, 3]);
    const other = await cpu();
    const elsewhere = tensor([1, 2, 3], { backend: other });
    const double = tensor([1, 2, 3], { dtype: 'float64' });
    const index = tensor([0, 9], { dtype: 'int32' });
    const matrix = w.mul(x);
    const calls: (() => unknown)[] = [
      () => x.add(double), () => x.add(elsewhere), () => x.matmul(x), () => x.matmul(double),
      () => x.reshape([4]), () => x.sum(5), () => x.permute([0, 0]), () => x.indexSelect(0, index), () => x.gather(0, index), () => x.slice(0, 0.5),
      () => x.split([1, 3]), () => concat([x, w]), () => x.where(w, double), () => linear(x, x, x), () => x.clamp(2, 1), () => x.to('int8' as 'int32'),
      () => zeros([2, -1]), () => zeros([NaN]), () => tensor([[1], [2, 3]]), () => tensor([1.5], { dtype: 'int32' }), () => ones([2], { dtype: 'int32', requiresGrad: true }),
      () => tensor([1], { dtype: 'int32', requiresGrad: true }), () => randn([2], { dtype: 'int32' }), () => matrix.backward(), () => x.backward(),
      () => customOperation({ name: 'broken', inputs: [w], forward: () => { w.square(); throw new RnnError('ERR_TEST', 'broken'); }, derivatives: [(g) => g] }),
      () => x.mean(3), () => x.logsumexp(3), () => x.softmax(3), () => x.oneHot(3), () => x.max(7), () => x.unbind(4), () => x.expand([2, 4]),
      () => scan((a: Tensor, h: Tensor) => [a, h.sum()], x, w), () => scan((a: Tensor, h: Tensor) => [a, h], x, w, { lengths: [1, 2] }),
    ];
    for (const call of calls) {
      const before = [backend.memory(), other.memory()];
      expect(call).toThrow(RnnError);
      expect({ call: String(call), memory: [backend.memory(), other.memory()] }).toEqual({ call: String(call), memory: before });
    }
  });
});

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
    (() => { for (let i = 0; i < 10; i++) tensor([i]).mul(2); })();
    expect(await collected(() => live() === 0)).toBe(true);
  });

  test('frees a graph that nobody went through, and not what is still held', async () => {
    const w = leaf([1, 2]);
    (() => { w.square().tanh().mul(w).sum(); })();
    expect(await collected(() => live() === 1)).toBe(true);
    expect(Array.from(w.dataSync())).toEqual([1, 2]);
  });

  test('does not free twice what one of several holders disposed of', async () => {
    const other = await (async () => {
      const x = tensor([1, 2]);
      (() => { x.reshape([2, 1]); x.detach().dispose(); })();
      await collected(() => false);
      expect([Array.from(x.dataSync()), live()]).toEqual([[1, 2], 1]);
      x.dispose(); // the reshaped one never let go
      return tensor([3]);
    })();
    expect(await collected(() => live() === 1)).toBe(true);
    expect(other.item()).toBe(3);
  });
});
