import { cpu } from '@rnn/backend-cpu';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  concat,
  customOperation,
  linear,
  scope,
  setBackend,
  softmax,
  tensor,
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

describe('operations', () => {
  const x = (): Tensor =>
    tensor([
      [1, 2, 3],
      [4, 5, 6],
    ]);
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
    ['var', (x) => x.var()],
    ['std', (x) => x.std(1)],
    ['norm', (x) => x.norm(Infinity)],
    ['prod', (x) => x.prod()],
    ['prod of one place', (x) => x.prod([])],
    ['cumsum', (x) => x.cumsum(1)],
    ['cumprod', (x) => x.cumprod(0)],
    ['any', (x) => x.any()],
    ['all', (x) => x.all(1)],
    ['isfinite', (x) => x.isfinite()],
    ['isclose', (x) => x.isclose(x, { equalNan: true })],
    ['round', (x) => x.round()],
    ['erf', (x) => x.erf()],
    ['sin', (x) => x.sin()],
    ['cos', (x) => x.cos()],
    ['gelu', (x) => x.gelu()],
    ['silu', (x) => x.silu()],
    ['maskedFill', (x) => x.maskedFill(x, 2)],
    ['tril', (x) => x.tril()],
    ['pad', (x) => x.pad([1, 2], 'reflect')],
    ['unfold', (x) => x.unfold(1, 2, 1)],
    ['argsort', (x) => x.argsort()],
    ['sort', (x) => x.sort().values],
    ['multinomial', (x) => x.multinomial(2)],
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
      forward: () => {
        const square = w.square();
        return { result: square.mul(w), saved: [square] };
      },
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
