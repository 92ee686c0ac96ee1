import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  amax,
  amin,
  gradcheck,
  logsumexp,
  logSoftmax,
  max,
  mean,
  min,
  softmax,
  sum,
  tensor,
  type Dims,
  type Shape,
  type Tensor,
} from '../../src/index.js';
import { describeDerivatives, operands, type DerivativeCase } from '../float64.js';

type Reduction = (x: Tensor, dims?: Dims, keepDim?: boolean) => Tensor;

const reductions: Record<string, Reduction> = { sum, mean, amax, amin, logsumexp };
const places: readonly (readonly [name: string, shape: Shape, dims: Dims | undefined])[] = [
  ['all dimensions', [2, 3], undefined],
  ['an empty list, which means all', [2, 3], []],
  ['the first', [2, 3], 0],
  ['the last', [2, 3], -1],
  ['the middle', [2, 3, 2], 1],
  ['neighbours', [2, 3, 2], [0, 1]],
  ['both ends', [2, 3, 2], [2, 0]],
  ['alternating ones', [2, 2, 2, 2], [0, 2]],
  ['a dimension of size 1', [3, 1], 1],
  ['a single number', [], undefined],
  ['dimension 0 of a single number', [], 0],
];

for (const [name, of] of Object.entries(reductions)) {
  describeDerivatives(
    name,
    places.flatMap(([place, shape, dims]): DerivativeCase[] => [
      { name: place, of: (x) => of(x, dims).square(), at: [shape] },
      { name: `${place}, kept`, of: (x) => of(x, dims, true).square(), at: [shape] },
    ]),
  );
}

describeDerivatives('values at a position', [
  { name: 'max along a dimension', of: (x) => max(x, 1).values.square(), at: [[2, 3]] },
  { name: 'min along a dimension', of: (x) => min(x, 0).values.square(), at: [[2, 3]] },
  { name: 'max, kept', of: (x) => max(x, 1, true).values.square(), at: [[2, 3, 2]] },
  { name: 'max of everything', of: (x) => max(x).square(), at: [[2, 3]] },
  { name: 'min of everything', of: (x) => min(x).square(), at: [[2, 3]] },
  { name: 'max of a single number', of: (x) => max(x, 0).values.square(), at: [[]] },
]);

describeDerivatives('softmax and its logarithm', [
  { name: 'softmax', of: (x) => softmax(x, -1), at: [[2, 3]] },
  { name: 'softmax of the first dimension', of: (x) => softmax(x, 0), at: [[2, 3]] },
  { name: 'softmax of the middle', of: (x) => softmax(x, 1), at: [[2, 3, 2]] },
  { name: 'softmax of a single number', of: (x) => softmax(x, 0), at: [[]] },
  { name: 'softmax of nothing', of: (x) => softmax(x, 1), at: [[2, 0]] },
  { name: 'logSoftmax', of: (x) => logSoftmax(x, -1), at: [[2, 3]] },
  { name: 'logSoftmax of the first dimension', of: (x) => logSoftmax(x, 0), at: [[2, 3]] },
  { name: 'logSoftmax of a single number', of: (x) => logSoftmax(x, 0), at: [[]] },
  { name: 'logSoftmax of nothing', of: (x) => logSoftmax(x, 1), at: [[2, 0]] },
]);

describe('any shape and dimensions', () => {
  test('give the derivatives of central differences', () => {
    const place = fc
      .array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 4 })
      .chain((shape) => fc.tuple(fc.constant(shape), fc.subarray(shape.map((_, i) => i)), fc.boolean()));
    fc.assert(
      fc.property(place, fc.constantFrom(...Object.values(reductions)), ([shape, dims, keepDim], of) => {
        expect(gradcheck((x) => of(x, dims, keepDim).square(), operands(shape))).toBe(true);
      }),
      { numRuns: 80, seed: 6 },
    );
  });
});

test('amax and amin share the gradient of a tie evenly, max and min with positions do not', () => {
  const gradientOf = (of: (x: Tensor) => Tensor): readonly number[] => {
    const x = tensor([3, 1, 3, 1, 3], { requiresGrad: true });
    of(x).backward();
    return Array.from(x.grad?.dataSync() ?? []).map((value) => Math.round(value * 1e6) / 1e6);
  };
  expect(gradientOf((x) => amax(x))).toEqual([0.333333, 0, 0.333333, 0, 0.333333]);
  expect(gradientOf((x) => max(x))).toEqual([0.333333, 0, 0.333333, 0, 0.333333]);
  expect(gradientOf((x) => amin(x))).toEqual([0, 0.5, 0, 0.5, 0]);
  expect(gradientOf((x) => max(x, 0).values)).toEqual([1, 0, 0, 0, 0]);
  expect(gradientOf((x) => min(x, 0).values)).toEqual([0, 1, 0, 0, 0]);
});
