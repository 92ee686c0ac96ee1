import * as fc from 'fast-check';
import * as core from '@rnn/core';
import { sizeOf, type Shape } from '@rnn/core';
import { indicesOf, picked, PlainTensor } from '../plain/plain-tensor.js';
import {
  constant,
  differentiable,
  filled,
  seeds,
  shapeAndDim,
  shapes,
  usual,
  type Call,
  type Operation,
} from './operation.js';

/** Picking and adding by index. */
export function indexingOperations(): Operation[] {
  return [
    differentiable('gather', gatherCalls()),
    differentiable('indexSelect', indexSelectCalls()),
    differentiable('scatterAdd', scatterAddCalls()),
    constant('oneHot', oneHotCalls()),
  ];
}

/** Whole numbers below a limit, some of them equal. */
function places(limit: number, shape: Shape): fc.Arbitrary<PlainTensor> {
  const size = sizeOf(shape);
  return fc
    .array(fc.nat({ max: limit - 1 }), { minLength: size, maxLength: size })
    .map((data) => new PlainTensor(shape, data));
}

/** A tensor's shape, a dimension, and indices along it that may be more or fewer than its size. */
function indexed(): fc.Arbitrary<{ shape: Shape; dim: number; index: PlainTensor }> {
  return fc.tuple(shapeAndDim(), fc.integer({ min: 1, max: 5 })).chain(([{ shape, dim }, count]) =>
    fc.record({
      shape: fc.constant(shape),
      dim: fc.constant(dim),
      index: places(
        shape[dim],
        shape.map((size, d) => (d === dim ? count : size)),
      ),
    }),
  );
}

function gatherCalls(): fc.Arbitrary<Call> {
  return fc.tuple(seeds, indexed()).map(([seed, { shape, dim, index }]) => ({
    words: `dim ${dim}`,
    inputs: filled(seed, usual, shape),
    indices: [index],
    ours: ([x], [places]) => core.gather(x, dim, places),
    plain: ([x]) => PlainTensor.from(index.shape, (at) => x.at(at.map((i, d) => (d === dim ? index.at(at) : i)))),
  }));
}

function indexSelectCalls(): fc.Arbitrary<Call> {
  const lists = shapeAndDim().chain(({ shape, dim }) =>
    fc
      .integer({ min: 0, max: 5 })
      .chain((count) =>
        fc.record({ shape: fc.constant(shape), dim: fc.constant(dim), index: places(shape[dim], [count]) }),
      ),
  );
  return fc.tuple(seeds, lists).map(([seed, { shape, dim, index }]) => ({
    words: `dim ${dim}`,
    inputs: filled(seed, usual, shape),
    indices: [index],
    ours: ([x], [list]) => core.indexSelect(x, dim, list),
    plain: ([x]) => picked(x, dim, index.data),
  }));
}

function scatterAddCalls(): fc.Arbitrary<Call> {
  return fc.tuple(seeds, indexed()).map(([seed, { shape, dim, index }]) => ({
    words: `dim ${dim}`,
    inputs: filled(seed, usual, shape, index.shape),
    indices: [index],
    ours: ([x, source], [places]) => core.scatterAdd(x, dim, places, source),
    plain: ([x, source]) => {
      const arrivals = indicesOf(index.shape).map((at) => ({
        to: at.map((i, d) => (d === dim ? index.at(at) : i)).join(),
        value: source.at(at),
      }));
      return PlainTensor.from(shape, (at) =>
        arrivals.reduce((sum, { to, value }) => (to === at.join() ? sum + value : sum), x.at(at)),
      );
    },
  }));
}

function oneHotCalls(): fc.Arbitrary<Call> {
  return shapes(0, 2)
    .chain((shape) => places(4, shape))
    .map((index) => ({
      words: 'of 4 classes',
      inputs: [],
      indices: [index],
      ours: (_, [places]) => core.oneHot(places, 4),
      plain: () =>
        PlainTensor.from([...index.shape, 4], (at) => (index.at(at.slice(0, -1)) === at[at.length - 1] ? 1 : 0)),
    }));
}
