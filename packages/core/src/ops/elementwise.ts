import type { BinaryOp, UnaryOp } from '../backend.js';
import { ArgumentError, DTypeError } from '../errors.js';
import { placeOf, record, refuseBackends, wrap, type Derivative } from '../record.js';
import { broadcastShapes, sizeOf } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { empty, full } from './fill.js';
import { aligned, checkFloating, checkTensor } from './operands.js';
import { sumTo } from './broadcast.js';

/** Runs a kernel of one operand. */
function mapped(op: UnaryOp, x: Tensor): Tensor {
  checkTensor(op, 'x', x);
  const { backend } = x;
  if (x.size === 0) return empty(x.shape, x.dtype, backend);
  return wrap(backend, backend.unary(op, x.storage), x.shape);
}

/** Runs a kernel of two operands under broadcasting; a number takes the other's type. */
function combined(op: BinaryOp, a: Tensor | number, b: Tensor | number): Tensor {
  if (typeof a !== 'number') checkTensor(op, 'a', a);
  if (typeof b !== 'number') checkTensor(op, 'b', b);
  const tensors = [a, b].filter((x) => typeof x !== 'number');
  if (tensors.length === 0) {
    throw new ArgumentError(`${op}: both operands are plain numbers, expected at least one Tensor`);
  }
  const backend = placeOf(op, tensors);
  const shape = tensors.length === 2 ? broadcastShapes(op, tensors[0].shape, tensors[1].shape) : tensors[0].shape;
  const size = sizeOf(shape);
  if (size === 0) return empty(shape, tensors[0].dtype, backend);
  const { operands, sizes } = aligned([a, b], shape, size);
  return wrap(backend, backend.binary(op, operands[0], operands[1], sizes), shape);
}

type Term = (grad: Tensor, a: Tensor | number, b: Tensor | number) => Tensor;

/** Records a binary operation: `da` and `db` are its two derivatives before the sum over broadcast dimensions. */
function binary(
  op: BinaryOp,
  a: Tensor | number,
  b: Tensor | number,
  needs: 'operands' | 'nothing',
  da: Term,
  db: Term,
): Tensor {
  const result = combined(op, a, b);
  const inputs: Tensor[] = [];
  const derivatives: Derivative[] = [];
  const keep = needs === 'operands';
  for (const [operand, term] of [
    [a, da],
    [b, db],
  ] as const) {
    if (typeof operand === 'number') continue;
    inputs.push(operand);
    const { shape } = operand;
    derivatives.push((grad, saved) => {
      let next = 0;
      const left = typeof a === 'number' ? a : keep ? saved[next++] : 0;
      const right = typeof b === 'number' ? b : keep ? saved[next] : 0;
      return sumTo(term(grad, left, right), shape);
    });
  }
  return record(result, { name: op, inputs, saved: keep ? inputs : [], derivatives });
}

/** Records a function on the reals whose derivative reads its operand (`x`) or its result (`y`). */
function unary(op: UnaryOp, x: Tensor, reads: 'x' | 'y', derivative: (grad: Tensor, value: Tensor) => Tensor): Tensor {
  checkTensor(op, 'x', x);
  checkFloating(op, x);
  return polynomial(op, x, reads, derivative);
}

/** The same for functions that whole numbers have too. */
function polynomial(
  op: UnaryOp,
  x: Tensor,
  reads: 'x' | 'y',
  derivative: (grad: Tensor, value: Tensor) => Tensor,
): Tensor {
  const result = mapped(op, x);
  return record(result, {
    name: op,
    inputs: [x],
    saved: [reads === 'x' ? x : result],
    derivatives: [(grad, [value]) => derivative(grad, value)],
  });
}

/**
 * The sum of two tensors, or of a tensor and a number, element by element with broadcasting.
 *
 * @example
 * ```ts
 * add(tensor([[1, 2], [3, 4]]), tensor([10, 20]));   // [[11, 22], [13, 24]]
 * ```
 * @param a - any shape
 * @param b - a shape that broadcasts with `a`'s, the same type and backend
 * @returns the broadcast shape
 * @throws ShapeError, DTypeError, BackendError when the operands do not fit together
 */
export function add(a: Tensor | number, b: Tensor | number): Tensor {
  return binary(
    'add',
    a,
    b,
    'nothing',
    (grad) => grad,
    (grad) => grad,
  );
}

/** The difference `a - b`; see `add` for shapes and errors. */
export function sub(a: Tensor | number, b: Tensor | number): Tensor {
  return binary(
    'sub',
    a,
    b,
    'nothing',
    (grad) => grad,
    (grad) => neg(grad),
  );
}

/** The product `a * b`, element by element; see `add` for shapes and errors. */
export function mul(a: Tensor | number, b: Tensor | number): Tensor {
  return binary(
    'mul',
    a,
    b,
    'operands',
    (grad, _a, b) => mul(grad, b),
    (grad, a) => mul(grad, a),
  );
}

/** The quotient `a / b`; see `add`. Whole numbers are refused: convert them first. */
export function div(a: Tensor | number, b: Tensor | number): Tensor {
  for (const x of [a, b]) if (typeof x !== 'number') (checkTensor('div', 'operand', x), checkFloating('div', x));
  // d(a/b) = da / b;  d(a/b) = -(a/b) / b db
  return binary(
    'div',
    a,
    b,
    'operands',
    (grad, _a, b) => div(grad, b),
    (grad, a, b) => neg(div(mul(grad, div(a, b)), b)),
  );
}

/** `a` to the power `b`, element by element; see `add`. */
export function pow(a: Tensor | number, b: Tensor | number): Tensor {
  for (const x of [a, b]) if (typeof x !== 'number') (checkTensor('pow', 'operand', x), checkFloating('pow', x));
  return binary(
    'pow',
    a,
    b,
    'operands',
    // b a^(b-1); at b = 0 the function is constant, and 0 * 0^-1 would be NaN
    (grad, a, b) =>
      typeof b === 'number'
        ? b === 0
          ? mul(grad, 0)
          : mul(grad, mul(pow(a, b - 1), b))
        : mul(grad, where(eq(b, 0), 0, mul(b, pow(a, sub(b, 1))))),
    // a^b log a, which is 0 where a = 0 and b >= 0
    (grad, a, b) => {
      const base = typeof a === 'number' ? full([], a, { dtype: grad.dtype, backend: grad.backend }) : a;
      return mul(grad, where(eq(base, 0), 0, mul(pow(a, b), log(base))));
    },
  );
}

/** The larger of two, element by element; a NaN wins. Where both are equal the gradient is shared by halves, as in PyTorch. */
export function maximum(a: Tensor | number, b: Tensor | number): Tensor {
  return binary(
    'maximum',
    a,
    b,
    'operands',
    (grad, a, b) => share(grad, lt(a, b), eq(a, b)),
    (grad, a, b) => share(grad, lt(b, a), eq(a, b)),
  );
}

/** The smaller of two, element by element; see `maximum`. */
export function minimum(a: Tensor | number, b: Tensor | number): Tensor {
  return binary(
    'minimum',
    a,
    b,
    'operands',
    (grad, a, b) => share(grad, gt(a, b), eq(a, b)),
    (grad, a, b) => share(grad, gt(b, a), eq(a, b)),
  );
}

/** The gradient for a competitor: nothing where it lost, half on a tie. */
function share(grad: Tensor, lost: Tensor, tied: Tensor): Tensor {
  return where(lost, 0, where(tied, mul(grad, 0.5), grad));
}

/** `-x`. */
export function neg(x: Tensor): Tensor {
  return record(mapped('neg', x), { name: 'neg', inputs: [x], derivatives: [(grad) => neg(grad)] });
}

/** e to the power x. */
export function exp(x: Tensor): Tensor {
  return unary('exp', x, 'y', (grad, y) => mul(grad, y));
}

/** The natural logarithm; `log(0)` is -Infinity, of negative numbers NaN. */
export function log(x: Tensor): Tensor {
  return unary('log', x, 'x', (grad, x) => div(grad, x));
}

/** The square root. */
export function sqrt(x: Tensor): Tensor {
  return unary('sqrt', x, 'y', (grad, y) => div(mul(grad, 0.5), y));
}

/** `x * x`. */
export function square(x: Tensor): Tensor {
  return polynomial('square', x, 'x', (grad, x) => mul(grad, mul(x, 2)));
}

/** `1 / x`. */
export function reciprocal(x: Tensor): Tensor {
  return unary('reciprocal', x, 'y', (grad, y) => neg(mul(grad, square(y))));
}

/** The absolute value; its derivative at 0 is taken as 0. */
export function abs(x: Tensor): Tensor {
  return polynomial('abs', x, 'x', (grad, x) => mul(grad, sign(x)));
}

/** -1, 0 or 1. Its derivative is 0 everywhere. */
export function sign(x: Tensor): Tensor {
  return polynomial('sign', x, 'x', (grad) => mul(grad, 0));
}

/** The hyperbolic tangent. */
export function tanh(x: Tensor): Tensor {
  return unary('tanh', x, 'y', (grad, y) => mul(grad, sub(1, square(y))));
}

/** The logistic function `1 / (1 + exp(-x))`. */
export function sigmoid(x: Tensor): Tensor {
  return unary('sigmoid', x, 'y', (grad, y) => mul(grad, mul(y, sub(1, y))));
}

/** `max(x, 0)`; its derivative at 0 is 0. */
export function relu(x: Tensor): Tensor {
  return polynomial('relu', x, 'y', (grad, y) => where(le(y, 0), 0, grad));
}

/** `log(1 + exp(x))`, without overflow. */
export function softplus(x: Tensor): Tensor {
  return unary('softplus', x, 'x', (grad, x) => mul(grad, sigmoid(x)));
}

/**
 * Values limited to a range.
 *
 * @param x - any shape
 * @param min - lower limit; -Infinity for none
 * @param max - upper limit; Infinity for none
 * @returns the same shape; the gradient passes where the value lies within the limits, ends included
 */
export function clamp(x: Tensor, min: number = -Infinity, max: number = Infinity): Tensor {
  checkTensor('clamp', 'x', x);
  if (!(min <= max)) {
    throw new ArgumentError(`clamp: min is ${min} and max is ${max}, expected min <= max`, { argument: 'min' });
  }
  let result = x;
  if (min !== -Infinity) result = combined('maximum', result, min);
  if (max !== Infinity || result === x) {
    const limited = combined('minimum', result, max);
    if (result !== x) result.dispose();
    result = limited;
  }
  return record(result, {
    name: 'clamp',
    inputs: [x],
    saved: [x],
    derivatives: [(grad, [x]) => where(lt(x, min), 0, where(gt(x, max), 0, grad))],
  });
}

/** 1 where the operands are equal, else 0, in the operands' type. */
export function eq(a: Tensor | number, b: Tensor | number): Tensor {
  return combined('eq', a, b);
}

/** 1 where the operands differ, else 0. */
export function ne(a: Tensor | number, b: Tensor | number): Tensor {
  return combined('ne', a, b);
}

/** 1 where `a < b`, else 0. */
export function lt(a: Tensor | number, b: Tensor | number): Tensor {
  return combined('lt', a, b);
}

/** 1 where `a <= b`, else 0. */
export function le(a: Tensor | number, b: Tensor | number): Tensor {
  return combined('le', a, b);
}

/** 1 where `a > b`, else 0. */
export function gt(a: Tensor | number, b: Tensor | number): Tensor {
  return combined('gt', a, b);
}

/** 1 where `a >= b`, else 0. */
export function ge(a: Tensor | number, b: Tensor | number): Tensor {
  return combined('ge', a, b);
}

/**
 * Picks from two operands element by element: `a` where the condition is not 0, else `b`. What is not picked has no part in the
 * gradient, a NaN included.
 *
 * @example
 * ```ts
 * where(x.gt(0), x, 0);
 * ```
 * @param condition - any type; NaN counts as true, as in PyTorch
 * @param a - a shape that broadcasts with the others, or a number
 * @param b - the same
 * @returns the broadcast shape of all three
 */
export function where(condition: Tensor, a: Tensor | number, b: Tensor | number): Tensor {
  checkTensor('where', 'condition', condition);
  const tensors = [a, b].filter((x) => typeof x !== 'number');
  for (const x of tensors) checkTensor('where', 'operand', x);
  const backend = tensors.length > 0 ? placeOf('where', tensors) : condition.backend;
  if (condition.backend !== backend) refuseBackends('where', condition.backend, backend);
  const dtype = tensors.length > 0 ? tensors[0].dtype : condition.dtype;
  if (dtype === 'int32' && [a, b].some((x) => typeof x === 'number' && !Number.isInteger(x))) {
    throw new DTypeError('where: a fraction does not fit into int32', { expected: 'whole numbers' });
  }
  const shape = tensors.reduce((shape, x) => broadcastShapes('where', shape, x.shape), condition.shape);
  const size = sizeOf(shape);
  if (size === 0) return empty(shape, dtype, backend);
  const { operands, sizes } = aligned([condition, a, b], shape, size);
  const result = wrap(backend, backend.select(operands[0] as never, operands[1], operands[2], sizes, dtype), shape);
  const derivatives: Derivative[] = [];
  if (typeof a !== 'number') derivatives.push((grad, [condition]) => sumTo(where(condition, grad, 0), a.shape));
  if (typeof b !== 'number') derivatives.push((grad, [condition]) => sumTo(where(condition, 0, grad), b.shape));
  return record(result, { name: 'where', inputs: tensors, saved: [condition], derivatives });
}
