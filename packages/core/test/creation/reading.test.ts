import { inspect } from 'node:util';
import { cpu } from '@rnn/backend-cpu';
import { beforeEach, describe, expect, test } from 'vitest';
import { setBackend, stack, tensor, zeros, type Tensor } from '../../src/index.js';

beforeEach(async () => setBackend(await cpu()));

describe('reading', () => {
  const x = (): Tensor =>
    tensor([
      [1, 2, 3],
      [4, 5, 6],
    ]);

  test('data, dataSync, toArray and item', async () => {
    expect(await x().data()).toEqual(new Float32Array([1, 2, 3, 4, 5, 6]));
    expect(x().dataSync()).toEqual(new Float32Array([1, 2, 3, 4, 5, 6]));
    expect(x().toArray()).toEqual([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    expect(zeros([2, 0]).toArray()).toEqual([[], []]);
    expect([tensor(3).item(), tensor([[4]]).item()]).toEqual([3, 4]);
    expect([x().rank, x().size, tensor(3).rank, tensor(3).size]).toEqual([2, 6, 0, 1]);
  });

  test('item refuses more or less than one element', () => {
    expect(() => x().item()).toThrow(
      expect.objectContaining({
        code: 'ERR_SHAPE',
        expected: 'one element',
        received: '[2, 3]',
        message: 'item: the tensor has shape [2, 3], expected one element; use dataSync() or toArray()',
      }),
    );
    expect(() => zeros([0]).item()).toThrow(expect.objectContaining({ code: 'ERR_SHAPE' }));
  });

  test('a tensor is not iterable, so that toEqual compares it as a whole', () => {
    expect(() => [...(x() as unknown as Iterable<number>)]).toThrow(TypeError);
  });
});

describe('printing', () => {
  const w = (): Tensor =>
    tensor(
      [
        [1, 2],
        [3, 4],
      ],
      { requiresGrad: true },
    );
  const v = (): Tensor => tensor([1, 2], { requiresGrad: true });
  const index = (): Tensor => tensor([0, 1], { dtype: 'int32' });

  test('shows numbers as PyTorch does, as a string and in console.log', () => {
    const x = tensor([
      [1.5, -2],
      [0.25, 3],
    ]);
    const text = 'tensor([[ 1.5000, -2.0000],\n        [ 0.2500,  3.0000]])';
    expect([String(x), inspect(x), inspect({ x })]).toEqual([text, text, `{\n  x: ${text.replace('\n', '\n  ')}\n}`]);
  });

  test.each<[Tensor | (() => Tensor), string]>([
    [() => tensor(3.5), 'tensor(3.5000)'],
    [() => tensor([1, 2], { dtype: 'int32' }), 'tensor([1, 2], dtype=torch.int32)'],
    [() => tensor([1], { dtype: 'float64' }), 'tensor([1.], dtype=torch.float64)'],
    [() => zeros([2, 0]), 'tensor([], size=(2, 0))'],
    [v, 'tensor([1., 2.], requires_grad=True)'],
    [() => v().detach(), 'tensor([1., 2.])'],
  ])('%#', (make, text) => {
    expect(String(typeof make === 'function' ? make() : make)).toBe(text);
  });

  test.each<[string, () => Tensor]>([
    ['Tanh', () => v().tanh()],
    ['Sigmoid', () => v().sigmoid()],
    ['Relu', () => v().relu()],
    ['Softplus', () => v().softplus()],
    ['Exp', () => v().exp()],
    ['Log', () => v().log()],
    ['Sqrt', () => v().sqrt()],
    ['Abs', () => v().abs()],
    ['Neg', () => v().neg()],
    ['Reciprocal', () => v().reciprocal()],
    ['Add', () => v().add(1)],
    ['Sub', () => v().sub(1)],
    ['Mul', () => v().mul(2)],
    ['Div', () => v().div(2)],
    ['Pow', () => v().pow(2)],
    ['Maximum', () => v().maximum(v())],
    ['Minimum', () => v().minimum(v())],
    ['Clamp', () => v().clamp(0, 1)],
    ['Where', () => v().where(v().gt(1), 0)],
    ['Mm', () => w().matmul(w())],
    ['Mv', () => w().matmul(v())],
    ['Dot', () => v().matmul(v())],
    ['Bmm', () => w().unsqueeze(0).matmul(w().unsqueeze(0))],
    ['Sum', () => w().sum()],
    ['Mean', () => w().mean()],
    ['Amax', () => w().amax(0)],
    ['Amin', () => w().amin(0)],
    ['Max', () => w().max()],
    ['Max', () => w().max(0).values],
    ['Min', () => w().min()],
    ['Logsumexp', () => w().logsumexp(0)],
    ['Softmax', () => w().softmax(0)],
    ['LogSoftmax', () => w().logSoftmax(0)],
    ['View', () => w().reshape([4])],
    ['View', () => w().flatten()],
    ['Squeeze', () => w().squeeze()],
    ['Unsqueeze', () => w().unsqueeze(0)],
    ['Permute', () => w().permute([1, 0])],
    ['Transpose', () => w().transpose(0, 1)],
    ['T', () => w().t()],
    ['Slice', () => w().slice(0, 1)],
    ['Slice', () => w().narrow(0, 0, 1)],
    ['Select', () => w().select(0, 1)],
    ['Unbind', () => w().unbind()[0]],
    ['Split', () => w().split(1)[0]],
    ['Split', () => w().chunk(2)[0]],
    ['Flip', () => w().flip(0)],
    ['Expand', () => v().expand([3, 2])],
    ['Stack', () => stack([v(), v()])],
    ['Gather', () => v().gather(0, index())],
    ['IndexSelect', () => v().indexSelect(0, index())],
    ['ScatterAdd', () => v().scatterAdd(0, index(), v())],
    ['Clone', () => v().clone()],
    ['ToCopy', () => v().to('float64')],
  ])('names the derivative %sBackward0 as PyTorch does', (name, make) => {
    expect(String(make())).toMatch(new RegExp(`grad_fn=<${name}Backward0>\\)$`));
  });
});
