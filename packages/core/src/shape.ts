import { ArgumentError, ShapeError } from './errors.js';

/** Sizes of a tensor's dimensions, outermost first. `[]` is a single number. */
export type Shape = readonly number[];

/** Number of elements. */
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

/** Whether two shapes are equal. */
export function sameShape(a: Shape, b: Shape): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** A shape as messages show it: `[2, 3]`. */
export function showShape(shape: Shape): string {
  return `[${shape.join(', ')}]`;
}

/** Refuses sizes that are negative, fractional or NaN. */
export function checkShape(operation: string, shape: Shape): void {
  if (!Array.isArray(shape)) {
    throw new ShapeError(`${operation}: shape is ${typeof shape}, expected an array of sizes such as [2, 3]`, {
      argument: 'shape',
      expected: 'an array of sizes',
      received: typeof shape,
    });
  }
  for (const size of shape) {
    if (!Number.isInteger(size) || size < 0) {
      throw new ShapeError(
        `${operation}: shape [${shape.map(String).join(', ')}] has the size ${String(size)}, expected whole numbers from 0 up`,
        { argument: 'shape', expected: 'whole numbers from 0 up', received: String(size) },
      );
    }
  }
}

/** A dimension counted from the front; negative ones count from the back, as in PyTorch. */
export function normalizeDim(operation: string, dim: number, rank: number, argument = 'dim'): number {
  const limit = Math.max(rank, 1); // PyTorch lets dim 0 and -1 name the only place of a single number
  if (!Number.isInteger(dim) || dim < -limit || dim >= limit) {
    throw new ArgumentError(
      `${operation}: ${argument} is ${String(dim)}, expected a whole number from ${-limit} to ${limit - 1} for a tensor of rank ${rank}`,
      { argument, expected: `${-limit} to ${limit - 1}`, received: String(dim) },
    );
  }
  return dim < 0 ? dim + limit : dim;
}

/** Several dimensions, each once, in ascending order; `undefined` means all of them. */
export function normalizeDims(operation: string, dims: number | readonly number[] | undefined, rank: number): number[] {
  if (dims === undefined) return Array.from({ length: rank }, (_, i) => i);
  const list = (typeof dims === 'number' ? [dims] : dims).map((dim) => normalizeDim(operation, dim, rank, 'dims'));
  if (new Set(list).size !== list.length) {
    throw new ArgumentError(`${operation}: dims is [${String(dims)}], expected each dimension at most once`, {
      argument: 'dims',
      expected: 'each dimension at most once',
      received: `[${String(dims)}]`,
    });
  }
  return rank === 0 ? [] : list.sort((a, b) => a - b);
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
      throw new ShapeError(
        `${operation}: shapes ${showShape(a)} and ${showShape(b)} do not broadcast: dimension ${-i} is ${x} in one and ${y} in the other (equal sizes or 1 would fit)`,
        { expected: 'shapes that broadcast', received: `${showShape(a)} and ${showShape(b)}` },
      );
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
 * Simplifies a walk for the kernels: drops dimensions of size 1 and merges neighbours that every operand walks as one. A walk over a
 * single element keeps one dimension of size 1.
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
