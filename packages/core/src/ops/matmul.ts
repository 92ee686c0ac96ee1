import { checkFlag } from '../checks/values.js';
import { refuse } from '../checks/refusal.js';
import { checkOptions } from '../checks/options.js';
import { checkFloating, checkShapeIs, checkTensor } from '../checks/tensors.js';
import { ShapeError } from '../errors.js';
import { placeOf, record, wrap } from '../record.js';
import { scope } from '../scope.js';
import { broadcastShapes, broadcastStrides, mergeDims, sameShape, showShape, sizeOf, type Shape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import type { MatmulOptions } from '../tensor-methods.js';
import { add } from './arithmetic.js';
import { sumTo, viewed } from './broadcast.js';
import { empty, zeros } from './fill.js';

/** An operand as matrices: `[..., rows, columns]`, stored as that or transposed. */
interface Side {
  readonly x: Tensor;
  /**
   * With two dimensions at least: a vector is a row or a column, and many rows may be one matrix.
   */
  readonly shape: Shape;
  readonly flipped: boolean;
}

/**
 * The matrix product with PyTorch's rules: vectors are rows on the left and columns on the right
 * and lose that dimension again;
 * leading dimensions are batches and broadcast.
 *
 * @example
 * ```ts
 * matmul(tensor([[1, 2], [3, 4]]), tensor([1, 1]));   // [3, 7]
 * ```
 * @param a - `[k]` or `[..., m, k]`; with `transposeA`, `[..., k, m]`
 * @param b - `[k]` or `[..., k, n]`; with `transposeB`, `[..., n, k]`
 * @param options - which operands are stored transposed (PyTorch writes `a @ b.T`; here no copy is
 *   made). Vectors ignore it.
 * @returns `[..., m, n]`
 * @throws ShapeError when the inner sizes differ, the batches do not broadcast, or an operand is a
 *   single number; DTypeError for int32 or two types; BackendError for operands on two backends
 */
export function matmul(a: Tensor, b: Tensor, options: MatmulOptions = {}): Tensor {
  checkOptions('matmul', options, matmulOptions);
  const { transposeA = false, transposeB = false } = options;
  checkFlag('matmul', 'transposeA', transposeA);
  checkFlag('matmul', 'transposeB', transposeB);
  return named('matmul', a, b, transposeA, transposeB);
}

const matmulOptions = ['transposeA', 'transposeB'] satisfies (keyof MatmulOptions)[];

function named(operation: string, a: Tensor, b: Tensor, transposeA: boolean, transposeB: boolean): Tensor {
  checkTensor(operation, 'a', a);
  checkTensor(operation, 'b', b);
  placeOf(operation, [a, b]);
  checkFloating(operation, 'a', a);
  if (a.rank === 0 || b.rank === 0) {
    const [received, expected] = ['a single number', 'at least one dimension'];
    refuse(ShapeError, operation, a.rank === 0 ? 'a' : 'b', { received, expected, hint: 'use mul for numbers' });
  }
  const left: Side = { x: a, shape: a.rank === 1 ? [1, a.size] : a.shape, flipped: transposeA && a.rank > 1 };
  const right: Side = { x: b, shape: b.rank === 1 ? [b.size, 1] : b.shape, flipped: transposeB && b.rank > 1 };
  const k = columns(left);
  if (k !== rows(right)) {
    const show = ({ x, flipped }: Side): string => `${showShape(x.shape)}${flipped ? ' transposed' : ''}`;
    refuse(ShapeError, operation, 'b', {
      has: 'shape',
      received: show(right),
      expected: `${k} rows, as many as a, ${show(left)}, has columns`,
    });
  }
  const batch = broadcastShapes(operation, left.shape.slice(0, -2), right.shape.slice(0, -2));
  const shape = [...batch, ...(a.rank === 1 ? [] : [rows(left)]), ...(b.rank === 1 ? [] : [columns(right)])];
  // Many rows times one matrix are one product, and so is the gradient of the matrix.
  const joins = right.shape.length === 2 && left.shape.length > 2 && !left.flipped;
  return product(joins ? { ...left, shape: [sizeOf(a.shape.slice(0, -1)), k] } : left, right, shape);
}

function rows({ shape, flipped }: Side): number {
  return shape[shape.length - (flipped ? 1 : 2)];
}

function columns({ shape, flipped }: Side): number {
  return shape[shape.length - (flipped ? 2 : 1)];
}

/**
 * The product of two sides, in a shape that may lack dimensions of size 1 or have the rows apart.
 */
function product(left: Side, right: Side, shape?: Shape): Tensor {
  const [a, b] = [left.x, right.x];
  return record(multiplied(left, right, shape), {
    name: nameOf(a, b),
    inputs: [a, b],
    saved: [a, b],
    derivatives: derivativesOf(left, right),
  });
}

/** The name that PyTorch's graph has for a product of these. */
function nameOf(a: Tensor, b: Tensor): string {
  if (a.rank === 1 || b.rank === 1) return a.rank === b.rank ? 'dot' : 'mv';
  return a.rank > 2 && b.rank > 2 ? 'bmm' : 'mm';
}

type ProductDerivative = (grad: Tensor, saved: readonly Tensor[]) => Tensor;

/** C = A B:  dA = dC B^T,  dB = A^T dC; a stored transpose turns the product around. */
function derivativesOf(left: Side, right: Side): [ProductDerivative, ProductDerivative] {
  const [aShape, bShape] = [left.x.shape, right.x.shape];
  const { shape: leftShape, flipped: flipA } = left;
  const { shape: rightShape, flipped: flipB } = right;
  const batch = broadcastShapes('matmul', leftShape.slice(0, -2), rightShape.slice(0, -2));
  const whole = [...batch, rows(left), columns(right)];
  const asMatrix = (x: Tensor, shape: Shape): Tensor => (sameShape(x.shape, shape) ? x : viewed(x, shape, 'view'));
  const side = (x: Tensor, shape: Shape, flipped: boolean): Side => ({ x: asMatrix(x, shape), shape, flipped });
  return [
    (grad, [, b]) => {
      const other = side(b, rightShape, flipA ? flipB : !flipB);
      const gradient = side(grad, whole, flipA);
      return asMatrix(sumTo(flipA ? product(other, gradient) : product(gradient, other), leftShape), aShape);
    },
    (grad, [a]) => {
      const other = side(a, leftShape, flipB ? flipA : !flipA);
      const gradient = side(grad, whole, flipB);
      return asMatrix(sumTo(flipB ? product(gradient, other) : product(other, gradient), rightShape), bShape);
    },
  ];
}

function multiplied(left: Side, right: Side, shape: Shape | undefined): Tensor {
  const { backend, dtype } = left.x;
  const [m, k, n] = [rows(left), columns(left), columns(right)];
  const batchA = left.shape.slice(0, -2);
  const batchB = right.shape.slice(0, -2);
  const batch = broadcastShapes('matmul', batchA, batchB);
  const target = shape ?? [...batch, m, n];
  if (sizeOf(target) === 0) return empty(target, dtype, backend);
  if (k === 0) return zeros(target, { dtype, backend });
  const apart = (size: number, own: Shape): number[] => broadcastStrides(own, batch).map((stride) => stride * size);
  const merged = mergeDims(batch, [apart(m * k, batchA), apart(k * n, batchB)]);
  const storage = backend.matmul(
    { storage: left.x.storage, batchStrides: merged.strides[0], transposed: left.flipped },
    { storage: right.x.storage, batchStrides: merged.strides[1], transposed: right.flipped },
    { batch: merged.sizes, m, k, n },
  );
  return wrap(backend, storage, target);
}

/**
 * An affine map of the last dimension, as PyTorch's `F.linear`: `x W^T + b`.
 *
 * @example
 * ```ts
 * linear(tensor([1, 2]), tensor([[1, 0], [0, 1], [1, 1]]), tensor([0, 0, 10]));   // [1, 2, 13]
 * ```
 * @param x - `[..., inFeatures]`
 * @param weight - `[outFeatures, inFeatures]`
 * @param bias - `[outFeatures]`, or nothing
 * @returns `[..., outFeatures]`
 * @throws ShapeError, DTypeError, BackendError when they do not fit together
 */
export function linear(x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  checkTensor('linear', 'x', x);
  checkTensor('linear', 'weight', weight);
  if (weight.rank !== 2) refuseLinear('weight', weight, '[outFeatures, inFeatures]');
  const [out, features] = weight.shape;
  if (x.rank === 0 || x.shape[x.rank - 1] !== features)
    refuseLinear('x', x, `[..., ${features}] for a weight of shape [${out}, ${features}]`);
  if (bias === undefined) return named('linear', x, weight, false, true);
  checkTensor('linear', 'bias', bias);
  checkShapeIs('linear', 'bias', bias, [out]);
  placeOf('linear', [x, weight, bias]);
  return scope(() => add(named('linear', x, weight, false, true), bias));
}

function refuseLinear(argument: string, x: Tensor, expected: string): never {
  refuse(ShapeError, 'linear', argument, { has: 'shape', received: showShape(x.shape), expected });
}
