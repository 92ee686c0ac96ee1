/** Elementwise functions under ONNX's broadcasting, which is NumPy's. */
import {
  abs,
  ceil,
  clamp,
  cos,
  div,
  erf,
  exp,
  floor,
  log,
  maximum,
  minimum,
  mul,
  neg,
  pow,
  reciprocal,
  relu,
  round,
  scope,
  sigmoid,
  sign,
  sin,
  sizeOf,
  softplus,
  sqrt,
  sub,
  tanh,
  add,
  trunc,
  where,
  zerosLike,
  type Tensor,
} from '@rnn/core';
import { isReal } from '../element-types.js';
import type { Node } from '../node.js';
import { needed, type Operator, type Operators } from '../operator.js';
import type { Kernel } from '../plan.js';
import type { Value } from '../value.js';
import { activation, type Activation } from './activations.js';
import { broadcast, device, onHost, operands, staysOnHost, type Operand } from './common.js';
import { acos, acosh, asin, asinh, atan, atanh, cosh, sinh, wholeQuotient } from './functions.js';

/**
 * A function of two operands: on a device, and of single numbers. `isWhole` says that the operands
 * are whole numbers.
 */
interface Binary {
  device(a: Operand, b: Operand, isWhole: boolean): Tensor;
  host(a: number, b: number, isWhole: boolean): number;
}

/** Any number of operands, one by one. */
function folded(fn: Binary): Operator {
  return (node) => ({
    run(inputs, around) {
      const values = node.inputs.map((_, i) => needed(node, inputs, i));
      const [{ type }] = values;
      const isWhole = !isReal(type);
      const shape = broadcast(
        node,
        values.map((value) => value.shape),
      );
      if (staysOnHost(values, sizeOf(shape))) {
        return [onHost(node, values, type, (...numbers) => numbers.reduce((a, b) => fn.host(a, b, isWhole)))];
      }
      if (values.length === 1) return device(type, values[0].on(around.backend));
      const result = operands(values, around).reduce((a, b) =>
        typeof a === 'number' && typeof b === 'number' ? fn.host(a, b, isWhole) : fn.device(a, b, isWhole),
      );
      return device(type, result as Tensor);
    },
  });
}

function mean(node: Node): Kernel {
  const sum = folded({ device: add, host: (a, b) => a + b })(node) as Extract<Kernel, { run: unknown }>;
  const count = node.inputs.length;
  return {
    run(inputs, around) {
      const value = sum.run(inputs, around)[0] as Value;
      if (value.isHost) return [onHost(node, [value], value.type, (x) => x / count)];
      return device(value.type, div(value.on(around.backend), count));
    },
  };
}

/** The remainder with the sign of the divisor, or with `fmod` of the dividend. */
function modulo(node: Node): Kernel {
  const isTruncated = node.flag('fmod');
  return folded({
    host: (a, b) => (isTruncated || b === 0 ? a % b : a - b * Math.floor(a / b)),
    device(a, b, isWhole) {
      if (isWhole) {
        const rest = sub(a, mul(wholeQuotient(a, b), b));
        // A remainder of the other sign than the divisor's is one divisor off.
        return isTruncated ? rest : add(rest, mul(mul(sign(rest), b).lt(0), b));
      }
      const quotient = div(a, b);
      const rest = sub(a, mul(isTruncated ? trunc(quotient) : floor(quotient), b));
      if (typeof b === 'number') return rest;
      // Of an infinite divisor nothing is left but the dividend, brought to its sign.
      const whole = isTruncated ? a : where(mul(sign(b), typeof a === 'number' ? Math.sign(a) : sign(a)).lt(0), b, a);
      return where(abs(b).eq(Infinity), whole, rest);
    },
  })(node);
}

/** x to the power y; y may be of another type. */
function power(node: Node): Kernel {
  return {
    run(inputs, around) {
      const [x, y] = [needed(node, inputs, 0), needed(node, inputs, 1)];
      const shape = broadcast(node, [x.shape, y.shape]);
      if (staysOnHost([x, y], sizeOf(shape))) return [onHost(node, [x, y], x.type, Math.pow)];
      const [base, exponent] = operands([x, y], around);
      // A square is exact where exp(2 log x) is not, and has a derivative at 0.
      if (exponent === 2 && typeof base !== 'number') return device(x.type, base.square());
      const same = (t: Operand, other: Operand): Operand =>
        typeof t === 'number' || typeof other === 'number' || t.dtype === other.dtype ? t : t.to(other.dtype);
      if (isReal(x.type)) return device(x.type, pow(base, same(exponent, base)));
      const real = (t: Operand): Operand => (typeof t === 'number' ? t : t.to('float32'));
      return device(x.type, round(pow(real(base), real(exponent))).to('int32'));
    },
  };
}

/** A function of one operand. */
function mapped(deviceFn: (x: Tensor, isWhole: boolean) => Tensor, hostFn?: (x: number) => number): Operator {
  return (node) => ({
    run(inputs, around) {
      const x = needed(node, inputs, 0);
      if (hostFn !== undefined && staysOnHost([x], x.size)) return [onHost(node, [x], x.type, hostFn)];
      return device(x.type, deviceFn(x.on(around.backend), !isReal(x.type)));
    },
  });
}

/** A function that is also an activation of recurrent operators. */
function activating(name: string, alpha = 0, beta = 0): Operator {
  return (node) => {
    const fn = activation(name, node.float('alpha', alpha), node.float('beta', beta));
    return fn === undefined ? node.fail('no such function') : mapped(fn)(node);
  };
}

/** Limits as attributes, or as inputs from version 11 on. */
function clip(node: Node): Kernel {
  return {
    onHost: [1, 2],
    run(inputs, around) {
      const x = needed(node, inputs, 0);
      const min = inputs[1]?.host.numbers[0] ?? node.float('min', -Infinity);
      const max = inputs[2]?.host.numbers[0] ?? node.float('max', Infinity);
      if (staysOnHost([x], x.size)) return [onHost(node, [x], x.type, (v) => Math.min(Math.max(v, min), max))];
      const value = x.on(around.backend);
      // Limits that cross give the upper one everywhere.
      return device(x.type, min <= max ? clamp(value, min, max) : add(zerosLike(value), max));
    },
  };
}

function gelu(node: Node): Kernel {
  const approximate = node.choice('approximate', 'none', ['none', 'tanh']);
  const exact = (x: Tensor): Tensor => mul(mul(x, 0.5), add(erf(mul(x, Math.SQRT1_2)), 1));
  const byTanh = (x: Tensor): Tensor =>
    mul(mul(x, 0.5), add(tanh(mul(add(x, mul(pow(x, 3), 0.044715)), Math.sqrt(2 / Math.PI))), 1));
  return mapped(approximate === 'none' ? exact : byTanh)(node);
}

/** Slopes of the negative part as a tensor that is broadcast. */
function prelu(node: Node): Kernel {
  return {
    run(inputs, around) {
      const [x, slope] = [needed(node, inputs, 0), needed(node, inputs, 1)];
      const [a, b] = [x.on(around.backend), slope.on(around.backend)];
      return device(x.type, where(a.lt(0), mul(a, b), a));
    },
  };
}

function selu(node: Node): Kernel {
  const [alpha, gamma] = [node.float('alpha', 1.673_263_2), node.float('gamma', 1.050_701)];
  return mapped((x) => mul(where(x.gt(0), x, mul(sub(exp(minimum(x, 0)), 1), alpha)), gamma))(node);
}

function quotient(a: number, b: number, isWhole: boolean): number {
  return isWhole ? Math.trunc(a / b) : a / b;
}

/** Half to even, as IEEE rounds. */
function roundedNumber(x: number): number {
  const rounded = Math.round(x);
  return rounded - x === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

/** Rounding leaves whole numbers as they are. */
function rounding(deviceFn: (x: Tensor) => Tensor, hostFn: (x: number) => number): Operator {
  return mapped((x, isWhole) => (isWhole ? x : scope(() => deviceFn(x))), hostFn);
}

export const elementwise: Operators = {
  Add: folded({ device: add, host: (a, b) => a + b }),
  Sub: folded({ device: sub, host: (a, b) => a - b }),
  Mul: folded({ device: mul, host: (a, b) => a * b }),
  Div: folded({ device: (a, b, isWhole) => (isWhole ? wholeQuotient(a, b) : div(a, b)), host: quotient }),
  Max: folded({ device: maximum, host: (a, b) => Math.max(a, b) }),
  Min: folded({ device: minimum, host: (a, b) => Math.min(a, b) }),
  Sum: folded({ device: add, host: (a, b) => a + b }),
  Mean: mean,
  Mod: modulo,
  Pow: power,
  Neg: mapped(neg, (x) => -x),
  Abs: mapped(abs, Math.abs),
  Sign: mapped(sign, Math.sign),
  Sqrt: mapped(sqrt, Math.sqrt),
  Exp: mapped(exp, Math.exp),
  Log: mapped(log, Math.log),
  Reciprocal: mapped(reciprocal, (x) => 1 / x),
  Floor: rounding(floor, Math.floor),
  Ceil: rounding(ceil, Math.ceil),
  Round: rounding(round, roundedNumber),
  Sin: mapped(sin, Math.sin),
  Cos: mapped(cos, Math.cos),
  Tan: mapped((x) => div(sin(x), cos(x)), Math.tan),
  Sinh: mapped(sinh, Math.sinh),
  Cosh: mapped(cosh, Math.cosh),
  Asin: mapped(asin, Math.asin),
  Acos: mapped(acos, Math.acos),
  Atan: mapped(atan, Math.atan),
  Asinh: mapped(asinh, Math.asinh),
  Acosh: mapped(acosh, Math.acosh),
  Atanh: mapped(atanh, Math.atanh),
  Erf: mapped(erf),
  Tanh: mapped(tanh, Math.tanh),
  Sigmoid: mapped(sigmoid),
  Relu: mapped(relu, (x) => Math.max(x, 0)),
  Softplus: mapped(softplus),
  Softsign: activating('Softsign'),
  LeakyRelu: activating('LeakyRelu', 0.01),
  ThresholdedRelu: activating('ThresholdedRelu', 1),
  HardSigmoid: activating('HardSigmoid', 0.2, 0.5),
  Elu: activating('Elu', 1),
  Celu: (node) => {
    const alpha = node.float('alpha', 1);
    const elu = activation('elu', 1, 0) as Activation;
    return mapped((x) => mul(elu(div(x, alpha)), alpha))(node);
  },
  Shrink: (node) => {
    const [limit, bias] = [node.float('lambd', 0.5), node.float('bias', 0)];
    return mapped((x) => where(x.lt(-limit), add(x, bias), where(x.gt(limit), sub(x, bias), 0)))(node);
  },
  HardSwish: mapped((x) => mul(x, clamp(add(mul(x, 1 / 6), 0.5), 0, 1))),
  Mish: mapped((x) => mul(x, tanh(softplus(x)))),
  Swish: (node) => {
    const alpha = node.float('alpha', 1);
    return mapped((x) => mul(x, sigmoid(mul(x, alpha))))(node);
  },
  Selu: selu,
  Gelu: gelu,
  PRelu: prelu,
  Clip: clip,
};
