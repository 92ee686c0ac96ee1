import { refuse, describeValue } from './checks/refusal.js';
import { checkList } from './checks/values.js';
import { ArgumentError, ShapeError } from './errors.js';

/** Sizes of a tensor's dimensions, outermost first. `[]` is a single number. */
export type Shape = readonly number[];

/**
 * Number of elements.
 *
 * @example
 * ```ts
 * sizeOf([2, 3]); // 6
 * ```
 */
export function sizeOf(shape: Shape): number {
  let size = 1;
  for (let i = 0; i < shape.length; i++) size *= shape[i];
  return size;
}

/** Strides of a dense row-major array, in elements. */
export function denseStrides(shape: Shape): number[] {
  const strides = shape.slice();
  let step = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = step;
    step *= shape[i];
  }
  return strides;
}

/**
 * Whether two shapes are equal.
 *
 * @example
 * ```ts
 * sameShape([2, 3], zeros([2, 3]).shape); // true
 * ```
 */
export function sameShape(a: Shape, b: Shape): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/**
 * A shape as messages show it: `[2, 3]`.
 *
 * @example
 * ```ts
 * showShape([2, 3]); // '[2, 3]'
 * ```
 */
export function showShape(shape: Shape): string {
  return `[${shape.join(', ')}]`;
}

/** Refuses sizes that are negative, fractional or NaN. */
export function checkShape(operation: string, shape: unknown): asserts shape is Shape {
  if (!Array.isArray(shape)) {
    const hint = typeof shape === 'number' ? { hint: `put the sizes in one array: [${shape}, ...]` } : {};
    refuse(ShapeError, operation, 'shape', { value: shape, expected: 'an array of sizes such as [2, 3]', ...hint });
  }
  for (let i = 0; i < shape.length; i++) checkSize(operation, i, shape[i]);
}

function checkSize(operation: string, i: number, size: unknown): void {
  if (Number.isSafeInteger(size) && (size as number) >= 0) return;
  refuse(ShapeError, operation, `shape[${i}]`, { value: size, expected: 'a whole number from 0 up' });
}

/** A dimension counted from the front; negative ones count from the back, as in PyTorch. */
export function normalizeDim(operation: string, dim: number, rank: number, argument = 'dim'): number {
  const limit = Math.max(rank, 1); // PyTorch lets dim 0 and -1 name the only place of a single number
  if (!Number.isInteger(dim) || dim < -limit || dim >= limit) {
    const expected = `a whole number from ${-limit} to ${limit - 1} for a tensor of rank ${rank}`;
    refuse(ArgumentError, operation, argument, { value: dim, expected });
  }
  return dim < 0 ? dim + limit : dim;
}

/** Several dimensions, each once, in ascending order; `undefined` means all of them. */
export function normalizeDims(operation: string, dims: number | readonly number[] | undefined, rank: number): number[] {
  if (dims === undefined) {
    const all: number[] = [];
    for (let i = 0; i < rank; i++) all.push(i);
    return all;
  }
  if (typeof dims !== 'number') checkList(operation, 'dims', dims, 'dimensions');
  const list = (typeof dims === 'number' ? [dims] : dims).map((dim) => normalizeDim(operation, dim, rank, 'dims'));
  if (new Set(list).size !== list.length) {
    refuse(ArgumentError, operation, 'dims', {
      received: `[${String(dims)}]`,
      expected: 'each dimension at most once',
    });
  }
  return rank === 0 ? [] : list.sort((a, b) => a - b);
}

/**
 * Refuses what follows the last argument: dimensions one by one, where they belong in one array.
 */
export function checkOneArray(operation: string, argument: string, first: unknown, more: readonly unknown[]): void {
  if (more.length === 0) return;
  const all = [first, ...more].map(describeValue);
  refuse(ArgumentError, operation, argument, {
    received: `followed by ${all.slice(1).join(', ')}`,
    expected: 'the last argument',
    hint: `put them in one array: [${all.join(', ')}]`,
  });
}

/** The same for reductions, where an empty list means all dimensions too, as in PyTorch. */
export function reducedDims(operation: string, dims: number | readonly number[] | undefined, rank: number): number[] {
  return normalizeDims(operation, Array.isArray(dims) && dims.length === 0 ? undefined : dims, rank);
}

/** The common shape of two operands under PyTorch's (and NumPy's) broadcasting rules. */
export function broadcastShapes(operation: string, a: Shape, b: Shape): Shape {
  if (sameShape(a, b)) return a;
  const out = (a.length > b.length ? a : b).slice();
  for (let i = 1; i <= out.length; i++) {
    const x = a[a.length - i] ?? 1;
    const y = b[b.length - i] ?? 1;
    if (x !== y && x !== 1 && y !== 1) {
      refuse(ShapeError, operation, 'b', {
        has: 'shape',
        received: showShape(b),
        expected: `one that broadcasts with ${showShape(a)}`,
        hint: `dimension ${-i} is ${y} here and ${x} there, where equal sizes or 1 would fit`,
      });
    }
    out[out.length - i] = x === 1 ? y : x;
  }
  return out;
}

/** Strides with which a dense operand of `shape` is walked when it is broadcast to `target`. */
export function broadcastStrides(shape: Shape, target: Shape): number[] {
  const dense = denseStrides(shape);
  const lead = target.length - shape.length;
  return target.map((_, i) => (i < lead || shape[i - lead] === 1 ? 0 : dense[i - lead]));
}

/**
 * Simplifies a walk for the kernels: drops dimensions of size 1 and merges neighbours that every
 * operand walks as one. A walk over a single element keeps one dimension of size 1.
 */
export function mergeDims(
  sizes: Shape,
  strides: readonly (readonly number[])[],
): { sizes: number[]; strides: number[][] } {
  const outSizes: number[] = [];
  const outStrides: number[][] = strides.map(() => []);
  for (let i = 0; i < sizes.length; i++) {
    const size = sizes[i];
    if (size === 1) continue;
    const last = outSizes.length - 1;
    if (last >= 0 && strides.every((s, operand) => outStrides[operand][last] === s[i] * size)) {
      outSizes[last] *= size;
      strides.forEach((s, operand) => (outStrides[operand][last] = s[i]));
    } else {
      outSizes.push(size);
      strides.forEach((s, operand) => outStrides[operand].push(s[i]));
    }
  }
  if (outSizes.length === 0) {
    outSizes.push(1);
    outStrides.forEach((s) => s.push(0));
  }
  return { sizes: outSizes, strides: outStrides };
}
