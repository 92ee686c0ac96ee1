/** Comparisons, truth values and choices. */
import { eq, ge, gt, le, lt, ne, sizeOf, sub, where, zerosLike, type Tensor } from '@rnn/core';
import { needed, type Operator, type Operators } from '../operator.js';
import { asTruth, broadcast, device, onHost, operands, staysOnHost, type Operand } from './common.js';
import type { Value } from '../value.js';

function compared(deviceFn: (a: Operand, b: Operand) => Tensor, hostFn: (a: number, b: number) => boolean): Operator {
  return (node) => ({
    run(inputs, around) {
      const values = [needed(node, inputs, 0), needed(node, inputs, 1)];
      const shape = broadcast(
        node,
        values.map((value) => value.shape),
      );
      if (staysOnHost(values, sizeOf(shape))) return [onHost(node, values, 'bool', (a, b) => Number(hostFn(a, b)))];
      const [a, b] = operands(values, around);
      return device('bool', asTruth(deviceFn(a, b)));
    },
  });
}

function tested(deviceFn: (x: Tensor) => Tensor, hostFn: (x: number) => boolean): Operator {
  return (node) => ({
    run(inputs, around) {
      const x = needed(node, inputs, 0);
      if (staysOnHost([x], x.size)) return [onHost(node, [x], 'bool', (value) => Number(hostFn(value)))];
      return device('bool', asTruth(deviceFn(x.on(around.backend))));
    },
  });
}

const product = (a: Operand, b: Operand): Tensor => (typeof a === 'number' ? (b as Tensor).mul(a) : a.mul(b));
const larger = (a: Operand, b: Operand): Tensor => (typeof a === 'number' ? (b as Tensor).maximum(a) : a.maximum(b));

const choose: Operator = (node) => ({
  run(inputs, around) {
    const [condition, a, b] = [0, 1, 2].map((i): Value => needed(node, inputs, i));
    const shape = broadcast(node, [condition.shape, a.shape, b.shape]);
    if (staysOnHost([condition, a, b], sizeOf(shape))) {
      return [onHost(node, [condition, a, b], a.type, (test, x, y) => (test === 0 ? y : x))];
    }
    const { backend } = around;
    const [x, y] = operands([a, b], around);
    return device(a.type, where(condition.on(backend), x, y));
  },
});

/** Infinities of both signs, or of one. */
const isInfinite: Operator = (node) => {
  const wanted = [Infinity, -Infinity].filter(
    (_, i) => node.int(i === 0 ? 'detect_positive' : 'detect_negative', 1) !== 0,
  );
  return tested(
    (x) => wanted.map((limit) => eq(x, limit)).reduce(larger, zerosLike(x)),
    (x) => wanted.includes(x),
  )(node);
};

export const comparison: Operators = {
  Equal: compared(eq, (a, b) => a === b),
  Greater: compared(gt, (a, b) => a > b),
  GreaterOrEqual: compared(ge, (a, b) => a >= b),
  Less: compared(lt, (a, b) => a < b),
  LessOrEqual: compared(le, (a, b) => a <= b),
  And: compared(product, (a, b) => a !== 0 && b !== 0),
  Or: compared(larger, (a, b) => a !== 0 || b !== 0),
  Xor: compared(ne, (a, b) => (a !== 0) !== (b !== 0)),
  Not: tested(
    (x) => sub(1, x),
    (x) => x === 0,
  ),
  IsNaN: tested((x) => ne(x, x), Number.isNaN),
  IsInf: isInfinite,
  Where: choose,
};
