import * as fc from 'fast-check';
import * as core from '@rnn/core';
import type { Range } from '../kernels/values.js';
import { combined, mappedAlong, picked, permuted, PlainTensor, reduced, type Index } from '../plain/plain-tensor.js';
import {
  broadcastable,
  constant,
  differentiable,
  filled,
  positive,
  seeds,
  shapeAndDim,
  shapeAndDims,
  shapes,
  usual,
  type Call,
  type Operation,
} from './operation.js';

type Line = readonly number[];

const total = (line: Line): number => line.reduce((sum, x) => sum + x, 0);
const product = (line: Line): number => line.reduce((a, b) => a * b, 1);
const variance = (line: Line, correction: number): number =>
  total(line.map((x) => (x - total(line) / line.length) ** 2)) / Math.max(0, line.length - correction);
const truth = (holds: boolean): number => Number(holds);

/** erf's power series, which float64 carries for the small numbers here. */
function erf(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; n < 60; n++) {
    term *= -(x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const halfToEven = (x: number): number => {
  const down = Math.floor(x);
  return x - down < 0.5 || (x - down === 0.5 && down % 2 === 0) ? down : down + 1;
};

/** Operations of core that are made of others on the device. */
export function composedOperations(): Operation[] {
  return [
    differentiable(
      'silu',
      mapCalls(core.silu, (x) => x * sigmoid(x)),
    ),
    differentiable('erf', mapCalls(core.erf, erf)),
    differentiable('sin', mapCalls(core.sin, Math.sin)),
    differentiable('cos', mapCalls(core.cos, Math.cos)),
    differentiable(
      'gelu',
      mapCalls(core.gelu, (x) => (x / 2) * (1 + erf(x / Math.SQRT2))),
    ),
    differentiable(
      'gelu by tanh',
      mapCalls(
        (x) => core.gelu(x, { approximate: 'tanh' }),
        (x) => (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
      ),
    ),
    constant('floor', mapCalls(core.floor, Math.floor, quarters)),
    constant('ceil', mapCalls(core.ceil, Math.ceil, quarters)),
    constant('trunc', mapCalls(core.trunc, Math.trunc, quarters)),
    constant('round', mapCalls(core.round, halfToEven, quarters)),
    constant('floor of large numbers', mapCalls(core.floor, Math.floor, large)),
    constant('round of large numbers', mapCalls(core.round, halfToEven, large)),
    constant(
      'isnan',
      mapCalls(core.isnan, (x) => truth(Number.isNaN(x)), odd),
    ),
    constant(
      'isinf',
      mapCalls(core.isinf, (x) => truth(Math.abs(x) === Infinity), odd),
    ),
    constant(
      'isfinite',
      mapCalls(core.isfinite, (x) => truth(Number.isFinite(x)), odd),
    ),
    constant('isclose', closeCalls()),
    differentiable('var', spreadCalls('variance', variance)),
    differentiable(
      'std',
      spreadCalls('std', (line, correction) => Math.sqrt(variance(line, correction))),
    ),
    differentiable('norm', normCalls()),
    differentiable('prod', reductionCalls(core.prod, product)),
    constant(
      'any',
      reductionCalls(core.any, (line) => truth(line.some((x) => x !== 0)), sparse),
    ),
    constant(
      'all',
      reductionCalls(core.all, (line) => truth(line.every((x) => x !== 0)), sparse),
    ),
    differentiable('cumsum', alongCalls(core.cumsum, total)),
    differentiable('cumprod', alongCalls(core.cumprod, product)),
    differentiable('maskedFill', maskedCalls()),
    differentiable('tril', triangleCalls('tril')),
    differentiable('triu', triangleCalls('triu')),
    differentiable('pad', padCalls()),
    differentiable('unfold', unfoldCalls()),
  ];
}

type Change = (x: number) => number;

const same: Change = (x) => x;
/** Whole numbers, halves and quarters. */
const quarters: Change = (x) => Math.round(x * 8) / 4;
/** Up to where float32 has no more fractions, and beyond int32. */
const large: Change = (x) => Math.fround(Math.sign(x) * 2 ** (Math.abs(x) * 20) * 1.3);
const odd: Change = (x) => (x > 1.5 ? NaN : x > 1 ? Infinity : x < -1 ? -Infinity : x);
const sparse: Change = (x) => (Math.abs(x) < 1.2 ? 0 : x);

function mapCalls(ours: (x: core.Tensor) => core.Tensor, plain: Change, change = same): fc.Arbitrary<Call> {
  return fc.tuple(seeds, shapes(0, 3)).map(([seed, shape]) => ({
    words: '',
    inputs: filled(seed, usual, shape).map((x) => x.map(change)),
    ours: ([x]) => ours(x),
    plain: ([x]) => x.map(plain),
  }));
}

function closeCalls(): fc.Arbitrary<Call> {
  const isClose = (a: number, b: number): number => truth(Math.abs(a - b) <= 0.1 + 0.25 * Math.abs(b));
  return fc.tuple(seeds, broadcastable(2)).map(([seed, [a, b]]) => ({
    words: '',
    inputs: filled(seed, usual, a, b),
    ours: ([x, y]) => core.isclose(x, y, { atol: 0.1, rtol: 0.25 }),
    plain: ([x, y]) => combined(isClose, x, y),
  }));
}

function spreadCalls(op: 'variance' | 'std', fn: (line: Line, correction: number) => number): fc.Arbitrary<Call> {
  return fc
    .tuple(seeds, shapeAndDims(), fc.boolean(), fc.constantFrom(0, 1))
    .filter(([, { shape, dims }, , correction]) => dims.reduce((n, dim) => n * shape[dim], 1) > correction)
    .filter(([, { shape, dims }]) => op === 'variance' || dims.reduce((n, dim) => n * shape[dim], 1) > 1)
    .map(([seed, { shape, dims }, keepDim, correction]) => ({
      words: `dims [${dims.join(', ')}] correction ${correction}${keepDim ? ' keepDim' : ''}`,
      inputs: filled(seed, usual, shape),
      ours: ([x]) => core[op](x, dims, { keepDim, correction }),
      plain: ([x]) => reduced(x, dims, keepDim, (line) => fn(line, correction)),
    }));
}

function normCalls(): fc.Arbitrary<Call> {
  const plain = (line: Line, p: number): number => {
    const sizes = line.map(Math.abs);
    if (p === Infinity) return Math.max(...sizes);
    return p === -Infinity ? Math.min(...sizes) : total(sizes.map((x) => x ** p)) ** (1 / p);
  };
  const powers = fc.constantFrom(1, 1.5, 2, 3, Infinity, -Infinity);
  return fc.tuple(seeds, shapeAndDims(), fc.boolean(), powers).map(([seed, { shape, dims }, keepDim, p]) => ({
    words: `p ${p} dims [${dims.join(', ')}]${keepDim ? ' keepDim' : ''}`,
    inputs: filled(seed, positive, shape).map((x) => x.map((value) => (value > 2 ? -value : value))),
    ours: ([x]) => core.norm(x, p, dims, keepDim),
    plain: ([x]) => reduced(x, dims, keepDim, (line) => plain(line, p)),
  }));
}

const aroundOne: Range = { min: 0.75, max: 1.25 };

function reductionCalls(
  ours: (x: core.Tensor, dims: readonly number[], keepDim: boolean) => core.Tensor,
  plain: (line: Line) => number,
  change?: Change,
): fc.Arbitrary<Call> {
  return fc.tuple(seeds, shapeAndDims(), fc.boolean()).map(([seed, { shape, dims }, keepDim]) => ({
    words: `dims [${dims.join(', ')}]${keepDim ? ' keepDim' : ''}`,
    inputs: filled(seed, change === undefined ? aroundOne : usual, shape).map((x) => x.map(change ?? same)),
    ours: ([x]) => ours(x, dims, keepDim),
    plain: ([x]) => reduced(x, dims, keepDim, plain),
  }));
}

function alongCalls(
  ours: (x: core.Tensor, dim: number) => core.Tensor,
  plain: (line: Line) => number,
): fc.Arbitrary<Call> {
  return fc.tuple(seeds, shapeAndDim()).map(([seed, { shape, dim }]) => ({
    words: `dim ${dim}`,
    inputs: filled(seed, aroundOne, shape),
    ours: ([x]) => ours(x, dim),
    plain: ([x]) => mappedAlong(x, dim, (line) => line.map((_, i) => plain(line.slice(0, i + 1)))),
  }));
}

function maskedCalls(): fc.Arbitrary<Call> {
  return fc.tuple(seeds, broadcastable(2)).map(([seed, [a, b]]) => {
    const [mask] = filled(seed, usual, b).map((x) => x.map((value) => truth(value > 0)));
    return {
      words: '',
      inputs: filled(seed + 1, usual, a, []),
      indices: [mask],
      ours: ([x, value], [test]) => core.maskedFill(x, test, value),
      plain: ([x, value]) => combined((test, left, v) => (test === 0 ? left : v), mask, x, value),
    };
  });
}

function triangleCalls(op: 'tril' | 'triu'): fc.Arbitrary<Call> {
  return fc.tuple(seeds, shapes(2, 4), fc.integer({ min: -4, max: 4 })).map(([seed, shape, diagonal]) => ({
    words: `diagonal ${diagonal}`,
    inputs: filled(seed, usual, shape),
    ours: ([x]) => core[op](x, diagonal),
    plain: ([x]) =>
      PlainTensor.from(shape, (index: Index) => {
        const [row, column] = index.slice(-2);
        return (op === 'tril' ? column - row <= diagonal : column - row >= diagonal) ? x.at(index) : 0;
      }),
  }));
}

function padCalls(): fc.Arbitrary<Call> {
  const modes = fc.constantFrom('constant', 'reflect', 'replicate', 'circular');
  const counts = fc.tuple(fc.nat({ max: 3 }), fc.nat({ max: 3 }));
  return fc.tuple(seeds, shapes(1, 3), modes, counts).map(([seed, shape, mode, [before, behind]]) => {
    const dim = shape.length - 1;
    const size = shape[dim];
    const most = { constant: 3, reflect: size - 1, replicate: 3, circular: size }[mode];
    const [left, right] = [Math.min(before, most), Math.min(behind, most)];
    const places = Array.from({ length: left + size + right }, (_, i) => i - left);
    const sources: Record<typeof mode, (i: number) => number> = {
      constant: (i) => Math.min(Math.max(i, 0), size - 1),
      reflect: (i) => (i < 0 ? -i : i >= size ? 2 * (size - 1) - i : i),
      replicate: (i) => Math.min(Math.max(i, 0), size - 1),
      circular: (i) => (i + size) % size,
    };
    const isOutside = (index: Index): boolean => index[dim] < left || index[dim] >= left + size;
    return {
      words: `${mode} [${left}, ${right}]`,
      inputs: filled(seed, usual, shape),
      ours: ([x]) => core.pad(x, [left, right], mode, 1.5),
      plain: ([x]) => {
        const result = picked(x, dim, places.map(sources[mode]));
        return PlainTensor.from(result.shape, (index) =>
          mode === 'constant' && isOutside(index) ? 1.5 : result.at(index),
        );
      },
    };
  });
}

function unfoldCalls(): fc.Arbitrary<Call> {
  return fc
    .tuple(seeds, shapeAndDim(), fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 3 }))
    .map(([seed, { shape, dim }, most, step]) => {
      const size = Math.min(most, shape[dim]);
      const count = Math.floor((shape[dim] - size) / step) + 1;
      const places = Array.from({ length: count * size }, (_, i) => Math.floor(i / size) * step + (i % size));
      const parted = [...shape.slice(0, dim), count, size, ...shape.slice(dim + 1)];
      const order = [...parted.keys()].filter((i) => i !== dim + 1);
      return {
        words: `dim ${dim} size ${size} step ${step}`,
        inputs: filled(seed, usual, shape),
        ours: ([x]) => core.unfold(x, dim, size, step),
        plain: ([x]) => permuted(picked(x, dim, places).reshaped(parted), [...order, dim + 1]),
      };
    });
}
