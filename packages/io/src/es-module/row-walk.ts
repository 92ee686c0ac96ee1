/**
 * Strided walks that a backend gets, over sequences: where time is in them, and what is walked in
 * each step.
 */
import { sizeOf } from '@rnn/core';

/** Why something cannot be done step by step, to be read behind "forward". */
export class OverTime extends Error {
  /** Whether the reason may be that time and batch were taken for each other. */
  readonly isLayout: boolean;

  constructor(reason: string, { isLayout = false }: { readonly isLayout?: boolean } = {}) {
    super(reason);
    this.isLayout = isLayout;
  }
}

/** A walk over the features of one step. */
export interface FeatureWalk {
  readonly offset: number;
  readonly sizes: readonly number[];
  readonly strides: readonly number[];
}

/** Sizes of a result without time, or as they are where there is none. */
export function featureSizes(sizes: readonly number[], steps: number): { isRow: boolean; sizes: readonly number[] } {
  if (sizeOf(sizes) % steps !== 0) return { isRow: false, sizes };
  const [first, ...rest] = sizes;
  if (first % steps !== 0) throw new OverTime('moves time behind another dimension');
  return { isRow: true, sizes: first === steps ? rest : [first / steps, ...rest] };
}

/**
 * What a walk over a sequence does in each step.
 *
 * @param sizes - of the walk; time comes first, perhaps in one with features
 * @param timeStride - from a step to the next in what is walked: its width, or 0 for what is the
 *   same at all steps
 */
export function walkOfStep(
  sizes: readonly number[],
  offset: number,
  strides: readonly number[],
  steps: number,
  timeStride: number,
): FeatureWalk {
  const [first, ...rest] = sizes;
  const [stride, ...others] = strides;
  const inner = first / steps;
  if (stride * inner !== timeStride || offset < 0 || (timeStride > 0 && offset >= timeStride))
    throw new OverTime(
      timeStride === 0
        ? 'combines the sequence with numbers of its own that change from step to step, such as lengths or places'
        : 'uses one step of the sequence in another',
    );
  return inner === 1
    ? { offset, sizes: rest, strides: others }
    : { offset, sizes: [inner, ...rest], strides: [stride, ...others] };
}

/** The first and the last place of a walk. */
export function boundsOf({ offset, sizes, strides }: FeatureWalk): [least: number, most: number] {
  const reach = sizes.map((size, dim) => (size - 1) * strides[dim]);
  const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, offset);
  return [sum(reach.filter((number) => number < 0)), sum(reach.filter((number) => number > 0))];
}

/** The places that a walk visits, in order. */
export function placesOf({ offset, sizes, strides }: FeatureWalk): number[] {
  let places = [offset];
  sizes.forEach((size, dim) => {
    places = places.flatMap((place) => Array.from({ length: size }, (_, i) => place + i * strides[dim]));
  });
  return places;
}
