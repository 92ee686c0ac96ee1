/** Core's elementwise operations in ONNX's operators. */
import type { BinaryOp, UnaryOp } from '@rnn/core';
import { broadcastOf, type IrBuilder, type IrType, type IrValue } from './ir.js';

const unaryOperators: Readonly<Record<UnaryOp, string>> = {
  neg: 'Neg',
  exp: 'Exp',
  log: 'Log',
  sqrt: 'Sqrt',
  square: 'Mul',
  reciprocal: 'Reciprocal',
  abs: 'Abs',
  sign: 'Sign',
  tanh: 'Tanh',
  sigmoid: 'Sigmoid',
  relu: 'Relu',
  softplus: 'Softplus',
  round: 'Round',
};

const binaryOperators: Readonly<Record<BinaryOp, string>> = {
  add: 'Add',
  sub: 'Sub',
  mul: 'Mul',
  div: 'Div',
  pow: 'Pow',
  maximum: 'Max',
  minimum: 'Min',
  eq: 'Equal',
  ne: 'Equal',
  lt: 'Less',
  le: 'LessOrEqual',
  gt: 'Greater',
  ge: 'GreaterOrEqual',
};

const comparisons: readonly BinaryOp[] = ['eq', 'ne', 'lt', 'le', 'gt', 'ge'];

export function unaryNode(ir: IrBuilder, op: UnaryOp, x: IrValue): IrValue {
  return ir.node(unaryOperators[op], op === 'square' ? [x, x] : [x], x.type, x.shape);
}

/** Two operands that broadcast; a comparison gives 1 and 0. */
export function binaryNode(ir: IrBuilder, op: BinaryOp, a: IrValue, b: IrValue, type: IrType): IrValue {
  const isTest = comparisons.includes(op);
  const result = ir.node(binaryOperators[op], [a, b], isTest ? 'bool' : type, broadcastOf([a, b]));
  return ir.cast(op === 'ne' ? ir.node('Not', [result], 'bool', result.shape) : result, type);
}

/** One of two operands by a condition, all of which broadcast. */
export function selectNode(ir: IrBuilder, condition: IrValue, a: IrValue, b: IrValue, type: IrType): IrValue {
  const test = ir.cast(condition, 'bool');
  return ir.node('Where', [test, a, b], type, broadcastOf([test, a, b]));
}
