import { cpu } from '@rnn/backend-cpu';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  add, anomaly, AnomalyError, backward, customOperation, enableGrad, grad, isGradEnabled, log, noGrad, ones, pow, scope, setBackend, split, sqrt, sum,
  tensor, zeros, type Tensor,
} from '../src/index.js';

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
      derivatives: [() => { throw new Error('was computed'); }],
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

describe('grad', () => {
  test('touches no grad', () => {
    const [a, b] = [leaf([1, 2]), leaf([3, 4])];
    const [da, db] = grad(a.mul(b).sum(), [a, b]);
    expect([numbers(da), numbers(db)]).toEqual([[3, 4], [1, 2]]);
    expect([a.grad, b.grad]).toEqual([undefined, undefined]);
  });

  test('with respect to results on the way, and to the output itself', () => {
    const x = leaf(2);
    const y = x.square();
    const z = y.mul(3);
    const [dy, dx, dz] = grad(z, [y, x, z]);
    expect([dy, dx, dz].map((g) => g.item())).toEqual([3, 12, 1]);
  });

  test('gives zeros where nothing depends on an input', () => {
    const [x, unused] = [leaf(2), leaf([1, 2])];
    expect(grad(x.square(), [x, unused]).map(numbers)).toEqual([[4], [0, 0]]);
  });

  test('gives an input that is listed twice two tensors', () => {
    const x = leaf(2);
    const [a, b] = grad(x.square(), [x, x]);
    a.dispose();
    expect(b.item()).toBe(4);
  });

  test('takes a gradient from behind', () => {
    const x = leaf([1, 2]);
    expect(numbers(grad(x.square(), [x], { gradient: tensor([10, 1]) })[0])).toEqual([20, 4]);
  });

  test('gives the third derivative by createGraph', () => {
    const x = leaf(2);
    let y = pow(x, 4);
    const derivatives: number[] = [];
    for (let order = 0; order < 3; order++) {
      [y] = grad(y, [x], { createGraph: true });
      derivatives.push(y.item());
    }
    expect(derivatives).toEqual([32, 48, 48]);
  });

  test('refuses an input that requires no gradient', () => {
    const x = leaf(1);
    expect(() => grad(x.square(), [x, tensor(1)])).toThrow(
      expect.objectContaining({ code: 'ERR_AUTOGRAD', argument: 'inputs', message: 'grad: inputs[1] does not require a gradient; set requiresGrad before using it' }),
    );
  });
});

describe('createGraph', () => {
  test('makes the gradients in grad differentiable', () => {
    const x = leaf([1, 2]);
    pow(x, 3).sum().backward(undefined, { createGraph: true });
    const first = x.grad as Tensor;
    x.grad = undefined;
    first.sum().backward();
    expect(numbers(first)).toEqual([3, 12]);
    expect(numbers(x.grad)).toEqual([6, 12]);
  });

  test('adds to an earlier gradient within the graph', () => {
    const x = leaf([2]);
    for (let i = 0; i < 2; i++) pow(x, 3).sum().backward(undefined, { createGraph: true });
    const both = x.grad as Tensor;
    x.grad = undefined;
    both.sum().backward();
    expect([numbers(both), numbers(x.grad)]).toEqual([[24], [24]]);
  });

  test('keeps the graph', () => {
    const x = leaf(2);
    const y = x.square();
    grad(y, [x], { createGraph: true });
    expect(grad(y, [x])[0].item()).toBe(4);
  });

  test('a penalty on the gradient trains', () => {
    const [w, x] = [leaf([0.5, -1]), leaf([1, 2])];
    const [slope] = grad(w.mul(x).sum().tanh(), [x], { createGraph: true });
    slope.square().sum().backward();
    const t = Math.tanh(-1.5);
    const s = 1 - t * t;
    const expected = [0.5, -1].map((v, i) => 2 * s * s * v - 4 * t * s * s * 1.25 * [1, 2][i]);
    numbers(w.grad)?.forEach((value, i) => expect(value).toBeCloseTo(expected[i], 6));
  });
});

describe('recording', () => {
  test('noGrad and enableGrad nest, and an error ends them', () => {
    const x = leaf(1);
    expect(noGrad(() => x.mul(2).requiresGrad)).toBe(false);
    expect(noGrad(() => enableGrad(() => x.mul(2).requiresGrad))).toBe(true);
    expect(() => noGrad(() => { throw new Error('inside'); })).toThrow('inside');
    expect(isGradEnabled()).toBe(true);
  });

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
    expect([x.gt(1), x.eq(x), x.argmax(), x.max(0).indices].map((y) => y.requiresGrad)).toEqual([false, false, false, false]);
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
    x.to('float64').square().to(await cpu()).sum().backward();
    expect([x.grad?.dtype, x.grad?.backend === x.backend, numbers(x.grad)]).toEqual(['float32', true, [2, 4]]);
  });

  test('a whole number ends the graph', () => {
    expect(leaf([1.5]).to('int32').to('float32').requiresGrad).toBe(false);
  });
});

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
    y.registerHook((g) => { kept = g.clone().keep(); });
    y.backward();
    expect(kept?.item()).toBe(1);
  });

  test('must keep the shape', () => {
    const x = leaf([1, 2]);
    x.registerHook(() => ones([3]));
    expect(() => x.sum().backward()).toThrow(
      expect.objectContaining({ code: 'ERR_AUTOGRAD', message: 'backward: a hook returned shape [3] for a gradient of shape [2], expected the same' }),
    );
  });

  test('an error in one passes through and leaves nothing behind', () => {
    const x = leaf([1, 2]);
    const y = x.square();
    const z = y.sum();
    y.registerHook(() => { throw new RangeError('in the hook'); });
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
      expect.objectContaining({ code: 'ERR_AUTOGRAD', message: `${method}: the tensor of shape [1] does not require a gradient; set requiresGrad on a leaf that it is made of` }),
    );
  });
});

describe('refusals', () => {
  test('a second backward', () => {
    const x = leaf([1, 2]);
    const y = x.square().sum();
    y.backward();
    expect(() => y.backward()).toThrow(
      expect.objectContaining({
        code: 'ERR_AUTOGRAD',
        message: 'backward: the graph was already freed by an earlier backward; pass { retainGraph: true } to that one to go through it again',
      }),
    );
    expect(numbers(x.grad)).toEqual([2, 4]);
  });

  test('a backward through a part that was freed', () => {
    const x = leaf([1, 2]);
    const shared = x.square();
    shared.sum().backward();
    expect(() => shared.mul(2).sum().backward()).toThrow('already freed');
    expect(numbers(x.grad)).toEqual([2, 4]);
  });

  test('a tensor with several elements', () => {
    const y = leaf([1, 2]).square();
    expect(() => y.backward()).toThrow(
      expect.objectContaining({
        code: 'ERR_AUTOGRAD',
        expected: 'one element',
        received: '[2]',
        message: 'backward: the tensor has shape [2], expected one element; reduce it (sum, mean) or pass the gradient that comes from behind',
      }),
    );
    y.sum().backward(); // nothing was freed by the refused call
  });

  test('a tensor without gradient', () => {
    expect(() => tensor(1).backward()).toThrow(
      expect.objectContaining({ code: 'ERR_AUTOGRAD', message: expect.stringMatching(/^backward: the tensor of shape \[\] does not require a gradient/) as string }),
    );
    expect(() => noGrad(() => leaf(1).mul(2)).backward()).toThrow('made inside noGrad');
  });

  test('a gradient that does not fit', async () => {
    const y = leaf([1, 2]).square();
    expect(() => y.backward(tensor([1]))).toThrow(
      expect.objectContaining({ code: 'ERR_SHAPE', argument: 'gradient', message: 'backward: gradient has shape [1], expected [2]' }),
    );
    expect(() => y.backward(tensor([1, 1], { dtype: 'float64' }))).toThrow(
      expect.objectContaining({ code: 'ERR_DTYPE', argument: 'gradient', message: 'backward: gradient is float64, expected float32' }),
    );
    const elsewhere = tensor([1, 1], { backend: await cpu() });
    expect(() => y.backward(elsewhere)).toThrow(expect.objectContaining({ code: 'ERR_MIXED_BACKENDS' }));
    expect(() => y.backward(1 as unknown as Tensor)).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT', argument: 'gradient' }));
  });

  test('inputs that are no leaves', () => {
    const x = leaf([1]);
    const y = x.square();
    expect(() => y.backward(undefined, { inputs: [y] })).toThrow(
      expect.objectContaining({ code: 'ERR_AUTOGRAD', argument: 'inputs', message: expect.stringContaining('inputs[0] is the result of an operation, expected a leaf') as string }),
    );
    expect(() => y.backward(undefined, { inputs: [x, tensor([1])] })).toThrow('inputs[1] is a leaf without requiresGrad');
  });

  test('a disposed root', () => {
    const y = leaf([1]).square();
    y.dispose();
    expect(() => backward(y)).toThrow(expect.objectContaining({ code: 'ERR_DISPOSED' }));
    expect(() => y.registerHook(() => undefined)).toThrow(expect.objectContaining({ code: 'ERR_DISPOSED' }));
  });

  test('requiresGrad of whole numbers and of results', () => {
    expect(() => { tensor([1], { dtype: 'int32' }).requiresGrad = true; }).toThrow(
      expect.objectContaining({ code: 'ERR_DTYPE', message: "requiresGrad: the tensor is int32, which has no gradient, expected float32 or float64; convert with .to('float32')" }),
    );
    const y = leaf([1]).square();
    y.requiresGrad = true;
    expect(() => { y.requiresGrad = false; }).toThrow(expect.objectContaining({ code: 'ERR_AUTOGRAD' }));
  });
});

describe('anomaly', () => {
  const caught = (fn: () => unknown): AnomalyError => {
    try {
      anomaly(fn);
    } catch (error) {
      if (error instanceof AnomalyError) return error;
      throw error;
    }
    throw new Error('no anomaly was found');
  };

  test('names the operation of the forward pass', () => {
    const error = caught(() => add(log(tensor([1, -1])), 1));
    expect([error.code, error.operation]).toEqual(['ERR_ANOMALY', 'log']);
    expect(error.message).toBe('log: the first NaN arose here, at element 1 of a result of shape [2], from inputs of shape [2] without NaN');
  });

  test.each([
    ['div', () => tensor([0]).div(0)],
    ['sub', () => tensor([Infinity]).sub(Infinity)],
    ['mm', () => tensor([[Infinity, 1]]).matmul(tensor([[0], [1]]))],
    ['sum', () => sum(tensor([Infinity, -Infinity]))],
    ['mean', () => tensor([Infinity, -Infinity]).mean()],
    ['softmax', () => tensor([-Infinity, -Infinity]).softmax(0)],
    ['pow', () => tensor([-1]).pow(0.5)],
  ])('names %s', (operation, fn) => {
    expect(caught(fn).operation).toBe(operation);
  });

  test('names the operation of the backward pass', () => {
    const x = leaf([0, 1]);
    const error = caught(() => sqrt(x).mul(0).sum().backward());
    expect(error.operation).toBe('derivative of sqrt');
  });

  test('does not mind a NaN that was there before, or none', () => {
    expect(Number.isNaN(anomaly(() => tensor([NaN]).add(1).item()))).toBe(true);
    expect(anomaly(() => tensor([1]).div(0).item())).toBe(Infinity);
  });

  test('is over afterwards', () => {
    expect(() => anomaly(() => { throw new Error('inside'); })).toThrow('inside');
    expect(Number.isNaN(log(tensor(-1)).item())).toBe(true);
  });
});
