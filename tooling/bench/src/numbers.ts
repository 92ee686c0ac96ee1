import { gatesOf, type Workload } from './workload.ts';

/** A named array of numbers in row-major order. */
export interface Numbers {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** Everything that goes into a workload. */
export interface WorkloadNumbers {
  /** `[T, B, I]`; for a stream `[stream, B, I]`. */
  readonly x: Numbers;
  /** Under PyTorch's names, layer by layer. */
  readonly weights: ReadonlyMap<string, Numbers>;
  /** Linear head `[vocab, H]` and `[vocab]` of a workload with classes. */
  readonly head: { readonly weight: Numbers; readonly bias: Numbers } | undefined;
  /** `[T, B, H]` of the squared error. */
  readonly target: Numbers;
  /** `[T * B]` class indices. */
  readonly classes: Int32Array;
}

/** FNV-1a, 32 bits. */
function seedOf(name: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

/**
 * The n-th number of a sequence: a counter, scrambled until no bit tells of its neighbours.
 * peers/pytorch.py does the same.
 */
function scrambled(seed: number, n: number): number {
  let x = (seed + Math.imul(n, 0x9e3779b9)) >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
  return (x ^ (x >>> 15)) >>> 0;
}

/** Uniform numbers of 24 bits in [-scale, scale); the same bits in every language. */
function uniform(name: string, shape: readonly number[], scale: number): Numbers {
  const seed = seedOf(name);
  const size = shape.reduce((product, extent) => product * extent, 1);
  const values = Float32Array.from({ length: size }, (_, n) => ((scrambled(seed, n) >>> 8) / 2 ** 23 - 1) * scale);
  return { shape, values };
}

/**
 * The numbers of a workload. Weights are uniform within ± 1/√H, as PyTorch draws them; inputs and
 * targets within ± 1.
 */
export function numbersOf(workload: Workload): WorkloadNumbers {
  const { B, I, H, T, layers, dirs, heads = 1, stream, vocab } = workload;
  const scale = 1 / Math.sqrt(H);
  const rows = gatesOf(workload) * H;
  const weights = new Map<string, Numbers>();
  for (let layer = 0; layer < layers; layer++) {
    for (const suffix of [`_l${layer}`, `_l${layer}_reverse`].slice(0, dirs)) {
      const add = (name: string, ...shape: number[]): unknown =>
        weights.set(name + suffix, uniform(name + suffix, shape, scale));
      add('weight_ih', rows, layer === 0 ? I : dirs * H);
      add('weight_hh', rows, H / heads);
      add('bias_ih', rows);
      add('bias_hh', rows);
    }
  }
  const seed = seedOf('classes');
  return {
    x: uniform('x', [stream ?? T, B, I], 1),
    weights,
    head:
      vocab === undefined
        ? undefined
        : {
            weight: uniform('head.weight', [vocab, H], scale),
            bias: uniform('head.bias', [vocab], scale),
          },
    target: uniform('target', [T, B, H], 1),
    classes: Int32Array.from({ length: T * B }, (_, n) => scrambled(seed, n) % (vocab ?? 1)),
  };
}
