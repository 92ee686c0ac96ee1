/**
 * A complete backend in one file: numbers in typed arrays, one loop a kernel. `docs/new-backend.md`
 * builds it step by step.
 */
import type {
  Backend,
  BackendInfo,
  BinaryOp,
  ConcatPart,
  DType,
  IndexSizes,
  Matrices,
  MatmulSizes,
  MemoryUse,
  Operand,
  ReduceOp,
  Storage,
  Strided,
  TypedArray,
  UnaryOp,
} from '@rnn/core';

/** What core gets as a storage. It reads `dtype` and `size`; the rest is ours. */
interface Numbers extends Storage {
  readonly values: TypedArray;
}

const bytesPerElement = 4; // float32 and int32 alike

const info: BackendInfo = {
  name: 'minimal',
  device: 'JavaScript',
  dtypes: ['float32', 'int32'],
  threads: 1,
  simd: 'none',
  synchronous: true,
  notes: ['The example of docs/new-backend.md: short, not fast.'],
};

function valuesOf(storage: Storage): TypedArray {
  return (storage as Numbers).values;
}

function product(sizes: readonly number[]): number {
  return sizes.reduce((total, size) => total * size, 1);
}

export const unaryFunctions: Record<UnaryOp, (x: number) => number> = {
  neg: (x) => -x,
  exp: Math.exp,
  log: Math.log,
  sqrt: Math.sqrt,
  square: (x) => x * x,
  reciprocal: (x) => 1 / x,
  abs: Math.abs,
  sign: (x) => (x > 0 ? 1 : x < 0 ? -1 : 0), // of NaN and -0 too
  tanh: Math.tanh,
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  relu: (x) => (x < 0 ? 0 : x), // and not `x > 0 ? x : 0`, which would turn a NaN into 0
  softplus: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))), // log(1 + exp(x)) overflows
  // Of two equally near numbers the even one; Math.round takes the upper one.
  round: (x) => (Math.round(x) - x === 0.5 && Math.round(x) % 2 !== 0 ? Math.round(x) - 1 : Math.round(x)),
};

const truth = (holds: boolean): number => (holds ? 1 : 0);

export const binaryFunctions: Record<BinaryOp, (a: number, b: number) => number> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  // IEEE: 1 to any power is 1, and so is -1 to an infinite one. JavaScript says NaN for some of
  // these.
  pow: (a, b) => (a === 1 || (a === -1 && Math.abs(b) === Infinity) ? 1 : a ** b),
  maximum: Math.max, // a NaN wins in both
  minimum: Math.min,
  eq: (a, b) => truth(a === b),
  ne: (a, b) => truth(a !== b),
  lt: (a, b) => truth(a < b),
  le: (a, b) => truth(a <= b),
  gt: (a, b) => truth(a > b),
  ge: (a, b) => truth(a >= b),
};

type Pair = (a: number, b: number) => number;

// Sums and products of int32 wrap around: their low 32 bits count, and float64 would lose some.
const plus = (dtype: DType): Pair => (dtype === 'int32' ? (a, b) => (a + b) | 0 : binaryFunctions.add);
const times = (dtype: DType): Pair => (dtype === 'int32' ? Math.imul : binaryFunctions.mul);

/**
 * The place in memory of each element of a walk, in order: every dimension multiplies the places so
 * far.
 */
function placesOf({ offset, strides }: Strided, sizes: readonly number[]): number[] {
  return sizes.reduce<number[]>(
    (places, size, dim) => places.flatMap((place) => Array.from({ length: size }, (_, i) => place + i * strides[dim])),
    [offset],
  );
}

/** The numbers that a walk meets. A plain number stands for that value everywhere. */
function met(x: Operand, sizes: readonly number[]): number[] {
  if (typeof x === 'number') return new Array<number>(product(sizes)).fill(x);
  const values = valuesOf(x.storage);
  return placesOf(x, sizes).map((place) => values[place]);
}

class MinimalBackend implements Backend {
  readonly info: BackendInfo = info;
  private readonly live = new Set<Storage>();

  /** A new storage. Numbers are float64 until here, and are rounded once. */
  private keep(dtype: DType, numbers: ArrayLike<number>): Storage {
    const values = dtype === 'int32' ? Int32Array.from(numbers) : Float32Array.from(numbers);
    const storage: Numbers = { dtype, size: values.length, values };
    this.live.add(storage);
    return storage;
  }

  upload(values: TypedArray): Storage {
    return this.keep(values instanceof Int32Array ? 'int32' : 'float32', values);
  }

  fill(value: number, size: number, dtype: DType): Storage {
    return this.keep(dtype, new Array<number>(size).fill(value));
  }

  async read(storage: Storage): Promise<TypedArray> {
    return this.readSync(storage);
  }

  readSync(storage: Storage): TypedArray {
    return valuesOf(storage).slice();
  }

  release(storage: Storage): void {
    this.live.delete(storage);
  }

  memory(): MemoryUse {
    const elements = [...this.live].reduce((total, { size }) => total + size, 0);
    return { storages: this.live.size, bytes: elements * bytesPerElement };
  }

  dispose(): void {
    this.live.clear();
  }

  unary(op: UnaryOp, x: Storage): Storage {
    const multiply = times(x.dtype);
    const fn = op === 'square' ? (value: number) => multiply(value, value) : unaryFunctions[op];
    return this.keep(x.dtype, Array.from(valuesOf(x), fn));
  }

  binary(op: BinaryOp, a: Operand, b: Operand, sizes: readonly number[]): Storage {
    const { dtype } = (typeof a === 'number' ? (b as Strided) : a).storage;
    const right = met(b, sizes);
    const fn = op === 'mul' ? times(dtype) : binaryFunctions[op];
    return this.keep(
      dtype,
      met(a, sizes).map((x, i) => fn(x, right[i])),
    );
  }

  select(condition: Strided, a: Operand, b: Operand, sizes: readonly number[], dtype: DType): Storage {
    const whenTrue = met(a, sizes);
    const whenFalse = met(b, sizes);
    return this.keep(
      dtype,
      met(condition, sizes).map((c, i) => (c === 0 ? whenFalse[i] : whenTrue[i])),
    );
  }

  copy(x: Strided, sizes: readonly number[], dtype: DType): Storage {
    if (dtype !== 'int32') return this.keep(dtype, met(x, sizes));
    // Int32Array drops fractions and makes a NaN 0; what lies beyond the limits becomes the nearer
    // one.
    return this.keep(
      dtype,
      met(x, sizes).map((value) => Math.min(Math.max(value, -(2 ** 31)), 2 ** 31 - 1)),
    );
  }

  concat(parts: readonly ConcatPart[], outer: number): Storage {
    const numbers: number[] = [];
    for (let row = 0; row < outer; row++) {
      for (const { storage, run } of parts) numbers.push(...valuesOf(storage).subarray(row * run, (row + 1) * run));
    }
    return this.keep(parts[0].storage.dtype, numbers);
  }

  /** For each `[o, c, i]` of the indices, the place that it names in `[outer, size, inner]`. */
  private named(index: Strided, { outer, size, inner, count }: IndexSizes): number[] {
    const picks = met(index, [outer, count, inner]);
    return picks.map((pick, at) => (Math.floor(at / (count * inner)) * size + pick) * inner + (at % inner));
  }

  gather(x: Storage, index: Strided, sizes: IndexSizes): Storage {
    const values = valuesOf(x);
    return this.keep(
      x.dtype,
      this.named(index, sizes).map((place) => values[place]),
    );
  }

  scatterAdd(source: Storage, index: Strided, sizes: IndexSizes): Storage {
    const numbers = new Array<number>(sizes.outer * sizes.size * sizes.inner).fill(0);
    const values = valuesOf(source);
    this.named(index, sizes).forEach((place, i) => (numbers[place] += values[i]));
    return this.keep(source.dtype, numbers);
  }

  reduce(op: ReduceOp, x: Storage, outer: number, size: number, inner: number): Storage {
    const values = valuesOf(x);
    const add = plus(x.dtype);
    const numbers: number[] = [];
    for (let line = 0; line < outer * inner; line++) {
      const start = Math.floor(line / inner) * size * inner + (line % inner);
      let best = values[start];
      let at = 0;
      for (let i = 1; i < size; i++) {
        const value = values[start + i * inner];
        if (op === 'sum') best = add(best, value);
        else if (Number.isNaN(best)) break;
        else if (Number.isNaN(value) || (op === 'min' ? value < best : value > best)) [best, at] = [value, i];
      }
      numbers.push(op === 'argmax' ? at : best);
    }
    return this.keep(op === 'argmax' ? 'int32' : x.dtype, numbers);
  }

  matmul(a: Matrices, b: Matrices, { batch, m, k, n }: MatmulSizes): Storage {
    const left = valuesOf(a.storage);
    const right = valuesOf(b.storage);
    const startsA = placesOf({ storage: a.storage, offset: 0, strides: a.batchStrides }, batch);
    const startsB = placesOf({ storage: b.storage, offset: 0, strides: b.batchStrides }, batch);
    // Steps to the next row and to the next column, in either way of storing a matrix.
    const [rowA, columnA] = a.transposed ? [1, m] : [k, 1];
    const [rowB, columnB] = b.transposed ? [1, k] : [n, 1];
    const [add, multiply] = [plus(a.storage.dtype), times(a.storage.dtype)];
    const numbers: number[] = [];
    startsA.forEach((startA, matrix) => {
      for (let row = 0; row < m; row++) {
        for (let column = 0; column < n; column++) {
          let sum = 0;
          for (let i = 0; i < k; i++) {
            const place = startsB[matrix] + i * rowB + column * columnB;
            sum = add(sum, multiply(left[startA + row * rowA + i * columnA], right[place]));
          }
          numbers.push(sum);
        }
      }
    });
    return this.keep(a.storage.dtype, numbers);
  }
}

/** Makes the backend. Factories are async, since a device may have to be asked for. */
export async function minimal(): Promise<Backend> {
  return new MinimalBackend();
}

export default minimal;
