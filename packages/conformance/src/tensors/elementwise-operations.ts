import * as fc from 'fast-check';
import * as core from '@rnn/core';
import type { BinaryOp, UnaryOp } from '@rnn/core';
import type { Range } from '../kernels/values.js';
import { binaryFunctions, unaryFunctions } from '../plain/elementwise.js';
import { combined } from '../plain/plain-tensor.js';
import {
  broadcastable,
  constant,
  differentiable,
  filled,
  positive,
  seeds,
  shapes,
  usual,
  type Call,
  type Operation,
} from './operation.js';

const overPositive: readonly string[] = ['log', 'sqrt', 'reciprocal', 'pow'];
const comparisons = ['eq', 'ne', 'lt', 'le', 'gt', 'ge'] as const;
const arithmetic = ['add', 'sub', 'mul', 'div', 'pow', 'maximum', 'minimum'] as const;

const rangeOf = (op: string): Range => (overPositive.includes(op) ? positive : usual);

/** Arithmetic, functions, comparisons and choices. */
export function elementwiseOperations(): Operation[] {
  return [
    ...(Object.keys(unaryFunctions) as UnaryOp[]).map((op) => differentiable(op, unaryCalls(op))),
    ...arithmetic.map((op) => differentiable(op, binaryCalls(op))),
    ...arithmetic.map((op) => differentiable(`${op} with a number`, numberCalls(op))),
    ...comparisons.map((op) => constant(op, tiedCalls(op))),
    differentiable('clamp', clampCalls()),
    differentiable('where', whereCalls()),
  ];
}

function unaryCalls(op: UnaryOp): fc.Arbitrary<Call> {
  return fc.tuple(seeds, shapes(0, 3)).map(([seed, shape]) => ({
    words: '',
    inputs: filled(seed, rangeOf(op), shape),
    ours: ([x]) => core[op](x),
    plain: ([x]) => x.map(unaryFunctions[op]),
  }));
}

function binaryCalls(op: (typeof arithmetic)[number]): fc.Arbitrary<Call> {
  const range = op === 'div' ? positive : rangeOf(op);
  return fc.tuple(seeds, broadcastable(2)).map(([seed, [a, b]]) => ({
    words: '',
    inputs: filled(seed, range, a, b),
    ours: ([x, y]) => core[op](x, y),
    plain: ([x, y]) => combined(binaryFunctions[op], x, y),
  }));
}

function numberCalls(op: (typeof arithmetic)[number]): fc.Arbitrary<Call> {
  return fc
    .tuple(seeds, shapes(0, 3), fc.constantFrom(0.5, 2, 3), fc.boolean())
    .map(([seed, shape, number, first]) => ({
      words: first ? `${number} on the left` : `${number} on the right`,
      inputs: filled(seed, positive, shape),
      ours: ([x]) => (first ? core[op](number, x) : core[op](x, number)),
      plain: ([x]) =>
        x.map((value) => (first ? binaryFunctions[op](number, value) : binaryFunctions[op](value, number))),
    }));
}

/** Operands of few different numbers, so that equal ones meet. */
function tiedCalls(op: BinaryOp & (typeof comparisons)[number]): fc.Arbitrary<Call> {
  return fc.tuple(seeds, broadcastable(2)).map(([seed, [a, b]]) => ({
    words: '',
    inputs: filled(seed, usual, a, b).map((x) => x.map(Math.round)),
    ours: ([x, y]) => core[op](x, y),
    plain: ([x, y]) => combined(binaryFunctions[op], x, y),
  }));
}

function clampCalls(): fc.Arbitrary<Call> {
  const limits = fc.constantFrom<readonly [min?: number, max?: number]>([-1, 1.5], [-0.5], [undefined, 0.5], []);
  return fc.tuple(seeds, shapes(0, 3), limits).map(([seed, shape, [min, max]]) => ({
    words: `min ${min} max ${max}`,
    inputs: filled(seed, usual, shape),
    ours: ([x]) => core.clamp(x, min, max),
    plain: ([x]) => x.map((value) => Math.min(Math.max(value, min ?? -Infinity), max ?? Infinity)),
  }));
}

function whereCalls(): fc.Arbitrary<Call> {
  return fc.tuple(seeds, broadcastable(3)).map(([seed, [c, a, b]]) => {
    const [condition] = filled(seed, usual, c).map((x) => x.map((value) => (value > 0 ? 1 : 0)));
    return {
      words: '',
      inputs: filled(seed + 1, usual, a, b),
      indices: [condition],
      ours: ([x, y], [test]) => core.where(test, x, y),
      plain: ([x, y]) => combined((test, left, right) => (test === 0 ? right : left), condition, x, y),
    };
  });
}
