import * as fc from 'fast-check';
import * as core from '@rnn/core';
import { combined, mappedAlong, permuted, product, reduced, type PlainTensor } from '../plain/plain-tensor.js';
import {
  constant,
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

const total = (line: readonly number[]): number => line.reduce((sum, x) => sum + x, 0);
const logOfSum = (line: readonly number[]): number => {
  const largest = Math.max(...line);
  return largest + Math.log(total(line.map((x) => Math.exp(x - largest))));
};

/** Reductions, softmax and matrix products. */
export function reductionOperations(): Operation[] {
  return [
    differentiable('sum', reductionCalls('sum', total)),
    differentiable(
      'mean',
      reductionCalls('mean', (line) => total(line) / line.length),
    ),
    differentiable(
      'amax',
      reductionCalls('amax', (line) => Math.max(...line)),
    ),
    differentiable(
      'amin',
      reductionCalls('amin', (line) => Math.min(...line)),
    ),
    differentiable('logsumexp', reductionCalls('logsumexp', logOfSum)),
    differentiable('max', chosenCalls('max', Math.max)),
    differentiable('min', chosenCalls('min', Math.min)),
    constant('argmax', positionCalls('argmax', Math.max)),
    constant('argmin', positionCalls('argmin', Math.min)),
    differentiable(
      'softmax',
      alongCalls('softmax', (line) => line.map((x) => Math.exp(x - logOfSum(line)))),
    ),
    differentiable(
      'logSoftmax',
      alongCalls('logSoftmax', (line) => line.map((x) => x - logOfSum(line))),
    ),
    differentiable('matmul', matmulCalls()),
    differentiable('matmul of transposes', transposedCalls()),
    differentiable('linear', linearCalls()),
  ];
}

function reductionCalls(
  op: 'sum' | 'mean' | 'amax' | 'amin' | 'logsumexp',
  fn: (line: readonly number[]) => number,
): fc.Arbitrary<Call> {
  const some = fc.tuple(seeds, shapeAndDims(), fc.boolean()).map(([seed, { shape, dims }, keepDim]): Call => ({
    words: `dims [${dims.join(', ')}]${keepDim ? ' keepDim' : ''}`,
    inputs: filled(seed, usual, shape),
    ours: ([x]) => core[op](x, dims, keepDim),
    plain: ([x]) => reduced(x, dims, keepDim, fn),
  }));
  const all = fc.tuple(seeds, shapes(0, 3)).map(([seed, shape]): Call => ({
    words: 'all dims',
    inputs: filled(seed, usual, shape),
    ours: ([x]) => core[op](x),
    plain: ([x]) => reduced(x, [...shape.keys()], false, fn),
  }));
  return fc.oneof({ weight: 3, arbitrary: some }, { weight: 1, arbitrary: all });
}

/** Values with positions: both are compared, and the values have a gradient. */
function chosenCalls(op: 'max' | 'min', best: (...line: number[]) => number): fc.Arbitrary<Call> {
  return fc.tuple(seeds, shapeAndDim(), fc.boolean()).map(([seed, { shape, dim }, keepDim]) => ({
    words: `dim ${dim}${keepDim ? ' keepDim' : ''}`,
    inputs: filled(seed, usual, shape),
    ours: ([x]) => {
      const { values, indices } = core[op](x, dim, keepDim);
      return [values, indices];
    },
    plain: ([x]) => [
      reduced(x, [dim], keepDim, (line) => best(...line)),
      reduced(x, [dim], keepDim, (line) => line.indexOf(best(...line))),
    ],
  }));
}

function positionCalls(op: 'argmax' | 'argmin', best: (...line: number[]) => number): fc.Arbitrary<Call> {
  const position = (line: readonly number[]): number => line.indexOf(best(...line));
  return fc.tuple(seeds, shapeAndDim(), fc.boolean(), fc.boolean()).map(([seed, { shape, dim }, keepDim, all]) => ({
    words: all ? 'of all elements' : `dim ${dim}${keepDim ? ' keepDim' : ''}`,
    // Few different numbers: the first of equal ones counts.
    inputs: filled(seed, usual, shape).map((x) => x.map(Math.round)),
    ours: ([x]) => (all ? core[op](x) : core[op](x, dim, keepDim)),
    plain: ([x]) => (all ? reduced(x, [...shape.keys()], false, position) : reduced(x, [dim], keepDim, position)),
  }));
}

function alongCalls(
  op: 'softmax' | 'logSoftmax',
  fn: (line: readonly number[]) => readonly number[],
): fc.Arbitrary<Call> {
  return fc.tuple(seeds, shapeAndDim()).map(([seed, { shape, dim }]) => ({
    words: `dim ${dim}`,
    inputs: filled(seed, usual, shape),
    ours: ([x]) => core[op](x, dim),
    plain: ([x]) => mappedAlong(x, dim, fn),
  }));
}

const small = fc.integer({ min: 1, max: 3 });

function matmulCalls(): fc.Arbitrary<Call> {
  const batches = fc.constantFrom<readonly [readonly number[], readonly number[]]>(
    [[], []],
    [[2], [2]],
    [[2, 1], [2]],
    [[], [2]],
    [[2], []],
    [[1], [3]],
  );
  const pairs = fc.tuple(small, small, small, batches).map(([m, k, n, [a, b]]) => [
    [...a, m, k],
    [...b, k, n],
  ]);
  const vectors = fc.tuple(small, small, fc.nat({ max: 4 })).map(([k, n, form]) => {
    const forms = [
      [[k], [k]],
      [[k], [k, n]],
      [[n, k], [k]],
      [[k], [2, k, n]],
      [[2, n, k], [k]],
    ];
    return forms[form];
  });
  return fc.tuple(seeds, fc.oneof(pairs, vectors)).map(([seed, [a, b]]) => ({
    words: '',
    inputs: filled(seed, usual, a, b),
    ours: ([x, y]) => core.matmul(x, y),
    plain: ([x, y]) => product(x, y),
  }));
}

function swapped(x: PlainTensor): PlainTensor {
  const dims = [...x.shape.keys()];
  return permuted(x, [...dims.slice(0, -2), x.rank - 1, x.rank - 2]);
}

function transposedCalls(): fc.Arbitrary<Call> {
  const flags = fc.constantFrom<readonly [boolean, boolean]>([true, false], [false, true], [true, true]);
  return fc
    .tuple(seeds, small, small, small, fc.constantFrom([], [2]), flags)
    .map(([seed, m, k, n, batch, [transposeA, transposeB]]) => ({
      words: `transposeA ${transposeA} transposeB ${transposeB}`,
      inputs: filled(
        seed,
        usual,
        [...batch, ...(transposeA ? [k, m] : [m, k])],
        [...batch, ...(transposeB ? [n, k] : [k, n])],
      ),
      ours: ([x, y]) => core.matmul(x, y, { transposeA, transposeB }),
      plain: ([x, y]) => product(transposeA ? swapped(x) : x, transposeB ? swapped(y) : y),
    }));
}

function linearCalls(): fc.Arbitrary<Call> {
  return fc.tuple(seeds, fc.constantFrom([], [3], [2, 2]), small, small).map(([seed, lead, inputs, outputs]) => ({
    words: '',
    inputs: filled(seed, usual, [...lead, inputs], [outputs, inputs], [outputs]),
    ours: ([x, weight, bias]) => core.linear(x, weight, bias),
    plain: ([x, weight, bias]) => combined((sum, b) => sum + b, product(x, permuted(weight, [1, 0])), bias),
  }));
}
