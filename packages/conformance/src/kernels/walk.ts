/** Walks over storages with strides, as kernels get them, and what such a walk meets. */
import * as fc from 'fast-check';
import { sizeOf } from '@rnn/core';

/**
 * A walk over a storage: element `[i, j, ...]` lies at
 * `offset + i * strides[0] + j * strides[1] + ...`.
 */
export interface Walk {
  readonly offset: number;
  readonly strides: readonly number[];
  /** Elements of the storage, some of which the walk may leave out. */
  readonly storageSize: number;
}

/** Walks of several operands over the same sizes. */
export interface Walks {
  readonly sizes: readonly number[];
  readonly walks: readonly Walk[];
}

/** Lengths around the widths of vector registers and around unrolled loops. */
export const lengths: fc.Arbitrary<number> = fc.oneof(
  fc.integer({ min: 1, max: 9 }),
  fc.constantFrom(15, 16, 17, 31, 32, 33, 63, 64, 65),
);

const between = (min: number, max: number): fc.Arbitrary<number> => fc.integer({ min, max });

/** From one to four dimensions; one dimension reaches past every vector width. */
const sizeLists: fc.Arbitrary<number[]> = fc.oneof(
  fc.tuple(lengths),
  fc.tuple(between(2, 5), fc.constantFrom(2, 3, 4, 5, 7, 8, 9, 16, 17, 33)),
  fc.tuple(between(2, 4), between(2, 4), between(2, 9)),
  fc.tuple(between(2, 3), between(2, 3), between(2, 3), between(2, 3)),
);

/** How one operand lies in its storage. */
interface Layout {
  /** Dimensions from the outermost in memory to the innermost. */
  readonly order: readonly number[];
  readonly steps: readonly number[];
  readonly flips: readonly boolean[];
  readonly repeats: readonly boolean[];
  readonly before: number;
  readonly after: number;
}

function layouts(rank: number): fc.Arbitrary<Layout> {
  const dims = Array.from({ length: rank }, (_, dim) => dim);
  const each = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(value, { minLength: rank, maxLength: rank });
  const rarely = fc.integer({ min: 0, max: 3 }).map((draw) => draw === 3);
  const dense = { order: dims, steps: dims.map(() => 1), flips: dims.map(() => false), repeats: dims.map(() => false) };
  return fc.oneof(
    fc.constant({ ...dense, before: 0, after: 0 }),
    fc.record({ ...pinned(dense), repeats: each(fc.boolean()), before: fc.constant(0), after: fc.constant(0) }),
    fc.record({
      order: fc.shuffledSubarray(dims, { minLength: rank, maxLength: rank }),
      steps: each(fc.constantFrom(1, 1, 1, 2, 3)),
      flips: each(rarely),
      repeats: each(rarely),
      before: between(0, 3),
      after: between(0, 2),
    }),
  );
}

function pinned<T extends object>(values: T): { [K in keyof T]: fc.Arbitrary<T[K]> } {
  const entries = Object.entries(values).map(([key, value]) => [key, fc.constant<unknown>(value)]);
  return Object.fromEntries(entries) as { [K in keyof T]: fc.Arbitrary<T[K]> };
}

function walkOf(sizes: readonly number[], { order, steps, flips, repeats, before, after }: Layout): Walk {
  const strides: number[] = sizes.map(() => 0);
  let offset = before;
  let reach = 1;
  for (const dim of [...order].reverse()) {
    if (repeats[dim] || sizes[dim] === 1) continue;
    const stride = reach * steps[dim];
    const extent = (sizes[dim] - 1) * stride;
    strides[dim] = flips[dim] ? -stride : stride;
    if (flips[dim]) offset += extent;
    reach += extent;
  }
  return { offset, strides, storageSize: before + reach + after };
}

/**
 * Random sizes and, for each of `operands` operands, a random walk over them: dense, broadcast,
 * transposed, spread out, backwards.
 */
export function walksOf(operands: number): fc.Arbitrary<Walks> {
  return sizeLists.chain((sizes) =>
    fc
      .array(layouts(sizes.length), { minLength: operands, maxLength: operands })
      .map((list) => simplified({ sizes, walks: list.map((layout) => walkOf(sizes, layout)) })),
  );
}

/**
 * The form that kernels may rely on: no dimension of size 1, neighbours merged where all operands
 * walk them as one.
 */
export function simplified({ sizes, walks }: Walks): Walks {
  const kept: number[] = [];
  const strides: number[][] = walks.map(() => []);
  sizes.forEach((size, dim) => {
    if (size === 1) return;
    const last = kept.length - 1;
    const joins = last >= 0 && walks.every((walk, i) => strides[i][last] === walk.strides[dim] * size);
    if (joins) kept[last] *= size;
    else kept.push(size);
    walks.forEach((walk, i) => {
      if (joins) strides[i][last] = walk.strides[dim];
      else strides[i].push(walk.strides[dim]);
    });
  });
  if (kept.length === 0) {
    kept.push(1);
    for (const list of strides) list.push(0);
  }
  return { sizes: kept, walks: walks.map((walk, i) => ({ ...walk, strides: strides[i] })) };
}

/** What a walk meets, in order. */
export function walked(values: ArrayLike<number>, { offset, strides }: Walk, sizes: readonly number[]): number[] {
  return Array.from({ length: sizeOf(sizes) }, (_, position) => {
    let rest = position;
    let at = offset;
    for (let dim = sizes.length - 1; dim >= 0; dim--) {
      at += (rest % sizes[dim]) * strides[dim];
      rest = Math.floor(rest / sizes[dim]);
    }
    return values[at];
  });
}
