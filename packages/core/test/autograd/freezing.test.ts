/**
 * What `requiresGrad = false` after the forward pass does; the expected values are PyTorch's
 * (2.15).
 */
import { cpu } from '@rnn/backend-cpu';
import { wasm } from '@rnn/backend-wasm';
import { beforeEach, describe, expect, test } from 'vitest';
import { compileFn, grad, scan, setBackend, tensor, zeros, type Tensor } from '../../src/index.js';

const leaf = (values: number[]): Tensor => tensor(values, { requiresGrad: true });
const numbers = (x: Tensor | undefined): number[] | undefined => x && Array.from(x.dataSync());

describe.each([
  ['cpu', cpu],
  ['wasm', () => wasm({ threads: 1 })],
] as const)('a leaf frozen after the forward pass, on %s', (_, make) => {
  beforeEach(async () => setBackend(await make()));

  test('accumulates nothing; others do', () => {
    const [x, w] = [leaf([2]), leaf([3])];
    const y = x.mul(w).sum();
    w.requiresGrad = false;
    y.backward();
    expect([numbers(x.grad), numbers(w.grad)]).toEqual([[3], undefined]);
  });

  test('keeps the gradient that it had', () => {
    const w = leaf([3]);
    w.square().sum().backward();
    const y = w.square().sum();
    w.requiresGrad = false;
    y.backward();
    expect(numbers(w.grad)).toEqual([6]);
  });

  test('accumulates again when it is freed before the backward pass', () => {
    const w = leaf([3]);
    const y = w.mul(w).sum();
    w.requiresGrad = false;
    w.requiresGrad = true;
    y.backward();
    expect(numbers(w.grad)).toEqual([6]);
  });

  test('is refused by grad and by inputs', () => {
    const w = leaf([3]);
    const y = w.mul(w).sum();
    w.requiresGrad = false;
    expect(() => grad(y, [w], { retainGraph: true })).toThrow(expect.objectContaining({ code: 'ERR_AUTOGRAD' }));
    expect(() => y.backward(undefined, { inputs: [w] })).toThrow(expect.objectContaining({ code: 'ERR_AUTOGRAD' }));
  });

  test('still calls its hooks', () => {
    const w = leaf([3]);
    const seen: number[] = [];
    w.registerHook((g) => void seen.push(g.item()));
    const y = w.mul(w).sum();
    w.requiresGrad = false;
    y.backward();
    expect([seen, w.grad]).toEqual([[6], undefined]);
  });

  test('accumulates nothing through a scan or a compiled function', () => {
    const [w, v] = [leaf([0.5]), leaf([2])];
    const step = (x: Tensor, h: Tensor): readonly [Tensor, Tensor] => {
      const next = h.mul(w).add(x.mul(v));
      return [next, next];
    };
    const [, last] = scan(step, tensor([[[1]], [[1]]]), zeros([1, 1]));
    w.requiresGrad = false;
    last.sum().backward();
    // h2 = v w + v
    expect([w.grad, numbers(v.grad)]).toEqual([undefined, [1.5]]);

    const [a, b] = [leaf([3]), leaf([5])];
    const product = compileFn(([p, q]: readonly Tensor[]) => p.mul(q), { elementwise: true });
    const y = product([a, b]).sum();
    b.requiresGrad = false;
    y.backward();
    expect([numbers(a.grad), b.grad]).toEqual([[5], undefined]);
  });
});
