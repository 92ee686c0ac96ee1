import { sizeOf } from '@rnn/core';

/** An element that is too far off. */
export interface Difference {
  /** The compared tensor: `out`, `grad.x`. */
  readonly what: string;
  /** Where in it. */
  readonly index: readonly number[];
  readonly got: number;
  readonly expected: number;
}

/** An error together with the tolerance that it was measured by. */
export interface Measure {
  readonly error: number;
  readonly tolerance: number;
}

/** How to compare. */
export interface Comparison {
  /** The largest error to accept; a backend's declared bound replaces it where that is larger. */
  readonly tolerance: number;
  /**
   * What an element's error is measured by, at least 1; by default the expected value's size. For
   * sums whose terms may cancel: the sum of the terms' sizes.
   */
  readonly scale?: ArrayLike<number>;
  /** Whole numbers, positions: no declared bound loosens these. */
  readonly exact?: boolean;
}

/**
 * |got - expected| / max(1, |expected|): absolute for small numbers, relative for large ones. NaN
 * equals NaN, an infinity itself.
 *
 * @param got - the number to judge
 * @param expected - what it should be
 * @param scale - measured by this instead of `expected`, if given
 * @returns the error; Infinity where one of the two is not finite and they differ
 */
function errorOf(got: number, expected: number, scale: number = expected): number {
  if (got === expected || (Number.isNaN(got) && Number.isNaN(expected))) return 0;
  if (!Number.isFinite(got) || !Number.isFinite(expected)) return Infinity;
  return Math.abs(got - expected) / Math.max(1, Math.abs(scale));
}

/**
 * Collects the comparisons of one case: the worst error, the first difference, the first broken
 * fact.
 */
export class Checks {
  /**
   * The error that is largest measured by its tolerance; `undefined` as long as no numbers were
   * compared.
   */
  worst: Measure | undefined;
  difference: Difference | undefined;
  /** The first fact that does not hold, or tensor of a wrong shape. */
  broken: string | undefined;

  private readonly bound: number;

  /** @param bound - the backend's declared tolerance, 0 if it declares none */
  constructor(bound: number) {
    this.bound = bound;
  }

  /** Whether everything held so far. */
  get passed(): boolean {
    return this.broken === undefined && this.difference === undefined;
  }

  /** The tolerance that counts for this backend. */
  tolerance(base: number): number {
    return Math.max(base, this.bound);
  }

  /** Compares numbers of one shape, element by element. */
  close(
    what: string,
    got: ArrayLike<number>,
    expected: ArrayLike<number>,
    shape: readonly number[],
    { tolerance: base, scale, exact = false }: Comparison,
  ): void {
    if (got.length !== expected.length) {
      this.fact(`${what} has ${got.length} elements, expected ${expected.length} (shape [${shape.join(', ')}])`, false);
      return;
    }
    const tolerance = exact ? base : this.tolerance(base);
    for (let i = 0; i < expected.length; i++) {
      const error = errorOf(got[i], expected[i], scale?.[i]);
      this.measure({ error, tolerance });
      if (error > tolerance) {
        this.difference ??= { what, index: placeOf(i, shape), got: got[i], expected: expected[i] };
      }
    }
  }

  /** Notes an error. */
  measure(next: Measure): void {
    if (this.worst === undefined || exceeds(next, this.worst)) this.worst = next;
  }

  /** Compares shapes. Returns whether they agree, so that elements can be compared. */
  shape(what: string, got: readonly number[], expected: readonly number[]): boolean {
    const same = got.length === expected.length && got.every((size, i) => size === expected[i]);
    this.fact(`${what} has shape [${got.join(', ')}], expected [${expected.join(', ')}]`, same);
    return same;
  }

  /** Notes a fact: `description` says what is wrong if it does not hold. */
  fact(description: string, holds: boolean): void {
    if (!holds) this.broken ??= description;
  }
}

/**
 * Whether one error is worse than another, each measured by its own tolerance. A tolerance of 0
 * makes any error the worst.
 */
export function exceeds(a: Measure, b: Measure): boolean {
  const ratio = ({ error, tolerance }: Measure): number => (error === 0 ? 0 : error / tolerance);
  return ratio(a) > ratio(b);
}

/** The index of an element in a row-major tensor. */
function placeOf(position: number, shape: readonly number[]): number[] {
  let rest = position;
  return shape.map((_, dim) => {
    const below = sizeOf(shape.slice(dim + 1));
    const at = Math.floor(rest / below);
    rest -= at * below;
    return at;
  });
}
