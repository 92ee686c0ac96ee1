/**
 * What an exported module runs: a list of instructions over one memory, the same for WebAssembly
 * and for plain JavaScript. Addresses count bytes; every vector begins at a multiple of 16 and has
 * room to the next one, so that a kernel may write whole vectors of four.
 */

/**
 * Numbers of the instructions; `assembly/kernels.ts` has the same. The words behind each are its
 * operands, `y` first.
 */
export const Op = {
  /** y x weight init k n: `init + x W`, `init` 0 for none. */
  matmul: 0,
  /** y x n: moves n numbers. */
  move: 1,
  /** y x indices n: `y[i] = x[indices[i]]`. */
  pick: 2,
  /** y table index width rows: row `index` of a table. */
  gather: 3,
  /** y condition a b n scalars: bits of `scalars` say which operands are one number for all. */
  select: 4,
  /** y x outer size inner: the middle of [outer, size, inner]. */
  sum: 5,
  max: 6,
  min: 7,
  argmax: 8,
  /** y x n: the first unary function. */
  unary: 16,
  /** y a b n scalars: the first binary function. */
  binary: 32,
} as const;

/** In the order of their numbers. */
export const unaryOps = [
  'neg',
  'exp',
  'log',
  'sqrt',
  'square',
  'reciprocal',
  'abs',
  'sign',
  'tanh',
  'sigmoid',
  'relu',
  'softplus',
  'round',
] as const;

/** In the order of their numbers. */
export const binaryOps = [
  'add',
  'sub',
  'mul',
  'div',
  'pow',
  'maximum',
  'minimum',
  'eq',
  'ne',
  'lt',
  'le',
  'gt',
  'ge',
] as const;

/** Numbers of the model in the order in which they lie in the file. */
export interface PlanConstant {
  readonly at: number;
  /** Of a vector or table: how many. Of a matrix: its columns. */
  readonly n: number;
  /**
   * Of a matrix, `[n, k]` in the file and in panels of columns in memory: its rows, 0 otherwise.
   */
  readonly k: number;
}

/** A range of instructions, in words. */
export type PlanRange = readonly [from: number, to: number];

/** A value that is kept for all steps, and where a step reads or leaves it. */
export interface PlanStream {
  readonly sequence: number;
  readonly at: number;
}

/** One pass over all steps. */
export interface PlanPass {
  readonly reverse: boolean;
  readonly before: PlanRange;
  readonly step: PlanRange;
  readonly after: PlanRange;
  /** What each step reads of earlier passes, and what it leaves for later ones. */
  readonly loads: readonly PlanStream[];
  readonly saves: readonly PlanStream[];
  /** Values of the first or last step that are needed after all steps. */
  readonly ends: readonly (PlanStream & { readonly isLast: boolean })[];
}

interface PlanState {
  readonly name: string;
  readonly at: number;
  readonly width: number;
  readonly shape: readonly number[];
  /** A number for all, or one for each. */
  readonly initial: number | readonly number[];
}

export interface PlanOutput {
  readonly name: string;
  readonly at: number;
  readonly width: number;
  readonly shape: readonly number[];
  /** The pass that makes it. */
  readonly pass: number;
  /** Whether there is one for the whole sequence. */
  readonly isLast: boolean;
}

export interface Plan {
  /** Size of the memory. */
  readonly bytes: number;
  readonly tape: readonly number[];
  /** Where the instructions lie. */
  readonly tapeAt: number;
  readonly isHalf: boolean;
  readonly constants: readonly PlanConstant[];
  /** Whole numbers in memory: places, and single numbers of the model by their bits. */
  readonly indices: readonly (readonly [at: number, numbers: readonly number[]])[];
  readonly input: {
    readonly at: number;
    readonly width: number;
    readonly shape: readonly number[];
    /** How many rows the tables have that the input picks from; 0 for numbers. */
    readonly tokens: number;
  };
  readonly states: readonly PlanState[];
  readonly outputs: readonly PlanOutput[];
  readonly passes: readonly PlanPass[];
  /** Widths of the values that are kept for all steps. */
  readonly sequences: readonly number[];
}

/**
 * Whether there is a next step: the model reads its sequence once, from the first step to the last,
 * and needs no other end of it.
 */
export function hasStep({ passes }: Plan): boolean {
  return passes.length === 1 && !passes[0].reverse && passes[0].ends.length === 0;
}
