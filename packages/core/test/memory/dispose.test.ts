import { cpu } from '@rnn/backend-cpu';
import { beforeEach, describe, expect, test } from 'vitest';
import { concat, scope, setBackend, tensor, type Backend, type Tensor } from '../../src/index.js';

let backend: Backend;
beforeEach(async () => {
  backend = await cpu();
  setBackend(backend);
});

const live = (): number => backend.memory().storages;
const leaf = (values: number[] | number[][]): Tensor => tensor(values, { requiresGrad: true });

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
      () => x.add(1),
      () => x.neg(),
      () => x.sum(),
      () => x.matmul(tensor([1, 2])),
      () => x.reshape([2]),
      () => x.slice(1, 0, 1),
      () => x.dataSync(),
      () => x.toArray(),
      () => x.detach(),
      () => x.expand([2, 2]),
      () => concat([x]),
      () => x.to('float64'),
      () => tensor([[3, 4]]).copy_(x),
      () => x.copy_(tensor([[3, 4]])),
      () => tensor([[1, 2]]).where(x, 0),
      () => x.max(1),
      () => x.softmax(1),
      () => x.argmin(),
      () => x.clamp(0, 1),
      () => x.select(0, 0),
      () => x.unbind(),
    ];
    const before = live();
    for (const use of uses) {
      expect(use).toThrow(
        expect.objectContaining({
          code: 'ERR_DISPOSED',
          message:
            'a tensor of shape [1, 2] was used after its memory was freed (by dispose(), by the end of a scope, or a gradient by zeroGrad); return it from the scope or keep() it',
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
    [
      'another type',
      () => tensor([1, 2], { dtype: 'float64' }),
      'ERR_MIXED_DTYPES',
      "copy_: source is float64, expected float32; convert with .to('float32')",
    ],
    [
      'no tensor',
      () => 3 as unknown as Tensor,
      'ERR_ARGUMENT',
      'copy_: source is 3, expected a Tensor; make one with tensor(...)',
    ],
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
