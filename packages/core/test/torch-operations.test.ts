import { cpu } from '@rnn/backend-cpu';
import { beforeAll, describe, expect, test } from 'vitest';
import * as core from '../src/index.js';
import { fromData, setBackend, tensor, type PadMode, type Tensor } from '../src/index.js';
import torchOperations from './cases/torch-operations.json' with { type: 'json' };

interface Listed {
  readonly shape: number[];
  readonly values: (number | string)[];
}

/**
 * What PyTorch computed in float64 (cases/operations.py), with a gradient of 1, 2, 3 ... from
 * behind into the first result.
 */
interface OperationCase {
  readonly name: string;
  readonly operands: Listed[];
  readonly results: Listed[];
  /** Empty where the result has none; 'differ' where ours are others, as documented. */
  readonly gradients: Listed[] | 'differ';
}

type Call = (...operands: Tensor[]) => Tensor | readonly Tensor[];

const both = ({ values, indices }: core.ValuesAndIndices<Tensor>): Tensor[] => [values, indices];

const calls: Record<string, Call> = {
  var: (x) => x.var(),
  std: (x) => x.std(),
  'var, correction 0': (x) => x.var(undefined, { correction: 0 }),
  'std, correction 0': (x) => x.std(undefined, { correction: 0 }),
  'var, correction 4': (x) => x.var(undefined, { correction: 4 }),
  'var of dim 1': (x) => core.var(x, 1),
  'std of dim 1': (x) => core.std(x, 1),
  'var of dims 0 and 1, kept': (x) => core.variance(x, [0, 1], true),
  'std of dims 0 and 1, kept': (x) => core.std(x, [0, 1], { keepDim: true }),
  'norm 2 of dim 0, kept': (x) => x.norm(2, 0, true),
  prod: (x) => x.prod(),
  'prod of dim 1, kept': (x) => x.prod(1, true),
  cumsum: (x) => x.cumsum(0),
  'cumsum of dim 1': (x) => x.cumsum(1),
  cumprod: (x) => x.cumprod(0),
  'cumprod of dim 0': (x) => x.cumprod(0),
  any: (x) => x.any(),
  all: (x) => x.all(),
  'any of dim 0': (x) => x.any(0),
  'all of dim 0': (x) => x.all(0),
  sort: (x) => both(x.sort()),
  'sort, descending': (x) => both(x.sort(-1, { descending: true })),
  'sort of dim 0': (x) => both(x.sort(0)),
  argsort: (x) => x.argsort(),
  'topk 2 of dim 1': (x) => both(x.topk(2, 1)),
  'topk 3, smallest': (x) => both(x.topk(3, -1, { largest: false })),
  floor: (x) => x.floor(),
  ceil: (x) => x.ceil(),
  trunc: (x) => x.trunc(),
  round: (x) => x.round(),
  erf: (x) => x.erf(),
  sin: (x) => x.sin(),
  cos: (x) => x.cos(),
  isnan: (x) => x.isnan(),
  isinf: (x) => x.isinf(),
  isfinite: (x) => x.isfinite(),
  silu: (x) => x.silu(),
  gelu: (x) => x.gelu(),
  'gelu, tanh': (x) => x.gelu({ approximate: 'tanh' }),
  maskedFill: (x, value) => x.maskedFill(tensor([[1, 0, 1]], { dtype: 'float64' }), value),
  'pad constant [1, 2, -1, 3] with 9': (x) => x.pad([1, 2, -1, 3], 'constant', 9),
  'unfold 0 2 1': (x) => x.unfold(0, 2, 1),
  'unfold 1 2 3': (x) => x.unfold(1, 2, 3),
  'unfold 0 3 2': (x) => x.unfold(0, 3, 2),
  isclose: (a, b) => a.isclose(b),
  'isclose, looser, NaN too': (a, b) => a.isclose(b, { rtol: 1e-3, atol: 1e-6, equalNan: true }),
};
for (const p of [0, 0.5, 1, 1.5, 2, 3]) calls[`norm ${p}`] = (x) => x.norm(p);
calls['norm inf'] = (x) => x.norm(Infinity);
calls['norm -inf'] = (x) => x.norm(-Infinity);
for (const diagonal of [-5, -1, 0, 1, 2]) {
  calls[`tril ${diagonal}`] = (x) => x.tril(diagonal);
  calls[`triu ${diagonal}`] = (x) => x.triu(diagonal);
}
for (const mode of ['reflect', 'replicate', 'circular'] satisfies PadMode[]) {
  calls[`pad ${mode} [2, 1]`] = (x) => x.pad([2, 1], mode);
  calls[`pad ${mode} [1, 2, 2, 1]`] = (x) => x.pad([1, 2, 2, 1], mode);
}

const words: Record<string, number> = { nan: NaN, inf: Infinity, '-inf': -Infinity, '-0': -0 };
const numbers = ({ values }: Listed): number[] =>
  values.map((value) => (typeof value === 'string' ? words[value] : value));

/**
 * Rounded to 12 digits, which the last places of the engine's functions do not reach; both zeros as
 * 0.
 */
const rounded = (values: ArrayLike<number>): number[] =>
  Array.from(values, (value) => Number(value.toPrecision(12)) + 0);

const titled = (torchOperations as OperationCase[]).map((each) => {
  const operands = each.operands.map(({ values }) => (values.length > 6 ? `${values.length}` : values.join(' ')));
  return { ...each, title: `${each.name} of ${operands.join(' and ')}` };
});

beforeAll(async () => setBackend(await cpu()));

describe('values and gradients are those of PyTorch', () => {
  test.each(titled)('$title', ({ name, operands, results, gradients }) => {
    const tensors = operands.map((operand) =>
      fromData(numbers(operand), operand.shape, { dtype: 'float64', requiresGrad: true }),
    );
    const called = calls[name](...tensors);
    const ours = called instanceof core.Tensor ? [called] : called;
    ours.forEach((y, i) => {
      expect(y.shape).toEqual(results[i].shape);
      expect(rounded(y.dataSync())).toEqual(rounded(numbers(results[i])));
    });
    const [y] = ours;
    expect(y.requiresGrad).toBe(gradients.length > 0);
    if (gradients === 'differ' || gradients.length === 0) return;
    const behind = Float64Array.from({ length: y.size }, (_, i) => i + 1);
    const grads = core.grad(y, tensors, { gradient: fromData(behind, y.shape) });
    grads.forEach((grad, i) => expect(rounded(grad.dataSync())).toEqual(rounded(numbers(gradients[i]))));
  });
});

test('rounding keeps the sign of a zero', () => {
  const x = tensor([-0, -0.25, 0.25], { dtype: 'float64' });
  expect([...x.floor().dataSync()]).toEqual([-0, -1, 0]);
  expect([...x.ceil().dataSync()]).toEqual([-0, -0, 1]);
  expect([...x.round().dataSync()]).toEqual([-0, -0, 0]);
});

test('a product has a gradient at NaN and Infinity: the product of the others', () => {
  for (const odd of [NaN, Infinity]) {
    const x = tensor([odd, 2, 3], { requiresGrad: true });
    x.prod().backward();
    expect([...(x.grad as Tensor).dataSync()]).toEqual([6, 3 * odd, 2 * odd]);
  }
});

test('a seed gives the permutation of PyTorch', () => {
  const generator = new core.Generator(0);
  expect(core.randperm(4, { generator }).toArray()).toEqual([0, 1, 3, 2]);
  expect(core.randperm(0).shape).toEqual([0]);
});
