/** Loop: a graph that runs a number of times, or until it says that it is done. */
import { noGrad, sameShape, scope, stack, zeros, type Tensor } from '@rnn/core';
import { deviceType, isReal } from '../element-types.js';
import { hostArray } from '../host-array.js';
import type { Node } from '../node.js';
import { needed, type Operators } from '../operator.js';
import type { DeclaredOutput, Graph, Kernel, PlannedNode, Steps, Surroundings } from '../plan.js';
import { Value } from '../value.js';
import { bodyScan, type BodyScan } from './body-scan.js';
import { axisOf } from './common.js';

function loop(node: Node): Kernel {
  const body = node.graph('body');
  const carried = node.inputs.length - 2;
  const made = body.outputs.length - 1 - carried;
  if (carried < 0 || made < 0 || body.inputs.length !== carried + 2) {
    node.fail('the inputs and outputs of its body do not fit those of the node');
  }
  const counted = countedLoop(body);
  return {
    onHost: [0, 1],
    isOpaque: true,
    *steps(inputs, around) {
      const turns = inputs[0]?.host.numbers[0] ?? Infinity;
      const goesOn = (inputs[1]?.host.numbers[0] ?? 1) !== 0;
      const states = Array.from({ length: carried }, (_, i) => needed(node, inputs, i + 2));
      const isTraceable = states.length > 0 && states.every((value) => !value.isHost && isReal(value.type));
      const isCounted = goesOn && Number.isFinite(turns) && turns > 0;
      if (counted !== undefined && isCounted && isTraceable && keepsShapes(node, body, states, around)) {
        return counted(node, turns, states, around);
      }
      return yield* turnByTurn(node, body, goesOn ? turns : 0, states, made, around);
    },
  };
}

const scalar = (type: 'int64' | 'bool', number: number): Value => Value.host(hostArray(type, [], [number]));

/**
 * Whether states have the same shapes after a turn as before it, which a scan needs. One turn is
 * made to see: a counted body decides about shapes by shapes alone, unless it reads numbers. The
 * answer is kept for inputs of these shapes.
 */
function keepsShapes(node: Node, body: Graph, states: readonly Value[], around: Surroundings): boolean {
  const find = (): boolean =>
    noGrad(() => {
      let isKept = false;
      scope(() => {
        const turn = around.run(body, [scalar('int64', 0), scalar('bool', 1), ...states]);
        const { done, value } = turn.next();
        // Where it waits for numbers, it ends here.
        if (done !== true) turn.return([]);
        else isKept = states.every(({ shape }, i) => sameShape(shape, value[i + 1].shape));
      });
      return isKept;
    });
  const isShaped = [...states, ...body.captured.map((name) => around.lookUp(name))].every((value) => value.isShaped);
  return isShaped ? around.keep(node, [], () => ({ value: find(), tensors: [] })) : find();
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
  return Value.host(hostArray(first.type, [values.length, ...first.shape], numbers));
}

/**
 * What a loop without turns collects: nothing, in the shape that the file says. A size that it
 * leaves open is 0, as in ONNX Runtime.
 */
function noValues(node: Node, declared: DeclaredOutput | undefined, { backend }: Surroundings): Value {
  if (declared === undefined) return node.fail('it makes no turn, and the file does not say what it collects');
  const { type } = declared;
  const shape = [0, ...declared.shape.map((size) => size ?? 0)];
  if (!isReal(type)) return Value.host(hostArray(type, shape, []));
  return Value.device(type, zeros(shape, { dtype: deviceType(type, backend.info.dtypes), backend }));
}

/** A loop that can run as a scan. */
type CountedLoop = (node: Node, turns: number, states: readonly Value[], around: Surroundings) => readonly Value[];

/**
 * A sequence that the body takes apart: `Gather` of something around the body, by the number of the
 * turn.
 */
interface Sequence {
  readonly name: string;
  readonly axis: number;
  readonly step: string;
}

/**
 * The body as a scan: it goes on without a condition, and the number of the turn only picks from
 * sequences around it.
 *
 * @returns nothing for a body that does more
 */
function countedLoop(body: Graph): CountedLoop | undefined {
  const [turn, condition, ...states] = body.inputs;
  const [goesOn, ...results] = body.outputs;
  const isPassed = body.nodes.some(
    ({ node }) => node.operator === 'Identity' && node.outputs[0] === goesOn && node.inputs[0] === condition,
  );
  const known = body.values.get(goesOn);
  if (goesOn !== condition && !isPassed && !(known?.isHost === true && known.host.numbers[0] !== 0)) return undefined;
  const sequences: Sequence[] = [];
  const rest: PlannedNode[] = [];
  for (const planned of body.nodes) {
    const { node } = planned;
    const [name, index] = node.inputs;
    if (node.operator === 'Gather' && index === turn && body.captured.includes(name)) {
      sequences.push({ name, axis: node.int('axis', 0), step: node.outputs[0] });
    } else if (node.outputs[0] !== goesOn || !isPassed) rest.push(planned);
  }
  const isUsed = (name: string): boolean =>
    rest.some(({ node, captured }) => node.inputs.includes(name) || captured.includes(name));
  if (isUsed(turn) || isUsed(condition) || results.includes(turn) || results.includes(condition)) return undefined;
  const steps = sequences.map(({ step }) => step);
  const names = sequences.length === 0 ? [turn] : steps;
  const captured = body.captured.filter((name) => isUsed(name) || results.includes(name));
  const scan = bodyScan({ ...body, inputs: [...states, ...names], outputs: results, nodes: rest, captured });
  return asScan(scan, sequences);
}

function asScan(scan: BodyScan, sequences: readonly Sequence[]): CountedLoop {
  return (node, turns, states, around) => {
    const { backend } = around;
    const xs = sequences.map(({ name, axis }) => {
      const value = around.lookUp(name);
      const tensor = value.on(backend);
      const at = axisOf(node, axis, tensor.rank);
      if (turns > tensor.shape[at]) node.fail(`it makes ${turns} turns over a sequence of ${tensor.shape[at]}`);
      return Value.device(value.type, inFront(tensor, at).slice(0, 0, turns));
    });
    if (xs.length > 0) return scan(states, xs, around);
    // Nothing is walked over: a scan needs a sequence nevertheless.
    const { dtype, shape } = states[0].on(backend);
    return scan(
      states,
      [Value.device(states[0].type, zeros([turns, ...shape.slice(0, 1), 1], { dtype, backend }))],
      around,
    );
  };
}

function inFront(tensor: Tensor, axis: number): Tensor {
  return axis === 0 ? tensor : tensor.permute([axis, ...tensor.shape.map((_, i) => i).filter((i) => i !== axis)]);
}

export const loops: Operators = { Loop: loop };
