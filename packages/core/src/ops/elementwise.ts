/**
 * How elementwise functions run and are recorded; the functions are in `arithmetic.ts`,
 * `comparison.ts` and `functions.ts`.
 */
import { checkFloating, checkTensor } from '../checks/tensors.js';
import { passCountOn } from '../averages.js';
import type { BinaryOp, UnaryOp } from '../backend.js';
import { refuse } from '../checks/refusal.js';
import { ArgumentError } from '../errors.js';
import { resultChecks } from '../grad-mode.js';
import type { DerivativeRule } from '../grad-node.js';
import { isRecorded, placeOf, record, recordAll, restored, wrap } from '../record.js';
import { broadcastShapes, sizeOf, type Shape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { sumTo } from './broadcast.js';
import { empty } from './fill.js';
import { aligned, checkNumber } from './operands.js';

/** The derivative of a function of one operand: from the gradient and the operand or the result. */
type UnaryDerivative = (grad: Tensor, value: Tensor) => Tensor;

/**
 * One of the two derivatives of a function of two operands, before the sum over broadcast
 * dimensions.
 */
type BinaryDerivative = (grad: Tensor, a: Tensor | number, b: Tensor | number) => Tensor;

/** A kernel of one operand. Records nothing. */
function mapped(op: UnaryOp, x: Tensor): Tensor {
  const { backend } = x;
  if (x.size === 0) return empty(x.shape, x.dtype, backend);
  return wrap(backend, backend.unary(op, x.storage), x.shape);
}

/** What a derivative gets besides the gradient: the operand `x` or the result `y`. */
type Reads = 'x' | 'y' | 'nothing';

/** A function on the reals. */
export function realFunction(op: UnaryOp, x: Tensor, reads: Reads, derivative: UnaryDerivative): Tensor {
  checkTensor(op, 'x', x);
  checkFloating(op, 'x', x);
  return anyFunction(op, x, reads, derivative);
}

/** The same for a function that whole numbers have too. */
export function anyFunction(op: UnaryOp, x: Tensor, reads: Reads, derivative: UnaryDerivative): Tensor {
  checkTensor(op, 'x', x);
  const result = mapped(op, x);
  return record(result, {
    name: op,
    inputs: [x],
    saved: reads === 'nothing' ? [] : [reads === 'x' ? x : result],
    derivatives: [(grad, [value]) => derivative(grad, value)],
  });
}

/**
 * A kernel of two operands under broadcasting; a number takes the other's type. Records nothing.
 */
export function combined(op: BinaryOp, a: Tensor | number, b: Tensor | number): Tensor {
  return ofTensors(op, a, b, tensorsOf(op, a, b));
}

/** @param tensors - the operands that are tensors */
function ofTensors(op: BinaryOp, a: Tensor | number, b: Tensor | number, tensors: readonly Tensor[]): Tensor {
  const [{ dtype }] = tensors;
  const backend = placeOf(op, tensors);
  if (typeof a === 'number') checkNumber(op, 'a', dtype, a);
  if (typeof b === 'number') checkNumber(op, 'b', dtype, b);
  const shape = tensors.length === 2 ? broadcastShapes(op, tensors[0].shape, tensors[1].shape) : tensors[0].shape;
  const size = sizeOf(shape);
  if (size === 0) return empty(shape, dtype, backend);
  const { walks, sizes } = aligned(tensors, shape, size);
  const left = typeof a === 'number' ? a : walks[0];
  const right = typeof b === 'number' ? b : walks[walks.length - 1];
  return wrap(backend, backend.binary(op, left, right, sizes), shape);
}

/** The operands that are tensors, in order; refuses anything else than tensors and numbers. */
function tensorsOf(op: BinaryOp, a: Tensor | number, b: Tensor | number): Tensor[] {
  if (typeof a === 'number' && typeof b === 'number') {
    refuse(ArgumentError, op, 'a', { received: 'a number, and so is b', expected: 'at least one Tensor' });
  }
  const tensors: Tensor[] = [];
  if (typeof a !== 'number') {
    checkTensor(op, 'a', a);
    tensors.push(a);
  }
  if (typeof b !== 'number') {
    checkTensor(op, 'b', b);
    tensors.push(b);
  }
  return tensors;
}

/**
 * A recorded function of two operands.
 *
 * @param reads - whether the derivatives get the operands; if not, they must not look at them
 * @param da - the derivative with respect to `a`
 * @param db - the derivative with respect to `b`
 */
export function binaryFunction(
  op: BinaryOp,
  a: Tensor | number,
  b: Tensor | number,
  reads: 'operands' | 'nothing',
  da: BinaryDerivative,
  db: BinaryDerivative,
): Tensor {
  const inputs = tensorsOf(op, a, b);
  const result = ofTensors(op, a, b, inputs);
  if (isRecorded(inputs)) {
    recordAll([result], op, inputs, reads === 'operands' ? inputs : [], ruleOf(standingFor(a), standingFor(b), da, db));
  }
  passCountOn(result, inputs);
  resultChecks()?.results(op, inputs, [result]);
  return result;
}

/** What a rule must know of an operand beforehand; it must not hold on to the tensor. */
function standingFor(operand: Tensor | number): Shape | number {
  return typeof operand === 'number' ? operand : operand.shape;
}

function ruleOf(
  a: Shape | number,
  b: Shape | number,
  da: BinaryDerivative,
  db: BinaryDerivative,
): DerivativeRule<Tensor> {
  return ([grad], list, wanted) => {
    const saved = restored(list);
    const left = typeof a === 'number' ? a : saved[0];
    const right = typeof b === 'number' ? b : saved[saved.length - 1];
    const gradients: (Tensor | undefined)[] = [];
    if (typeof a !== 'number') gradients.push(wanted[0] ? sumTo(da(grad as Tensor, left, right), a) : undefined);
    if (typeof b !== 'number') {
      const isWanted = wanted[gradients.length];
      gradients.push(isWanted ? sumTo(db(grad as Tensor, left, right), b) : undefined);
    }
    return gradients;
  };
}
