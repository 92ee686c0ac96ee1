import type { Shape } from '@rnn/core';

/** A position in a tensor. */
export type Index = readonly number[];

/** All positions of a shape, in row-major order. */
export function indicesOf(shape: Shape): number[][] {
  return shape.reduce<number[][]>(
    (list, size) => list.flatMap((index) => Array.from({ length: size }, (_, i) => [...index, i])),
    [[]],
  );
}

/**
 * A tensor in float64 whose operations say, for each element of the result, where it comes from.
 * Slow, and plain enough to be believed: what core and a backend compute together is held against
 * this.
 */
export class PlainTensor {
  readonly shape: Shape;
  readonly data: readonly number[];

  constructor(shape: Shape, data: readonly number[]) {
    this.shape = shape;
    this.data = data;
  }

  /** A tensor from a function of the position. */
  static from(shape: Shape, element: (index: Index) => number): PlainTensor {
    return new PlainTensor(shape, indicesOf(shape).map(element));
  }

  get rank(): number {
    return this.shape.length;
  }

  get size(): number {
    return this.data.length;
  }

  /** The element at a position. */
  at(index: Index): number {
    return this.data[index.reduce((place, i, dim) => place * this.shape[dim] + i, 0)];
  }

  /** The same numbers in another shape. */
  reshaped(shape: Shape): PlainTensor {
    return new PlainTensor(shape, this.data);
  }

  /** A function of each element. */
  map(fn: (x: number) => number): PlainTensor {
    return new PlainTensor(this.shape, this.data.map(fn));
  }

  /** One element changed by a small step. */
  nudged(place: number, step: number): PlainTensor {
    return new PlainTensor(
      this.shape,
      this.data.map((x, i) => (i === place ? x + step : x)),
    );
  }

  toString(): string {
    return `[${this.shape.join(', ')}]: ${this.data.join(', ')}`;
  }
}

/**
 * The shape of operands under broadcasting: of each dimension, counted from the back, the largest
 * size; one of size 0 wins.
 */
function broadcast(shapes: readonly Shape[]): number[] {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, i) => {
    const sizes = shapes.map((shape) => shape[shape.length - rank + i] ?? 1);
    return sizes.find((size) => size !== 1) ?? 1;
  });
}

/** The element that a position of a broadcast result sees. */
function seen(x: PlainTensor, index: Index): number {
  const own = index.slice(index.length - x.rank);
  return x.at(own.map((i, dim) => (x.shape[dim] === 1 ? 0 : i)));
}

/** A function of several operands, element by element with broadcasting. */
export function combined(fn: (...values: number[]) => number, ...operands: readonly PlainTensor[]): PlainTensor {
  return PlainTensor.from(broadcast(operands.map(({ shape }) => shape)), (index) =>
    fn(...operands.map((x) => seen(x, index))),
  );
}

/** An operand broadcast to a shape. */
export function expanded(x: PlainTensor, shape: Shape): PlainTensor {
  return PlainTensor.from(shape, (index) => seen(x, index));
}

/** A function of all elements along some dimensions. */
export function reduced(
  x: PlainTensor,
  dims: readonly number[],
  keepDim: boolean,
  fn: (line: readonly number[]) => number,
): PlainTensor {
  const kept = x.shape.map((size, dim) => (dims.includes(dim) ? 1 : size));
  const along = x.shape.map((size, dim) => (dims.includes(dim) ? size : 1));
  const steps = indicesOf(along);
  const result = PlainTensor.from(kept, (index) =>
    fn(steps.map((step) => x.at(index.map((i, dim) => (dims.includes(dim) ? step[dim] : i))))),
  );
  return keepDim ? result : result.reshaped(x.shape.filter((_, dim) => !dims.includes(dim)));
}

/** A function from all elements along one dimension to as many others. */
export function mappedAlong(
  x: PlainTensor,
  dim: number,
  fn: (line: readonly number[]) => readonly number[],
): PlainTensor {
  const lines = new Map<string, readonly number[]>();
  return PlainTensor.from(x.shape, (index) => {
    const name = index.map((i, d) => (d === dim ? '' : i)).join();
    let line = lines.get(name);
    if (line === undefined) {
      line = fn(Array.from({ length: x.shape[dim] }, (_, i) => x.at(index.map((j, d) => (d === dim ? i : j)))));
      lines.set(name, line);
    }
    return line[index[dim]];
  });
}

/** The dimensions in another order. */
export function permuted(x: PlainTensor, dims: readonly number[]): PlainTensor {
  return PlainTensor.from(
    dims.map((dim) => x.shape[dim]),
    (index) => x.at(x.shape.map((_, dim) => index[dims.indexOf(dim)])),
  );
}

/** Some places of one dimension, in a given order. */
export function picked(x: PlainTensor, dim: number, places: readonly number[]): PlainTensor {
  return PlainTensor.from(
    x.shape.map((size, d) => (d === dim ? places.length : size)),
    (index) => x.at(index.map((i, d) => (d === dim ? places[i] : i))),
  );
}

/** Tensors side by side along a dimension. */
export function joined(tensors: readonly PlainTensor[], dim: number): PlainTensor {
  const places = tensors.flatMap((x) => Array.from({ length: x.shape[dim] }, (_, i) => [x, i] as const));
  return PlainTensor.from(
    tensors[0].shape.map((size, d) => (d === dim ? places.length : size)),
    (index) => {
      const [x, i] = places[index[dim]];
      return x.at(index.map((j, d) => (d === dim ? i : j)));
    },
  );
}

/** The matrix product with PyTorch's rules for vectors and batches. */
export function product(a: PlainTensor, b: PlainTensor): PlainTensor {
  const left = a.rank === 1 ? a.reshaped([1, a.size]) : a;
  const right = b.rank === 1 ? b.reshaped([b.size, 1]) : b;
  const batch = broadcast([left.shape.slice(0, -2), right.shape.slice(0, -2)]);
  const [m, k] = left.shape.slice(-2);
  const n = right.shape[right.rank - 1];
  const fullLeft = expanded(left, [...batch, m, k]);
  const fullRight = expanded(right, [...batch, k, n]);
  const result = PlainTensor.from([...batch, m, n], (index) => {
    const place = index.slice(0, -2);
    const [row, column] = index.slice(-2);
    let sum = 0;
    for (let i = 0; i < k; i++) sum += fullLeft.at([...place, row, i]) * fullRight.at([...place, i, column]);
    return sum;
  });
  return result.reshaped([...batch, ...(a.rank === 1 ? [] : [m]), ...(b.rank === 1 ? [] : [n])]);
}
