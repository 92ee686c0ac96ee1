import { describe, expect, test } from 'vitest';
import { linear, matmul, type MatmulOptions, type Shape, type Tensor } from '../../src/index.js';
import { describeDerivatives, operands, type DerivativeCase } from '../float64.js';

const [m, k, n] = [2, 3, 4];
const batches: readonly (readonly [a: Shape, b: Shape])[] = [
  [[], []],
  [[2], []],
  [[], [2]],
  [[2], [2]],
  [[2], [1]],
  [[1], [2]],
  [[2, 1], [3]],
  [[3], [2, 1]],
  [[2, 3], []],
];

interface ProductCase extends MatmulOptions {
  readonly name: string;
  readonly a: Shape;
  readonly b: Shape;
}

const products: ProductCase[] = [false, true].flatMap((transposeA) =>
  [false, true].flatMap((transposeB) => {
    const flags = `${transposeA ? ', a transposed' : ''}${transposeB ? ', b transposed' : ''}`;
    const matrixA = transposeA ? [k, m] : [m, k];
    const matrixB = transposeB ? [n, k] : [k, n];
    return [
      ...batches.map(([a, b]) => ({ a: [...a, ...matrixA], b: [...b, ...matrixB] })),
      { a: [k], b: [k] },
      { a: [k], b: matrixB },
      { a: [k], b: [2, ...matrixB] },
      { a: matrixA, b: [k] },
      { a: [2, ...matrixA], b: [k] },
      { a: [2, 2, ...matrixA], b: [k] },
    ].map(({ a, b }) => ({ name: `[${a.join()}] times [${b.join()}]${flags}`, a, b, transposeA, transposeB }));
  }),
);

describeDerivatives(
  'matmul',
  products.map(({ name, a, b, ...options }): DerivativeCase => ({
    name,
    of: (x, y) => matmul(x, y, options),
    at: [a, b],
  })),
);

describeDerivatives('matmul at the edges', [
  { name: 'one operand twice', of: (x) => matmul(x, x), at: [[3, 3]] },
  { name: 'a Gram matrix', of: (x) => matmul(x, x, { transposeA: true }), at: [[2, 3]] },
  {
    name: 'sizes of 1',
    of: (x, y) => matmul(x, y),
    at: [
      [1, 1, 1],
      [1, 1],
    ],
  },
  {
    name: 'inner size 0',
    of: (x, y) => matmul(x, y),
    at: [
      [2, 0],
      [0, 3],
    ],
  },
  {
    name: 'inner size 0 in a batch',
    of: (x, y) => matmul(x, y),
    at: [
      [2, 3, 0],
      [0, 2],
    ],
  },
  {
    name: 'no row',
    of: (x, y) => matmul(x, y),
    at: [
      [2, 0, 3],
      [3, 2],
    ],
  },
  {
    name: 'no column',
    of: (x, y) => matmul(x, y),
    at: [
      [2, 3],
      [3, 0],
    ],
  },
  {
    name: 'a product of products',
    of: (x, y) => matmul(matmul(x, y), y, { transposeB: true }),
    at: [
      [2, 3],
      [3, 2],
    ],
  },
]);

describeDerivatives('linear', [
  { name: 'a vector', of: (x, w, b) => linear(x, w, b), at: [[3], [2, 3], [2]] },
  { name: 'a batch', of: (x, w, b) => linear(x, w, b), at: [[4, 3], [2, 3], [2]] },
  { name: 'a sequence', of: (x, w, b) => linear(x, w, b), at: [[2, 2, 3], [2, 3], [2]] },
  {
    name: 'without bias',
    of: (x, w) => linear(x, w),
    at: [
      [4, 3],
      [2, 3],
    ],
  },
  { name: 'one feature out', of: (x, w, b) => linear(x, w, b), at: [[4, 3], [1, 3], [1]] },
]);

describe('values', () => {
  /**
   * The product element by element, from the definition: matrices at the end, batches in front,
   * broadcast.
   */
  function plainProduct(a: Tensor, b: Tensor, { transposeA = false, transposeB = false }: MatmulOptions): number[] {
    const left = a.rank === 1 ? a.reshape([1, -1]) : transposeA ? a.transpose(-2, -1) : a;
    const right = b.rank === 1 ? b.reshape([-1, 1]) : transposeB ? b.transpose(-2, -1) : b;
    return Array.from(left.unsqueeze(-1).mul(right.unsqueeze(-3)).sum(-2).dataSync());
  }

  test.each(products)('$name', ({ a, b, transposeA, transposeB }) => {
    const options = { transposeA, transposeB };
    const [x, y] = operands(a, b);
    const result = matmul(x, y, options);
    const expected = plainProduct(x, y, options);
    expect(result.size).toBe(expected.length);
    result.dataSync().forEach((value, i) => expect(value).toBeCloseTo(expected[i], 12));
  });
});
