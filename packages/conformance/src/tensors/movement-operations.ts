import * as fc from 'fast-check';
import * as core from '@rnn/core';
import { sizeOf, type Shape } from '@rnn/core';
import { expanded, joined, permuted, picked, type PlainTensor } from '../plain/plain-tensor.js';
import {
  broadcastable,
  differentiable,
  filled,
  seeds,
  shapeAndDim,
  shapeAndDims,
  shapes,
  usual,
  type Call,
  type Operation,
} from './operation.js';

/** The places from `start` to `end` in steps. */
function range(start: number, end: number, step = 1): number[] {
  return Array.from({ length: Math.max(0, Math.ceil((end - start) / step)) }, (_, i) => start + i * step);
}

/** Everything that moves elements or changes the shape. */
export function movementOperations(): Operation[] {
  return [
    differentiable('reshape', reshapeCalls()),
    differentiable('flatten', flattenCalls()),
    differentiable('squeeze and unsqueeze', squeezeCalls()),
    differentiable('permute', permuteCalls()),
    differentiable('transpose', transposeCalls()),
    differentiable('t', tCalls()),
    differentiable('slice', sliceCalls()),
    differentiable('narrow', narrowCalls()),
    differentiable('select', selectCalls()),
    differentiable('unbind', unbindCalls()),
    differentiable('split', splitCalls()),
    differentiable('chunk', chunkCalls()),
    differentiable('concat', concatCalls()),
    differentiable('stack', stackCalls()),
    differentiable('flip', flipCalls()),
    differentiable('expand', expandCalls()),
  ];
}

function reshapeCalls(): fc.Arbitrary<Call> {
  return fc.tuple(seeds, shapes(0, 3), fc.boolean()).map(([seed, shape, open]) => {
    const target = [...shape, 1].reverse();
    return {
      words: '',
      inputs: filled(seed, usual, shape),
      ours: ([x]) => core.reshape(x, open ? [-1, ...target.slice(1)] : target),
      plain: ([x]) => x.reshaped(target),
    };
  });
}

function flattenCalls(): fc.Arbitrary<Call> {
  return fc.tuple(seeds, shapeAndDims()).map(([seed, { shape, dims }]) => {
    const start = dims[0];
    const end = dims[dims.length - 1];
    return {
      words: `from ${start} to ${end}`,
      inputs: filled(seed, usual, shape),
      ours: ([x]) => core.flatten(x, start, end),
      plain: ([x]) =>
        x.reshaped([...shape.slice(0, start), sizeOf(shape.slice(start, end + 1)), ...shape.slice(end + 1)]),
    };
  });
}

function squeezeCalls(): fc.Arbitrary<Call> {
  return fc.tuple(seeds, shapeAndDim()).map(([seed, { shape, dim }]) => ({
    words: `dim ${dim}`,
    inputs: filled(seed, usual, shape),
    ours: ([x]) => [core.unsqueeze(x, dim), core.squeeze(core.unsqueeze(x, dim), dim), core.squeeze(x)],
    plain: ([x]) => [
      x.reshaped([...shape.slice(0, dim), 1, ...shape.slice(dim)]),
      x,
      x.reshaped(shape.filter((size) => size !== 1)),
    ],
  }));
}

function permuteCalls(): fc.Arbitrary<Call> {
  const orders = shapes(0, 4).chain((shape) => {
    const dims = [...shape.keys()];
    const all = { minLength: dims.length, maxLength: dims.length };
    return fc.record({ shape: fc.constant(shape), order: fc.shuffledSubarray(dims, all) });
  });
  return fc.tuple(seeds, orders).map(([seed, { shape, order }]) => ({
    words: `dims [${order.join(', ')}]`,
    inputs: filled(seed, usual, shape),
    ours: ([x]) => core.permute(x, order),
    plain: ([x]) => permuted(x, order),
  }));
}

function transposeCalls(): fc.Arbitrary<Call> {
  return fc.tuple(seeds, shapeAndDim(), fc.nat({ max: 2 })).map(([seed, { shape, dim }, draw]) => {
    const other = draw % shape.length;
    const order = [...shape.keys()].map((d) => (d === dim ? other : d === other ? dim : d));
    return {
      words: `${dim} and ${other}`,
      inputs: filled(seed, usual, shape),
      ours: ([x]) => core.transpose(x, dim, other),
      plain: ([x]) => permuted(x, order),
    };
  });
}

function tCalls(): fc.Arbitrary<Call> {
  return fc.tuple(seeds, shapes(0, 2)).map(([seed, shape]) => ({
    words: '',
    inputs: filled(seed, usual, shape),
    ours: ([x]) => core.t(x),
    plain: ([x]) => permuted(x, [...shape.keys()].reverse()),
  }));
}

/** A shape with one dimension of 1 to 7. */
function longDim(): fc.Arbitrary<{ shape: Shape; dim: number; length: number }> {
  return fc.tuple(shapeAndDim(), fc.integer({ min: 1, max: 7 })).map(([{ shape, dim }, length]) => ({
    shape: shape.map((size, d) => (d === dim ? length : Math.min(size, 3))),
    dim,
    length,
  }));
}

function sliceCalls(): fc.Arbitrary<Call> {
  const ends = fc.tuple(
    fc.integer({ min: -8, max: 8 }),
    fc.integer({ min: -8, max: 8 }),
    fc.integer({ min: 1, max: 3 }),
  );
  return fc.tuple(seeds, longDim(), ends).map(([seed, { shape, dim, length }, [start, end, step]]) => {
    const place = (value: number): number => Math.min(Math.max(value < 0 ? value + length : value, 0), length);
    return {
      words: `dim ${dim} ${start}:${end}:${step}`,
      inputs: filled(seed, usual, shape),
      ours: ([x]) => core.slice(x, dim, start, end, step),
      plain: ([x]) => picked(x, dim, range(place(start), place(end), step)),
    };
  });
}

function narrowCalls(): fc.Arbitrary<Call> {
  return fc
    .tuple(seeds, longDim(), fc.nat({ max: 6 }), fc.nat({ max: 6 }))
    .map(([seed, { shape, dim, length }, a, b]) => {
      const start = a % length;
      const count = b % (length - start + 1);
      return {
        words: `dim ${dim} from ${start}, ${count} places`,
        inputs: filled(seed, usual, shape),
        ours: ([x]) => core.narrow(x, dim, start, count),
        plain: ([x]) => picked(x, dim, range(start, start + count)),
      };
    });
}

/** One place of a dimension, without it. */
function placeOf(x: PlainTensor, dim: number, place: number): PlainTensor {
  return picked(x, dim, [place]).reshaped(x.shape.filter((_, d) => d !== dim));
}

function selectCalls(): fc.Arbitrary<Call> {
  return fc.tuple(seeds, longDim(), fc.nat({ max: 6 }), fc.boolean()).map(([seed, { shape, dim, length }, a, back]) => {
    const place = a % length;
    return {
      words: `dim ${dim} place ${place}${back ? ' from the back' : ''}`,
      inputs: filled(seed, usual, shape),
      ours: ([x]) => core.select(x, dim, back ? place - length : place),
      plain: ([x]) => placeOf(x, dim, place),
    };
  });
}

function unbindCalls(): fc.Arbitrary<Call> {
  return fc.tuple(seeds, longDim()).map(([seed, { shape, dim, length }]) => ({
    words: `dim ${dim}`,
    inputs: filled(seed, usual, shape),
    ours: ([x]) => core.unbind(x, dim),
    plain: ([x]) => range(0, length).map((place) => placeOf(x, dim, place)),
  }));
}

function splitCalls(): fc.Arbitrary<Call> {
  return fc
    .tuple(seeds, longDim(), fc.integer({ min: 1, max: 4 }), fc.boolean())
    .map(([seed, { shape, dim, length }, size, listed]): Call => {
      const starts = range(0, length, size);
      const ends = starts.map((start) => Math.min(start + size, length));
      const sizes = starts.map((start, i) => ends[i] - start);
      return {
        words: `dim ${dim} into ${listed ? `[${sizes.join(', ')}]` : `pieces of ${size}`}`,
        inputs: filled(seed, usual, shape),
        ours: ([x]) => core.split(x, listed ? sizes : size, dim),
        plain: ([x]) => starts.map((start, i) => picked(x, dim, range(start, ends[i]))),
      };
    });
}

function chunkCalls(): fc.Arbitrary<Call> {
  return fc.tuple(seeds, longDim(), fc.integer({ min: 1, max: 4 })).map(([seed, { shape, dim, length }, chunks]) => {
    const size = Math.ceil(length / chunks);
    return {
      words: `dim ${dim} into ${chunks}`,
      inputs: filled(seed, usual, shape),
      ours: ([x]) => core.chunk(x, chunks, dim),
      plain: ([x]) =>
        range(0, length, size).map((start) => picked(x, dim, range(start, Math.min(start + size, length)))),
    };
  });
}

function concatCalls(): fc.Arbitrary<Call> {
  const lengthLists = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 3 });
  return fc.tuple(seeds, shapeAndDim(), lengthLists).map(([seed, { shape, dim }, lengths]) => ({
    words: `dim ${dim}`,
    inputs: filled(seed, usual, ...lengths.map((length) => shape.map((size, d) => (d === dim ? length : size)))),
    ours: (tensors) => core.concat(tensors, dim),
    plain: (tensors) => joined(tensors, dim),
  }));
}

function stackCalls(): fc.Arbitrary<Call> {
  return fc
    .tuple(seeds, shapes(0, 2), fc.integer({ min: 1, max: 3 }), fc.nat({ max: 2 }))
    .map(([seed, shape, count, draw]) => {
      const dim = draw % (shape.length + 1);
      return {
        words: `dim ${dim}`,
        inputs: filled(seed, usual, ...range(0, count).map(() => shape)),
        ours: (tensors) => core.stack(tensors, dim),
        plain: (tensors) =>
          joined(
            tensors.map((x) => x.reshaped([...shape.slice(0, dim), 1, ...shape.slice(dim)])),
            dim,
          ),
      };
    });
}

function flipCalls(): fc.Arbitrary<Call> {
  return fc.tuple(seeds, shapeAndDims()).map(([seed, { shape, dims }]) => ({
    words: `dims [${dims.join(', ')}]`,
    inputs: filled(seed, usual, shape),
    ours: ([x]) => core.flip(x, dims),
    plain: ([x]) => dims.reduce((y, dim) => picked(y, dim, range(0, shape[dim]).reverse()), x),
  }));
}

function expandCalls(): fc.Arbitrary<Call> {
  return fc.tuple(seeds, broadcastable(1), fc.constantFrom([], [2], [3, 2])).map(([seed, [shape], lead]) => {
    const target = [...lead, ...shape.map((size, dim) => (size === 1 ? dim + 2 : size))];
    return {
      words: `to [${target.join(', ')}]`,
      inputs: filled(seed, usual, shape),
      ours: ([x]) => core.expand(x, target),
      plain: ([x]) => expanded(x, target),
    };
  });
}
