import { cpu } from '@rnn/backend-cpu';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  abs,
  add,
  amax,
  amin,
  clamp,
  div,
  exp,
  fromData,
  log,
  logsumexp,
  logSoftmax,
  matmul,
  max,
  maximum,
  mean,
  min,
  minimum,
  mul,
  neg,
  pow,
  reciprocal,
  relu,
  setBackend,
  sigmoid,
  sign,
  softmax,
  softplus,
  sqrt,
  square,
  sub,
  sum,
  tanh,
  tensor,
  where,
  type Tensor,
} from '../src/index.js';
import torchSpecialValues from './cases/torch-special-values.json' with { type: 'json' };

interface Listed {
  readonly shape: number[];
  readonly values: (number | string)[];
}

/**
 * What PyTorch computed in float64 (cases/generate.py), with a gradient of 1, 2, 3 ... from behind.
 */
interface SpecialCase {
  readonly name: string;
  readonly operands: Listed[];
  readonly result: Listed;
  readonly gradients: Listed[];
}

const operations: Record<string, (...operands: Tensor[]) => Tensor> = {
  neg,
  exp,
  log,
  sqrt,
  square,
  reciprocal,
  abs,
  sign,
  tanh,
  sigmoid,
  relu,
  softplus,
  add,
  sub,
  mul,
  div,
  maximum,
  minimum,
  pow,
  matmul: (a, b) => matmul(a, b),
  sum: (x) => sum(x),
  mean: (x) => mean(x),
  amax: (x) => amax(x),
  amin: (x) => amin(x),
  max: (x) => max(x),
  min: (x) => min(x),
  logsumexp: (x) => logsumexp(x),
  'clamp(-1, 1)': (x) => clamp(x, -1, 1),
  'clamp(0)': (x) => clamp(x, 0),
  'clamp(undefined, 0.5)': (x) => clamp(x, undefined, 0.5),
  where: (a, b) => where(tensor([1, 0, 1, 0]), a, b),
  softmax: (x) => softmax(x, 0),
  logSoftmax: (x) => logSoftmax(x, 0),
  'max at a position': (x) => max(x, 0).values,
  'min at a position': (x) => min(x, 0).values,
};
for (const exponent of [0, 1, 2, 3, -1, 0.5]) operations[`pow(${exponent})`] = (x) => pow(x, exponent);
for (const base of [0, 1, 2]) operations[`${base} to the power`] = (x) => pow(base, x);

const words: Record<string, number> = { nan: NaN, inf: Infinity, '-inf': -Infinity };
const numbers = ({ values }: Listed): number[] =>
  values.map((value) => (typeof value === 'string' ? words[value] : value));

/**
 * Rounded to 12 digits, which the last places of the engine's functions do not reach; both zeros as
 * 0.
 */
const rounded = (values: ArrayLike<number>): number[] =>
  Array.from(values, (value) => Number(value.toPrecision(12)) + 0);

const titled = (torchSpecialValues as SpecialCase[]).map((special) => {
  const operands = special.operands.map((operand) =>
    operand.values.length > 12 ? `[${operand.shape.join()}]` : operand.values.join(' '),
  );
  return { ...special, title: `${special.name} of ${operands.join(' and ')}` };
});

beforeAll(async () => setBackend(await cpu()));

describe('values and gradients at the corners are those of PyTorch', () => {
  test.each(titled)('$title', ({ name, operands, result, gradients }) => {
    const tensors = operands.map((operand) =>
      fromData(numbers(operand), operand.shape, { dtype: 'float64', requiresGrad: true }),
    );
    const y = operations[name](...tensors);
    expect(y.shape).toEqual(result.shape);
    expect(rounded(y.dataSync())).toEqual(rounded(numbers(result)));
    y.backward(
      fromData(
        Array.from({ length: y.size }, (_, i) => i + 1),
        y.shape,
        { dtype: 'float64' },
      ),
    );
    tensors.forEach((x, i) => expect(rounded(x.grad?.dataSync() ?? [])).toEqual(rounded(numbers(gradients[i]))));
  });
});
