import { cpu } from '@rnn/backend-cpu';
import { beforeEach, describe, expect, test } from 'vitest';
import { backward, noGrad, setBackend, tensor, type Tensor } from '../../src/index.js';

beforeEach(async () => setBackend(await cpu()));

const leaf = (values: number | number[]): Tensor => tensor(values, { requiresGrad: true });
const numbers = (x: Tensor | undefined): number[] | undefined => x && Array.from(x.dataSync());

describe('refusals', () => {
  test('a second backward', () => {
    const x = leaf([1, 2]);
    const y = x.square().sum();
    y.backward();
    expect(() => y.backward()).toThrow(
      expect.objectContaining({
        code: 'ERR_AUTOGRAD',
        message:
          'backward: the graph is freed by an earlier backward, expected one that nobody went through yet; cut a state that is carried over to the next pass off with detach(), or pass { retainGraph: true } to the earlier backward',
      }),
    );
    expect(numbers(x.grad)).toEqual([2, 4]);
  });

  test('a backward through a part that was freed', () => {
    const x = leaf([1, 2]);
    const shared = x.square();
    shared.sum().backward();
    expect(() => shared.mul(2).sum().backward()).toThrow(
      'backward: the graph is freed by an earlier backward, expected one that nobody went through yet; cut a state that is carried over to the next pass off with detach(), or pass { retainGraph: true } to the earlier backward',
    );
    expect(numbers(x.grad)).toEqual([2, 4]);
  });

  test('a tensor with several elements', () => {
    const y = leaf([1, 2]).square();
    expect(() => y.backward()).toThrow(
      expect.objectContaining({
        code: 'ERR_AUTOGRAD',
        expected: 'one element',
        received: '[2]',
        message:
          'backward: output has shape [2], expected one element; reduce it (sum, mean) or pass the gradient that comes from behind',
      }),
    );
    y.sum().backward(); // nothing was freed by the refused call
  });

  test('a tensor without gradient', () => {
    expect(() => tensor(1).backward()).toThrow(
      expect.objectContaining({
        code: 'ERR_AUTOGRAD',
        message: expect.stringMatching(/^backward: output is a tensor of shape \[\] without requiresGrad/) as string,
      }),
    );
    expect(() => noGrad(() => leaf(1).mul(2)).backward()).toThrow('made inside noGrad');
  });

  test('a gradient that does not fit', async () => {
    const y = leaf([1, 2]).square();
    expect(() => y.backward(tensor([1]))).toThrow(
      expect.objectContaining({
        code: 'ERR_SHAPE',
        argument: 'gradient',
        message: 'backward: gradient has shape [1], expected [2]',
      }),
    );
    expect(() => y.backward(tensor([1, 1], { dtype: 'float64' }))).toThrow(
      expect.objectContaining({
        code: 'ERR_MIXED_DTYPES',
        argument: 'gradient',
        message: "backward: gradient is float64, expected float32 as the output; convert with .to('float32')",
      }),
    );
    const elsewhere = tensor([1, 1], { backend: await cpu() });
    expect(() => y.backward(elsewhere)).toThrow(expect.objectContaining({ code: 'ERR_MIXED_BACKENDS' }));
    expect(() => y.backward(1 as unknown as Tensor)).toThrow(
      expect.objectContaining({ code: 'ERR_ARGUMENT', argument: 'gradient' }),
    );
  });

  test('inputs that are no leaves', () => {
    const x = leaf([1]);
    const y = x.square();
    expect(() => y.backward(undefined, { inputs: [y] })).toThrow(
      expect.objectContaining({
        code: 'ERR_AUTOGRAD',
        argument: 'inputs[0]',
        message: expect.stringContaining('inputs[0] is the result of an operation, expected a leaf') as string,
      }),
    );
    expect(() => y.backward(undefined, { inputs: [x, tensor([1])] })).toThrow(
      'inputs[1] is a leaf without requiresGrad',
    );
  });

  test('a disposed root', () => {
    const y = leaf([1]).square();
    y.dispose();
    expect(() => backward(y)).toThrow(expect.objectContaining({ code: 'ERR_DISPOSED' }));
    expect(() => y.registerHook(() => undefined)).toThrow(expect.objectContaining({ code: 'ERR_DISPOSED' }));
  });

  test('requiresGrad of whole numbers and of results', () => {
    expect(() => {
      tensor([1], { dtype: 'int32' }).requiresGrad = true;
    }).toThrow(
      expect.objectContaining({
        code: 'ERR_DTYPE',
        message:
          "requiresGrad: the tensor is int32, which has no gradient, expected float32 or float64; convert with .to('float32')",
      }),
    );
    const y = leaf([1]).square();
    y.requiresGrad = true;
    expect(() => {
      y.requiresGrad = false;
    }).toThrow(expect.objectContaining({ code: 'ERR_AUTOGRAD' }));
  });
});
