import * as fc from 'fast-check';
import * as core from '@rnn/core';
import type { Exemption } from '../case.js';
import { mappedAlong, PlainTensor } from '../plain/plain-tensor.js';
import { constant, differentiable, filled, seeds, shapeAndDim, usual, type Call, type Operation } from './operation.js';

type Line = readonly number[];

/** Positions are found on the host, which has to read what a backend made. */
const answersLater: Exemption = ({ name, synchronous }) => (synchronous ? undefined : `${name} answers later`);

/** Operations over the order of values; the gradients are those of gather. */
export function orderOperations(): Operation[] {
  const operations = [
    differentiable('sort', sortCalls()),
    constant('sort with NaN and ties', sortCalls(withTies)),
    constant('argsort', positionCalls()),
    differentiable('topk', topkCalls()),
    constant('multinomial without replacement', drawCalls()),
  ];
  return operations.map((operation) => ({ ...operation, exempt: answersLater }));
}

const withTies = (x: number): number => (x > 1.5 ? NaN : Math.round(x));

/** Positions in order: NaN is the largest, and of equals the first comes first either way. */
function positions(line: Line, descending: boolean): number[] {
  const rank = (x: number): number => (Number.isNaN(x) ? Infinity : x);
  const order = (a: number, b: number): number => (rank(line[a]) === rank(line[b]) ? 0 : rank(line[a]) - rank(line[b]));
  return [...line.keys()].sort((a, b) => (descending ? order(b, a) : order(a, b)) || a - b);
}

const sorted = (x: PlainTensor, dim: number, descending: boolean): PlainTensor =>
  mappedAlong(x, dim, (line) => positions(line, descending).map((i) => line[i]));
const sortedPositions = (x: PlainTensor, dim: number, descending: boolean): PlainTensor =>
  mappedAlong(x, dim, (line) => positions(line, descending));

function sortCalls(change = (x: number): number => x): fc.Arbitrary<Call> {
  return fc.tuple(seeds, shapeAndDim(), fc.boolean()).map(([seed, { shape, dim }, descending]) => ({
    words: `dim ${dim}, descending ${descending}`,
    inputs: filled(seed, usual, shape).map((x) => x.map(change)),
    ours: ([x]) => {
      const { values, indices } = core.sort(x, dim, { descending });
      return [values, indices];
    },
    plain: ([x]) => [sorted(x, dim, descending), sortedPositions(x, dim, descending)],
  }));
}

function positionCalls(): fc.Arbitrary<Call> {
  return fc.tuple(seeds, shapeAndDim(), fc.boolean()).map(([seed, { shape, dim }, descending]) => ({
    words: `dim ${dim}, descending ${descending}`,
    inputs: filled(seed, usual, shape),
    ours: ([x]) => core.argsort(x, dim, { descending }),
    plain: ([x]) => sortedPositions(x, dim, descending),
  }));
}

function topkCalls(): fc.Arbitrary<Call> {
  return fc.tuple(seeds, shapeAndDim(), fc.boolean(), fc.nat()).map(([seed, { shape, dim }, largest, pick]): Call => {
    const k = 1 + (pick % shape[dim]);
    const first = (x: PlainTensor): PlainTensor =>
      PlainTensor.from(
        shape.map((size, d) => (d === dim ? k : size)),
        (index) => x.at(index),
      );
    return {
      words: `k ${k}, dim ${dim}, largest ${largest}`,
      inputs: filled(seed, usual, shape),
      ours: ([x]) => {
        const { values, indices } = core.topk(x, k, dim, { largest });
        return [values, indices];
      },
      plain: ([x]) => [first(sorted(x, dim, largest)), first(sortedPositions(x, dim, largest))],
    };
  });
}

/** As many draws as there are weights above 0 give each of these once. */
function drawCalls(): fc.Arbitrary<Call> {
  return fc.tuple(seeds, fc.integer({ min: 2, max: 8 })).map(([seed, size]) => {
    const [weights] = filled(seed, usual, [size]).map((x) => x.map((value) => Math.max(0, value)));
    const drawn = [...weights.data.keys()].filter((i) => weights.data[i] > 0);
    return {
      words: '',
      inputs: [weights],
      ours: ([x]) => core.sort(core.multinomial(x, drawn.length, { generator: new core.Generator(seed) })).values,
      plain: () => new PlainTensor([drawn.length], drawn),
    };
  });
}
