import { ShapeError } from '../errors.js';
import { placeOf, record, wrap } from '../record.js';
import { broadcastShapes, broadcastStrides, mergeDims, showShape, sizeOf, type Shape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import type { MatmulOptions } from '../tensor-methods.js';
import { reshape, sumTo } from './broadcast.js';
import { add } from './arithmetic.js';
import { empty, zeros } from './fill.js';
import { checkFloating, checkTensor } from './operands.js';

/**
 * The matrix product with PyTorch's rules: vectors are rows on the left and columns on the right and lose that dimension again;
 * leading dimensions are batches and broadcast.
 *
 * @example
 * ```ts
 * matmul(tensor([[1, 2], [3, 4]]), tensor([1, 1]));   // [3, 7]
 * ```
 * @param a - `[k]` or `[..., m, k]`; with `transposeA`, `[..., k, m]`
 * @param b - `[k]` or `[..., k, n]`; with `transposeB`, `[..., n, k]`
 * @param options - which operands are stored transposed (PyTorch writes `a @ b.T`; here no copy is made). Vectors ignore it.
 * @returns `[..., m, n]`
 * @throws ShapeError when the inner sizes differ or an operand is a single number
 */
export function matmul(a: Tensor, b: Tensor, { transposeA = false, transposeB = false }: MatmulOptions = {}): Tensor {
  checkTensor('matmul', 'a', a);
  checkTensor('matmul', 'b', b);
  placeOf('matmul', [a, b]);
  checkFloating('matmul', a);
  if (a.rank === 0 || b.rank === 0) {
    throw new ShapeError(
      `matmul: ${showShape(a.shape)} times ${showShape(b.shape)}, expected at least one dimension each; use mul for numbers`,
    );
  }
  const flipA = transposeA && a.rank > 1;
  const flipB = transposeB && b.rank > 1;
  const k = a.shape[flipA ? a.rank - 2 : a.rank - 1];
  const other = b.rank === 1 ? b.shape[0] : b.shape[flipB ? b.rank - 1 : b.rank - 2];
  if (k !== other) {
    const side = (x: Tensor, flipped: boolean): string => `${showShape(x.shape)}${flipped ? ' transposed' : ''}`;
    throw new ShapeError(
      `matmul: ${side(a, flipA)} times ${side(b, flipB)}: the inner sizes ${k} and ${other} differ`,
      {
        expected: `inner size ${k}`,
        received: `inner size ${other}`,
      },
    );
  }
  if (a.rank === 1) {
    const product = matmul(reshape(a, [1, k]), b, { transposeB: flipB });
    return reshape(
      product,
      product.shape.filter((_, i) => i !== product.rank - (b.rank === 1 ? 1 : 2)),
    );
  }
  if (b.rank === 1) {
    const product = matmul(a, reshape(b, [k, 1]), { transposeA: flipA });
    return reshape(product, product.shape.slice(0, -1));
  }
  // Many rows times one matrix are one product, and so is the gradient of the matrix.
  if (b.rank === 2 && a.rank > 2 && !flipA) {
    const rows = a.shape.slice(0, -1);
    return reshape(product(reshape(a, [sizeOf(rows), k]), b, false, flipB), [...rows, b.shape[flipB ? 0 : 1]]);
  }
  return product(a, b, flipA, flipB);
}

/** The product of operands with two dimensions or more. */
function product(a: Tensor, b: Tensor, flipA: boolean, flipB: boolean): Tensor {
  const result = multiplied(a, b, flipA, flipB);
  const { shape: shapeA } = a;
  const { shape: shapeB } = b;
  return record(result, {
    name: 'mm',
    inputs: [a, b],
    saved: [a, b],
    derivatives: [
      // C = A B:  dA = dC B^T,  dB = A^T dC; a stored transpose turns the product around
      (grad, [, b]) => sumTo(flipA ? product(b, grad, flipB, true) : product(grad, b, false, !flipB), shapeA),
      (grad, [a]) => sumTo(flipB ? product(grad, a, true, flipA) : product(a, grad, !flipA, false), shapeB),
    ],
  });
}

function multiplied(a: Tensor, b: Tensor, flipA: boolean, flipB: boolean): Tensor {
  const { backend, dtype } = a;
  const [m, k] = matrix(a.shape, flipA);
  const [, n] = matrix(b.shape, flipB);
  const batchA = a.shape.slice(0, -2);
  const batchB = b.shape.slice(0, -2);
  const batch = broadcastShapes('matmul', batchA, batchB);
  const shape = [...batch, m, n];
  if (sizeOf(shape) === 0) return empty(shape, dtype, backend);
  if (k === 0) return zeros(shape, { dtype, backend });
  const apart = (size: number, own: Shape): number[] => broadcastStrides(own, batch).map((stride) => stride * size);
  const merged = mergeDims(batch, [apart(m * k, batchA), apart(k * n, batchB)]);
  const storage = backend.matmul(
    { storage: a.storage, batchStrides: merged.strides[0], transposed: flipA },
    { storage: b.storage, batchStrides: merged.strides[1], transposed: flipB },
    { batch: merged.sizes, m, k, n },
  );
  return wrap(backend, storage, shape);
}

function matrix(shape: Shape, flipped: boolean): readonly [number, number] {
  const rows = shape[shape.length - 2];
  const columns = shape[shape.length - 1];
  return flipped ? [columns, rows] : [rows, columns];
}

/**
 * An affine map of the last dimension, as PyTorch's `F.linear`: `x W^T + b`.
 *
 * @param x - `[..., inFeatures]`
 * @param weight - `[outFeatures, inFeatures]`
 * @param bias - `[outFeatures]`, or nothing
 * @returns `[..., outFeatures]`
 */
export function linear(x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  const product = matmul(x, weight, { transposeB: true });
  return bias === undefined ? product : add(product, bias);
}
