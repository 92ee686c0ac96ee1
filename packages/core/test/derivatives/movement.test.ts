import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  chunk,
  concat,
  expand,
  flatten,
  flip,
  gradcheck,
  narrow,
  permute,
  reshape,
  select,
  slice,
  split,
  squeeze,
  stack,
  t,
  transpose,
  unbind,
  unsqueeze,
  type Tensor,
} from '../../src/index.js';
import { describeDerivatives, operands } from '../float64.js';

// A power behind each, so that the second derivative is not zero everywhere.
const cubed = (results: Tensor | readonly Tensor[]): readonly Tensor[] =>
  (Array.isArray(results) ? (results as readonly Tensor[]) : [results as Tensor]).map((x) => x.pow(3));

describeDerivatives('shapes', [
  { name: 'reshape', of: (x) => cubed(reshape(x, [3, -1])), at: [[2, 3]] },
  { name: 'reshape to a single number', of: (x) => cubed(reshape(x, [])), at: [[1, 1]] },
  { name: 'flatten', of: (x) => cubed(flatten(x, 1)), at: [[2, 2, 2]] },
  { name: 'flatten a single number', of: (x) => cubed(flatten(x)), at: [[]] },
  { name: 'squeeze', of: (x) => cubed(squeeze(x)), at: [[1, 3, 1]] },
  { name: 'squeeze one dimension', of: (x) => cubed(squeeze(x, 0)), at: [[1, 3, 1]] },
  { name: 'unsqueeze', of: (x) => cubed(unsqueeze(x, -1)), at: [[2, 3]] },
  { name: 'expand', of: (x) => cubed(expand(x, [2, 3, -1])), at: [[3, 1]] },
  { name: 'expand the middle', of: (x) => cubed(expand(x, [2, 4, 3])), at: [[2, 1, 3]] },
  { name: 'expand a single number', of: (x) => cubed(expand(x, [2, 2])), at: [[]] },
  { name: 'expand to nothing', of: (x) => cubed(expand(x, [0, 2])), at: [[1, 2]] },
]);

describeDerivatives('order', [
  { name: 'permute', of: (x) => cubed(permute(x, [2, 0, 1])), at: [[2, 3, 2]] },
  { name: 'permute with a negative dimension', of: (x) => cubed(permute(x, [-1, 0, 1])), at: [[2, 3, 2]] },
  { name: 'permute of nothing', of: (x) => cubed(permute(x, [])), at: [[]] },
  { name: 'transpose', of: (x) => cubed(transpose(x, 0, -1)), at: [[2, 3, 2]] },
  { name: 't of a matrix', of: (x) => cubed(t(x)), at: [[2, 3]] },
  { name: 't of a vector', of: (x) => cubed(t(x)), at: [[3]] },
  { name: 'flip', of: (x) => cubed(flip(x, 1)), at: [[2, 3]] },
  { name: 'flip of several dimensions', of: (x) => cubed(flip(x, [0, 2])), at: [[2, 3, 2]] },
]);

describeDerivatives('parts', [
  { name: 'slice', of: (x) => cubed(slice(x, 1, 1, 3)), at: [[2, 4]] },
  { name: 'slice with a step', of: (x) => cubed(slice(x, 0, 1, undefined, 3)), at: [[8, 2]] },
  { name: 'slice with a step that ends at the edge', of: (x) => cubed(slice(x, 0, 0, undefined, 3)), at: [[7]] },
  { name: 'slice with negative ends', of: (x) => cubed(slice(x, 0, -3, -1)), at: [[5]] },
  { name: 'slice of nothing', of: (x) => cubed(slice(x, 0, 3, 1)), at: [[5]] },
  { name: 'narrow', of: (x) => cubed(narrow(x, -1, 1, 2)), at: [[2, 4]] },
  { name: 'select', of: (x) => cubed(select(x, 1, -1)), at: [[2, 3]] },
  { name: 'select down to a single number', of: (x) => cubed(select(x, 0, 2)), at: [[3]] },
  { name: 'split into equal pieces', of: (x) => cubed(split(x, 2)), at: [[5, 2]] },
  { name: 'split into listed pieces', of: (x) => cubed(split(x, [1, 0, 3], 1)), at: [[2, 4]] },
  { name: 'split, only the first piece used', of: (x) => cubed(split(x, [1, 2, 2])[0]), at: [[5]] },
  { name: 'split, only the middle piece used', of: (x) => cubed(split(x, [1, 2, 2], 1)[1]), at: [[2, 5]] },
  { name: 'chunk', of: (x) => cubed(chunk(x, 3, -1)), at: [[2, 5]] },
  { name: 'chunk, only the last used', of: (x) => cubed(chunk(x, 4, -1)[3]), at: [[2, 4]] },
  { name: 'unbind', of: (x) => cubed(unbind(x, 1)), at: [[2, 3, 2]] },
  {
    name: 'unbind, one used twice, one not at all',
    of: (x) => {
      const [a, b] = unbind(x);
      return a.mul(a).mul(b);
    },
    at: [[3, 2]],
  },
  { name: 'unbind of a vector', of: (x) => cubed(unbind(x)), at: [[3]] },
]);

describeDerivatives('joining', [
  {
    name: 'concat',
    of: (a, b) => cubed(concat([a, b])),
    at: [
      [1, 3],
      [2, 3],
    ],
  },
  {
    name: 'concat of the last dimension',
    of: (a, b, c) => cubed(concat([a, b, c], -1)),
    at: [
      [2, 1],
      [2, 3],
      [2, 2],
    ],
  },
  { name: 'concat of one tensor twice', of: (a) => cubed(concat([a, a], 1)), at: [[2, 2]] },
  {
    name: 'concat with nothing',
    of: (a, b) => cubed(concat([a, b])),
    at: [
      [0, 2],
      [2, 2],
    ],
  },
  {
    name: 'stack in front',
    of: (a, b) => cubed(stack([a, b])),
    at: [
      [2, 2],
      [2, 2],
    ],
  },
  {
    name: 'stack behind',
    of: (a, b) => cubed(stack([a, b], -1)),
    at: [
      [2, 2],
      [2, 2],
    ],
  },
  { name: 'stack of single numbers', of: (a, b) => cubed(stack([a, b])), at: [[], []] },
]);

describe('any shape', () => {
  const shapes = fc.array(fc.nat(3), { minLength: 1, maxLength: 4 });

  test('slices have the derivatives of central differences', () => {
    const cut = shapes.chain((shape) =>
      fc.record({
        shape: fc.constant(shape),
        dim: fc.nat(shape.length - 1),
        start: fc.integer({ min: -5, max: 5 }),
        end: fc.integer({ min: -5, max: 5 }),
        step: fc.integer({ min: 1, max: 4 }),
      }),
    );
    fc.assert(
      fc.property(cut, ({ shape, dim, start, end, step }) => {
        expect(gradcheck((x) => slice(x, dim, start, end, step).square(), operands(shape))).toBe(true);
      }),
      { numRuns: 80, seed: 3 },
    );
  });

  test('slices hold what Array.slice holds', () => {
    const bounds = fc.record({
      length: fc.nat(9),
      start: fc.integer({ min: -12, max: 12 }),
      end: fc.integer({ min: -12, max: 12 }),
      step: fc.integer({ min: 1, max: 4 }),
    });
    fc.assert(
      fc.property(bounds, ({ length, start, end, step }) => {
        const [x] = operands([length]);
        const expected = Array.from(x.dataSync())
          .slice(start, end)
          .filter((_, i) => i % step === 0);
        expect(Array.from(slice(x, 0, start, end, step).dataSync())).toEqual(expected);
      }),
      { numRuns: 200, seed: 4 },
    );
  });

  test('permute, flip, split and stack undo what they do', () => {
    const moved = shapes.chain((shape) =>
      fc.record({
        shape: fc.constant(shape),
        dim: fc.nat(shape.length - 1),
        order: fc.shuffledSubarray(
          shape.map((_, i) => i),
          { minLength: shape.length },
        ),
        size: fc.integer({ min: 1, max: 3 }),
      }),
    );
    fc.assert(
      fc.property(moved, ({ shape, dim, order, size }) => {
        const [x] = operands(shape);
        const expected = x.toArray();
        expect(
          permute(
            permute(x, order),
            order.map((_, i) => order.indexOf(i)),
          ).toArray(),
        ).toEqual(expected);
        expect(flip(flip(x, order), order).toArray()).toEqual(expected);
        expect(concat(split(x, size, dim), dim).toArray()).toEqual(expected);
        if (shape[dim] > 0) expect(stack(unbind(x, dim), dim).toArray()).toEqual(expected);
      }),
      { numRuns: 100, seed: 5 },
    );
  });
});
