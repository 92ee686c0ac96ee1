import * as fc from 'fast-check';
import { sizeOf, type Shape, type Tensor } from '@rnn/core';
import type { Exemption } from '../case.js';
import type { Range } from '../kernels/values.js';
import { PlainTensor } from '../plain/plain-tensor.js';

/** One call of an operation of core, and what it means. */
export interface Call {
  /** The arguments besides tensors, for the report. */
  readonly words: string;
  /** The operands that can have a gradient. */
  readonly inputs: readonly PlainTensor[];
  /** Operands of int32. */
  readonly indices?: readonly PlainTensor[];
  /** The call itself. */
  readonly ours: (inputs: readonly Tensor[], indices: readonly Tensor[]) => Tensor | readonly Tensor[];
  /** The same in plain float64. */
  readonly plain: (inputs: readonly PlainTensor[]) => PlainTensor | readonly PlainTensor[];
}

/** An operation and random calls of it. */
export interface Operation {
  readonly name: string;
  readonly calls: fc.Arbitrary<Call>;
  /** Whether its results have a gradient. */
  readonly differentiable: boolean;
  /** Backends that need not have it. */
  readonly exempt?: Exemption;
}

/** An operation that has a gradient. */
export function differentiable(name: string, calls: fc.Arbitrary<Call>): Operation {
  return { name, calls, differentiable: true };
}

/** An operation that has none: comparisons, positions. */
export function constant(name: string, calls: fc.Arbitrary<Call>): Operation {
  return { name, calls, differentiable: false };
}

/** Sizes of small tensors. */
export function shapes(minRank: number, maxRank: number): fc.Arbitrary<Shape> {
  return fc
    .array(fc.integer({ min: 1, max: 4 }), { minLength: minRank, maxLength: maxRank })
    .filter((shape) => sizeOf(shape) <= 24);
}

/**
 * Shapes that broadcast with one another: one shape with leading dimensions left out and others
 * shrunk to 1.
 */
export function broadcastable(count: number): fc.Arbitrary<readonly Shape[]> {
  return shapes(0, 3).chain((shape) =>
    fc.array(
      fc
        .tuple(fc.nat({ max: shape.length }), fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }))
        .map(([drop, shrink]) => shape.map((size, dim) => (shrink[dim] ? 1 : size)).slice(drop)),
      { minLength: count, maxLength: count },
    ),
  );
}

/** A shape of rank 1 or more, and one of its dimensions. */
export function shapeAndDim(maxRank = 3): fc.Arbitrary<{ shape: Shape; dim: number }> {
  return shapes(1, maxRank).chain((shape) =>
    fc.record({ shape: fc.constant(shape), dim: fc.nat({ max: shape.length - 1 }) }),
  );
}

/** A shape of rank 1 or more, and some of its dimensions in ascending order. */
export function shapeAndDims(): fc.Arbitrary<{ shape: Shape; dims: readonly number[] }> {
  return shapes(1, 4).chain((shape) =>
    fc.record({ shape: fc.constant(shape), dims: fc.subarray([...shape.keys()], { minLength: 1 }) }),
  );
}

/** Numbers around 0. */
export const usual: Range = { min: -2, max: 2 };
export const positive: Range = { min: 0.25, max: 4 };

/**
 * Tensors full of numbers that all differ, none of them 0: far enough from ties and kinks that
 * differences of the plain function are its derivative. All numbers are float32.
 */
export function filled(seed: number, { min, max }: Range, ...all: readonly Shape[]): PlainTensor[] {
  const total = all.reduce((sum, shape) => sum + sizeOf(shape), 0);
  // 0.37 keeps the middle of a symmetric range between two of the numbers.
  const numbers = Array.from({ length: total }, (_, i) => Math.fround(min + ((max - min) * (i + 0.37)) / total));
  let state = seed;
  for (let i = total - 1; i > 0; i--) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0; // a linear congruential generator, good enough to shuffle
    const j = Math.floor((state / 2 ** 32) * (i + 1));
    [numbers[i], numbers[j]] = [numbers[j], numbers[i]];
  }
  let next = 0;
  return all.map((shape) => new PlainTensor(shape, numbers.slice(next, (next += sizeOf(shape)))));
}

/** Seeds for `filled`. */
export const seeds: fc.Arbitrary<number> = fc.nat({ max: 2 ** 31 - 1 });
