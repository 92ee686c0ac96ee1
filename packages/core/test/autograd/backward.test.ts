import { cpu } from '@rnn/backend-cpu';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  anomaly,
  customOperation,
  enableGrad,
  isGradEnabled,
  log,
  noGrad,
  scope,
  setBackend,
  split,
  tensor,
  type Tensor,
} from '../../src/index.js';

beforeEach(async () => setBackend(await cpu()));

const leaf = (values: number | number[]): Tensor => tensor(values, { requiresGrad: true });
const numbers = (x: Tensor | undefined): number[] | undefined => x && Array.from(x.dataSync());

describe('backward', () => {
  test('computes the gradient of every leaf that requires one', () => {
    const [a, b, c] = [leaf([1, 2]), leaf([3, 4]), tensor([5, 6])];
    a.mul(b).mul(c).sum().backward();
    expect([a, b, c].map((x) => numbers(x.grad))).toEqual([[15, 24], [5, 12], undefined]);
  });

  test('adds to what a leaf has, call by call', () => {
    const x = leaf([1, 2]);
    x.square().sum().backward();
    x.mul(10).sum().backward();
    expect(numbers(x.grad)).toEqual([12, 14]);
  });

  test('of a leaf itself', () => {
    const x = leaf(3);
    x.backward();
    expect(x.grad?.item()).toBe(1);
  });

  test('takes the gradient from behind for results of any shape', () => {
    const x = leaf([1, 2, 3]);
    x.square().backward(tensor([1, 0, -1]));
    expect(numbers(x.grad)).toEqual([2, 0, -6]);
  });

  test('accepts any shape with one element', () => {
    const x = leaf([2]);
    x.square().reshape([1, 1]).backward();
    expect(numbers(x.grad)).toEqual([4]);
  });

  test('goes through ten thousand steps', () => {
    const w = leaf(0.9999);
    let h = tensor(1);
    for (let i = 0; i < 10_000; i++) h = h.mul(w);
    h.backward();
    expect(w.grad?.item()).toBeCloseTo(10_000 * 0.9999 ** 9999, 0);
  });

  test('frees ten thousand steps that no backward went through', () => {
    const w = leaf(0.9999);
    const last = scope(() => {
      let h = tensor(1);
      for (let i = 0; i < 10_000; i++) h = h.mul(w);
      return h;
    });
    last.dispose();
    expect(w.backend.memory().storages).toBe(1);
  });

  test('reaches every use of a shared result once', () => {
    const x = leaf(2);
    let y = x.mul(1);
    for (let i = 0; i < 40; i++) y = y.add(y); // 2^40 paths
    y.backward();
    expect(x.grad?.item()).toBe(2 ** 40);
  });

  test('fills in zeros for the unused pieces of an operation', () => {
    const x = leaf([1, 2, 3, 4, 5]);
    const [first, , last] = split(x, [1, 2, 2]);
    first.mul(10).sum().add(last.sum()).backward();
    expect(numbers(x.grad)).toEqual([10, 0, 0, 1, 1]);
  });

  test('reaches only the leaves in `inputs`', () => {
    const [a, b] = [leaf([1]), leaf([2])];
    a.mul(b).backward(undefined, { inputs: [b] });
    expect([numbers(a.grad), numbers(b.grad)]).toEqual([undefined, [1]]);
  });

  test('does not compute what no leaf in `inputs` needs', () => {
    const [a, b] = [leaf([1]), leaf([2])];
    const untouchable = customOperation({
      name: 'untouchable',
      inputs: [a],
      forward: () => ({ result: a }),
      derivatives: [
        () => {
          throw new Error('was computed');
        },
      ],
    });
    untouchable.add(b).backward(undefined, { inputs: [b] });
    expect(numbers(b.grad)).toEqual([1]);
  });

  test('goes through a graph again after retainGraph', () => {
    const x = leaf([3]);
    const y = x.square();
    y.backward(undefined, { retainGraph: true });
    y.backward();
    expect(numbers(x.grad)).toEqual([12]);
  });

  test('also runs inside noGrad', () => {
    const x = leaf([3]);
    const y = x.square();
    noGrad(() => y.backward());
    expect(numbers(x.grad)).toEqual([6]);
    expect(x.grad?.requiresGrad).toBe(false);
  });

  test('reads the values that were there in the forward pass, whatever copy_ did to a leaf since', () => {
    const [x, w] = [leaf([2]), leaf([3])];
    const y = x.mul(w);
    w.copy_(tensor([100]));
    y.backward();
    expect(numbers(x.grad)).toEqual([3]);
    expect(numbers(w)).toEqual([100]);
  });

  test('ignores a leaf that was disposed of', () => {
    const [x, w] = [leaf([2]), leaf([3])];
    const y = x.mul(w);
    x.dispose();
    y.backward();
    expect(numbers(w.grad)).toEqual([2]);
    expect(x.grad).toBeUndefined();
  });

  test('of a result whose middle was disposed of', () => {
    const x = leaf([2]);
    const middle = x.square();
    const y = middle.square();
    middle.dispose();
    y.backward();
    expect(numbers(x.grad)).toEqual([32]);
  });
});

describe('recording', () => {
  test('noGrad and enableGrad nest, and an error ends them', () => {
    const x = leaf(1);
    expect(noGrad(() => x.mul(2).requiresGrad)).toBe(false);
    expect(noGrad(() => enableGrad(() => x.mul(2).requiresGrad))).toBe(true);
    expect(() =>
      noGrad(() => {
        throw new Error('inside');
      }),
    ).toThrow('inside');
    expect(isGradEnabled()).toBe(true);
  });

  test.each(Object.entries({ noGrad, enableGrad, anomaly }))(
    '%s refuses a promise, since it would not reach that far',
    (name, mode) => {
      expect(() => mode(async () => 1)).toThrow(
        expect.objectContaining({
          code: 'ERR_ARGUMENT',
          argument: 'fn',
          message: expect.stringMatching(
            new RegExp(`^${name}: the result of fn is a promise, expected a synchronous function`),
          ) as string,
        }),
      );
      expect([isGradEnabled(), Number.isNaN(log(tensor(-1)).item())]).toEqual([true, true]);
    },
  );

  test('detach gives a leaf with the same numbers', () => {
    const x = leaf([2]);
    const y = x.square().detach();
    expect([y.isLeaf, y.requiresGrad, y.item()]).toEqual([true, false, 4]);
    y.requiresGrad = true;
    y.mul(5).backward();
    expect([numbers(x.grad), numbers(y.grad)]).toEqual([undefined, [5]]);
  });

  test('comparisons and positions are not recorded', () => {
    const x = leaf([1, 2]);
    expect([x.gt(1), x.eq(x), x.argmax(), x.max(0).indices].map((y) => y.requiresGrad)).toEqual([
      false,
      false,
      false,
      false,
    ]);
  });

  test('requiresGrad can be set and taken back on a leaf', () => {
    const x = tensor([1]);
    x.requiresGrad = true;
    expect(x.mul(2).requiresGrad).toBe(true);
    x.requiresGrad = false;
    expect(x.mul(2).requiresGrad).toBe(false);
  });

  test('gradients flow across a conversion and a backend', async () => {
    const x = leaf([1, 2]);
    x.to('float64')
      .square()
      .to(await cpu())
      .sum()
      .backward();
    expect([x.grad?.dtype, x.grad?.backend === x.backend, numbers(x.grad)]).toEqual(['float32', true, [2, 4]]);
  });

  test('a whole number ends the graph', () => {
    expect(leaf([1.5]).to('int32').to('float32').requiresGrad).toBe(false);
  });
});
