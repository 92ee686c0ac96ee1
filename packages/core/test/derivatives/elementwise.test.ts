import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  abs,
  add,
  clamp,
  div,
  exp,
  gradcheck,
  log,
  maximum,
  minimum,
  mul,
  neg,
  pow,
  reciprocal,
  relu,
  sigmoid,
  sign,
  softplus,
  sqrt,
  square,
  sub,
  tanh,
  tensor,
  to,
  where,
  type Shape,
  type Tensor,
} from '../../src/index.js';
import { describeDerivatives, operands } from '../float64.js';

const positive = (shape: Shape): { shape: Shape; low: number; high: number } => ({ shape, low: 0.4, high: 2.5 });

describeDerivatives('functions of one operand', [
  { name: 'neg', of: neg, at: [[2, 3]] },
  { name: 'exp', of: exp, at: [[2, 3]] },
  { name: 'log', of: log, at: [positive([2, 3])] },
  { name: 'sqrt', of: sqrt, at: [positive([2, 3])] },
  { name: 'square', of: square, at: [[2, 3]] },
  { name: 'reciprocal', of: reciprocal, at: [positive([5])] },
  { name: 'abs', of: abs, at: [[7]] },
  { name: 'sign', of: sign, at: [[7]] },
  { name: 'tanh', of: tanh, at: [[2, 3]] },
  { name: 'sigmoid', of: sigmoid, at: [[2, 3]] },
  { name: 'relu', of: relu, at: [[7]] },
  { name: 'softplus', of: softplus, at: [[2, 3]] },
  { name: 'a single number', of: (x) => tanh(exp(x)), at: [[]] },
  { name: 'no element', of: (x) => tanh(exp(x)), at: [[0, 3]] },
  { name: 'clamp on both sides', of: (x) => clamp(x, -0.7, 0.9), at: [[9]] },
  { name: 'clamp from below', of: (x) => clamp(x, 0.1), at: [[9]] },
  { name: 'clamp from above', of: (x) => clamp(x, undefined, 0.1), at: [[9]] },
  { name: 'clamp without limits', of: (x) => clamp(x), at: [[3]] },
  { name: 'to float64, where nothing changes', of: (x) => to(x, 'float64').square(), at: [[3]] },
  { name: 'clone', of: (x) => x.clone().square(), at: [[3]] },
]);

const binary = { add, sub, mul, div, maximum, minimum, pow };

for (const [name, of] of Object.entries(binary)) {
  const two = (a: Shape, b: Shape): { shape: Shape; low: number; high: number }[] => [positive(a), positive(b)];
  describeDerivatives(name, [
    { name: 'equal shapes', of, at: two([2, 3], [2, 3]) },
    { name: 'a row', of, at: two([2, 3], [3]) },
    { name: 'a column', of, at: two([2, 1], [2, 3]) },
    { name: 'outer', of, at: two([3, 1], [1, 2]) },
    { name: 'leading dimensions', of, at: two([3], [2, 1, 3]) },
    { name: 'a single number on the left', of, at: two([], [2, 2]) },
    { name: 'two single numbers', of, at: two([], []) },
    { name: 'one element of rank 2', of, at: two([1, 1], [3]) },
    { name: 'a plain number on the right', of: (x) => of(x, 1.7), at: [positive([2, 3])] },
    { name: 'a plain number on the left', of: (x) => of(1.7, x), at: [positive([2, 3])] },
    { name: 'the same tensor twice', of: (x) => of(x, x.mul(1)), at: [positive([3])] },
    { name: 'no element', of, at: two([0, 3], [1, 3]) },
  ]);
}

describeDerivatives('pow with exponents as numbers', [
  { name: 'negative bases', of: (x) => pow(x, 3), at: [[5]] },
  { name: '2', of: (x) => pow(x, 2), at: [[5]] },
  { name: '1', of: (x) => pow(x, 1), at: [[5]] },
  { name: '0', of: (x) => pow(x, 0), at: [[5]] },
  { name: '-1', of: (x) => pow(x, -1), at: [positive([5])] },
  { name: '0.5', of: (x) => pow(x, 0.5), at: [positive([5])] },
]);

const marks = (): Tensor => tensor([[1], [0]]);

describeDerivatives('where', [
  {
    name: 'two tensors, the condition broadcast',
    of: (a, b) => where(marks(), a, b),
    at: [
      [2, 3],
      [2, 3],
    ],
  },
  { name: 'three shapes', of: (a, b) => where(marks(), a, b), at: [[3], [2, 1]] },
  { name: 'a number on the left', of: (b) => where(marks(), 5, b), at: [[2, 2]] },
  { name: 'a number on the right', of: (a) => where(marks(), a, 5), at: [[]] },
  { name: 'a condition that depends on the operand', of: (x) => where(x.gt(0), x.square(), x.neg()), at: [[6]] },
  {
    name: 'no element',
    of: (a, b) => where(tensor([[1]]), a, b),
    at: [
      [0, 1],
      [1, 2],
    ],
  },
]);

describeDerivatives('one tensor used several times', [
  { name: 'as both factors', of: (x) => x.mul(x), at: [[3]] },
  { name: 'in three places', of: (x) => x.mul(x.exp()).add(x), at: [[3]] },
  {
    name: 'an intermediate result',
    of: (x) => {
      const y = x.tanh();
      return y.mul(y).add(y.exp());
    },
    at: [[3]],
  },
  {
    name: 'returned twice',
    of: (x) => {
      const y = x.square();
      return [y, y];
    },
    at: [[3]],
  },
]);

describe('any shapes that broadcast', () => {
  /**
   * Two shapes that broadcast: a common one, in which each may have dimensions of size 1 or lack
   * leading ones.
   */
  const pair = fc
    .array(fc.tuple(fc.nat(3), fc.boolean(), fc.boolean()), { maxLength: 4 })
    .chain((dims) => fc.tuple(fc.constant(dims), fc.nat(dims.length), fc.nat(dims.length)))
    .map(([dims, dropA, dropB]): [number[], number[]] => [
      dims.map(([size, isOne]) => (isOne ? 1 : size)).slice(dropA),
      dims.map(([size, , isOne]) => (isOne ? 1 : size)).slice(dropB),
    ]);

  test('give the derivatives of central differences', () => {
    fc.assert(
      fc.property(pair, fc.constantFrom(...Object.values(binary)), ([a, b], of) => {
        expect(gradcheck(of, operands(positive(a), positive(b)))).toBe(true);
      }),
      { numRuns: 60, seed: 1 },
    );
  });

  test('give gradients in the shapes of the operands', () => {
    fc.assert(
      fc.property(pair, ([a, b]) => {
        const [x, y] = operands(a, b);
        for (const leaf of [x, y]) leaf.requiresGrad = true;
        x.mul(y).sum().backward();
        expect(x.grad?.shape).toEqual(a);
        expect(y.grad?.shape).toEqual(b);
      }),
      { numRuns: 100, seed: 2 },
    );
  });
});
