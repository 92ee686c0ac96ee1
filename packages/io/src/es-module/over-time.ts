/**
 * What is gathered over all steps: sums and extremes of values, and the number of steps. Each is a
 * state, that of the steps so far.
 */
import { STEPS, type FlowWriter } from './flow-storage.js';
import type { Flow, FlowValue } from './flow.js';
import { OverTime } from './row-walk.js';

/** A row value reduced over time. */
export function reducedOverTime(writer: FlowWriter, op: 'sum' | 'max' | 'min' | 'argmax', x: FlowValue): FlowValue {
  const { flow, names } = writer;
  switch (op) {
    case 'sum':
      return summed(writer, x);
    case 'argmax':
      throw new OverTime('looks for a step of the sequence (argmax over time)');
    default: {
      const [start, kind] = op === 'max' ? [-Infinity, 'maximum' as const] : [Infinity, 'minimum' as const];
      const [scan, [before]] = flow.scan(isBackward(x), [filled(flow, x.width, start)], [x], [names.own(op)]);
      scan.next = [flow.make({ kind: 'binary', op: kind, a: before, b: x }, x.width, false)];
      return flow.final(scan, 0);
    }
  }
}

/**
 * A sum with what its rounding left out (Kahan): a plain one would drift away over thousands of
 * steps.
 */
function summed({ flow, names }: FlowWriter, x: FlowValue): FlowValue {
  const zeros = filled(flow, x.width, 0);
  const own = [names.own('sum'), names.own('sum_rest')];
  const [scan, [sum, rest]] = flow.scan(isBackward(x), [zeros, zeros], [x], own);
  const of = (op: 'add' | 'sub', a: FlowValue, b: FlowValue): FlowValue =>
    flow.make({ kind: 'binary', op, a, b }, x.width, false);
  const term = of('sub', x, rest);
  const after = of('add', sum, term);
  scan.next = [after, of('sub', of('sub', after, sum), term)];
  return flow.final(scan, 0);
}

/** Whether the pass that makes a value runs from the last step to the first. */
function isBackward({ pass }: FlowValue): boolean {
  return pass % 2 === 1;
}

function filled(flow: Flow, width: number, number: number): FlowValue {
  return flow.constant(new Float32Array(width).fill(number));
}

const counts = new WeakMap<Flow, FlowValue>();

/** The number of steps. */
function stepsOf({ flow, names }: FlowWriter): FlowValue {
  let count = counts.get(flow);
  if (count === undefined) {
    const [scan, [before]] = flow.scan(false, [flow.constant([0])], [], [names.own('steps')]);
    scan.next = [flow.make({ kind: 'binary', op: 'add', a: before, b: flow.number(1) }, 1, false)];
    counts.set(flow, (count = flow.final(scan, 0)));
  }
  return count;
}

/** Products of the number of steps with a number of features, and their inverses. */
const MULTIPLES = 4096;

/**
 * A number that forward uses; the number of steps, a multiple of it or an inverse stands for that
 * of the sequence that will come.
 */
export function numberOver(writer: FlowWriter, number: number): FlowValue {
  const { flow } = writer;
  if (flow.isStep) return flow.number(number);
  const isInverse = Math.abs(number) < 1;
  const multiple = (isInverse ? 1 / number : number) / STEPS;
  const factor = Math.round(multiple);
  // An inverse may have been rounded to float32.
  const isMultiple =
    factor >= 1 && factor <= MULTIPLES && Math.abs(multiple - factor) <= (isInverse ? 1e-7 * factor : 0);
  if (!isMultiple) return flow.number(number);
  const steps = stepsOf(writer);
  const whole =
    factor === 1 ? steps : flow.make({ kind: 'binary', op: 'mul', a: steps, b: flow.number(factor) }, 1, true);
  return isInverse ? flow.make({ kind: 'unary', op: 'reciprocal', x: whole }, 1, true) : whole;
}
