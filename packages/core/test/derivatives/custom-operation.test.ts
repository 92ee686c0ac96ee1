import { cpu } from '@rnn/backend-cpu';
import { beforeAll, describe, expect, test } from 'vitest';
import { customOperation, gradcheck, setBackend, tensor, type CustomOperation, type Tensor } from '../../src/index.js';
import { describeDerivatives, operands } from '../float64.js';

/** x^3 with the operand saved. */
const cube = (x: Tensor): Tensor =>
  customOperation({
    name: 'cube',
    inputs: [x],
    forward: () => ({ result: x.pow(3), saved: [x] }),
    derivatives: [(grad, [x]) => grad.mul(x.square()).mul(3)],
  });

/** exp(x) with the result saved. */
const power = (x: Tensor): Tensor =>
  customOperation({
    name: 'power',
    inputs: [x],
    forward: () => {
      const result = x.exp();
      return { result, saved: [result] };
    },
    derivatives: [(grad, [y]) => grad.mul(y)],
  });

/** a b + a, where one derivative reads a value that only the operation has. */
const blend = (a: Tensor, b: Tensor): Tensor =>
  customOperation({
    name: 'blend',
    inputs: [a, b],
    forward: () => ({ result: a.mul(b).add(a), saved: [a, b] }),
    derivatives: [(grad, [, b]) => grad.mul(b.add(1)), (grad, [a]) => grad.mul(a)],
  });

describeDerivatives('operations of a user', [
  { name: 'with the operand saved', of: cube, at: [[2, 3]] },
  { name: 'with the result saved', of: power, at: [[2, 3]] },
  { name: 'with two operands', of: blend, at: [[3], [3]] },
  {
    name: 'that returns its operand',
    of: (x) =>
      customOperation({
        name: 'same',
        inputs: [x],
        forward: () => ({ result: x }),
        derivatives: [(grad) => grad],
      }).square(),
    at: [[3]],
  },
  {
    name: 'whose derivative is a value that it saved',
    of: (x) =>
      customOperation({
        name: 'total',
        inputs: [x],
        forward: () => ({ result: x.sum(), saved: [x.mul(0).add(1)] }),
        derivatives: [(grad, [ones]) => ones.mul(grad)],
      }).square(),
    at: [[3]],
  },
]);

describe('customOperation', () => {
  beforeAll(async () => setBackend(await cpu()));

  const operation = (x: Tensor, changes: Partial<CustomOperation>): Tensor =>
    customOperation({
      name: 'twice',
      inputs: [x],
      forward: () => ({ result: x.mul(2) }),
      derivatives: [(grad) => grad.mul(2)],
      ...changes,
    });

  test('prints its name as that of its derivative', () => {
    expect(String(operation(tensor([1], { requiresGrad: true }), {}))).toBe('tensor([2.], grad_fn=<TwiceBackward0>)');
  });

  test('is not recorded where nothing requires a gradient', () => {
    expect(operation(tensor([1]), {}).requiresGrad).toBe(false);
  });

  test('leaves its operand a leaf when it returns it', () => {
    const x = tensor([1], { requiresGrad: true });
    const y = operation(x, { forward: () => ({ result: x }) });
    expect([x.isLeaf, y.isLeaf]).toEqual([true, false]);
  });

  test('keeps a saved tensor of somebody else alive', () => {
    const weights = tensor([3]);
    const x = tensor([1], { requiresGrad: true });
    const y = operation(x, {
      forward: () => ({ result: x.mul(weights), saved: [weights] }),
      derivatives: [(grad, [w]) => grad.mul(w)],
    });
    y.backward();
    expect(weights.isDisposed).toBe(false);
    expect(x.grad?.item()).toBe(3);
  });

  test('calls the derivatives only of inputs that want a gradient', () => {
    const a = tensor([1], { requiresGrad: true });
    const b = tensor([1]);
    const called: string[] = [];
    const noted = (name: string) => (grad: Tensor) => {
      called.push(name);
      return grad;
    };
    customOperation({
      name: 'pair',
      inputs: [a, b],
      forward: () => ({ result: a.add(b) }),
      derivatives: [noted('a'), noted('b')],
    }).backward();
    expect(called).toEqual(['a']);
  });

  test('refuses a number of derivatives that differs from that of inputs', () => {
    expect(() => operation(tensor([1]), { derivatives: [] })).toThrow(
      expect.objectContaining({
        code: 'ERR_ARGUMENT',
        argument: 'derivatives',
        message: 'twice: derivatives has length 0, expected 1, one an input',
      }),
    );
  });

  test('refuses a derivative of another shape than its input', () => {
    const x = tensor([1, 2], { requiresGrad: true });
    const y = operation(x, { derivatives: [(grad) => grad.sum()] });
    expect(() => y.sum().backward()).toThrow(
      expect.objectContaining({
        code: 'ERR_AUTOGRAD',
        message: 'twice: a derivative has shape [], expected that of its input, [2]',
      }),
    );
  });

  test('a wrong derivative is found by gradcheck', () => {
    const wrong = (x: Tensor): Tensor => operation(x, { derivatives: [(grad) => grad.mul(3)] });
    expect(() => gradcheck(wrong, operands([2]))).toThrow(
      expect.objectContaining({
        code: 'ERR_AUTOGRAD',
        message: expect.stringMatching(
          /^gradcheck: the derivative with respect to element 0 of input 0 is 1\.5, expected 0?\.?\d+.* by central differences$/,
        ) as string,
      }),
    );
  });
});

test('a derivative must have the type of its input', () => {
  const x = tensor([1, 2], { requiresGrad: true });
  const y = customOperation({
    name: 'twice',
    inputs: [x],
    forward: () => ({ result: x.mul(2) }),
    derivatives: [(g) => g.mul(2).to('float64')],
  });
  expect(() => y.sum().backward()).toThrow(
    expect.objectContaining({
      code: 'ERR_AUTOGRAD',
      message: 'twice: a derivative is float64, expected the type of its input, float32',
    }),
  );
});
