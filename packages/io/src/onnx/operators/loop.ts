/** Loop: a graph that runs a number of times, or until it says that it is done. */
import { stack, zeros } from '@rnn/core';
import { deviceType, isReal } from '../element-types.js';
import type { Node } from '../node.js';
import { needed, type Operators } from '../operator.js';
import type { DeclaredOutput, Graph, Kernel, Steps, Surroundings } from '../plan.js';
import { Value } from '../value.js';
import { scalar } from './loop-control.js';
import { scannedLoop } from './loop-scan.js';

function loop(node: Node): Kernel {
  const body = node.graph('body');
  const carried = node.inputs.length - 2;
  const made = body.outputs.length - 1 - carried;
  if (carried < 0 || made < 0 || body.inputs.length !== carried + 2) {
    node.fail('the inputs and outputs of its body do not fit those of the node');
  }
  const scanned = scannedLoop(node, body);
  return {
    onHost: [0, 1],
    isOpaque: true,
    *steps(inputs, around) {
      const goesOn = (inputs[1]?.host.numbers[0] ?? 1) !== 0;
      const turns = goesOn ? (inputs[0]?.host.numbers[0] ?? Infinity) : 0;
      const states = Array.from({ length: carried }, (_, i) => needed(node, inputs, i + 2));
      return scanned(turns, states, around) ?? (yield* turnByTurn(node, body, turns, states, made, around));
    },
  };
}

function* turnByTurn(
  node: Node,
  body: Graph,
  turns: number,
  initial: readonly Value[],
  made: number,
  around: Surroundings,
): Steps<readonly Value[]> {
  let states = initial;
  const collected: Value[][] = Array.from({ length: made }, () => []);
  for (let turn = 0; turn < turns; turn++) {
    const results: readonly Value[] = yield* around.run(body, [scalar('int64', turn), scalar('bool', 1), ...states]);
    const [condition] = results;
    if (!condition.hasNumbers) yield condition;
    states = results.slice(1, 1 + initial.length);
    results.slice(1 + initial.length).forEach((value, i) => {
      value.hold(); // the next turn must not free it
      collected[i].push(value);
    });
    if (condition.host.numbers[0] === 0) break;
  }
  const declared = body.declared.slice(1 + initial.length);
  const stacked = collected.map((values, i) =>
    values.length === 0 ? noValues(node, declared[i], around) : stackedValues(values, around),
  );
  for (const value of collected.flat()) value.letGo(states.includes(value));
  return [...states, ...stacked];
}

/** The values of all turns along a new first dimension. */
function stackedValues(values: readonly Value[], around: Surroundings): Value {
  const [first] = values;
  if (!values.every((value) => value.isHost)) {
    return Value.device(first.type, stack(values.map((value) => value.on(around.backend))));
  }
  const numbers = values.flatMap((value) => Array.from(value.host.numbers));
  return Value.of(first.type, [values.length, ...first.shape], numbers);
}

/**
 * What a loop without turns collects: nothing, in the shape that the file says. A size that it
 * leaves open is 0, as in ONNX Runtime.
 */
function noValues(node: Node, declared: DeclaredOutput | undefined, { backend }: Surroundings): Value {
  if (declared === undefined) return node.fail('it makes no turn, and the file does not say what it collects');
  const { type } = declared;
  const shape = [0, ...declared.shape.map((size) => size ?? 0)];
  if (!isReal(type)) return Value.of(type, shape, []);
  return Value.device(type, zeros(shape, { dtype: deviceType(type, backend.info.dtypes), backend }));
}

export const loops: Operators = { Loop: loop };
