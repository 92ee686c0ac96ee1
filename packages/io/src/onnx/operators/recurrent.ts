/** RNN, GRU and LSTM. Each direction is one `scan`, as in the layers of `@rnn/nn`. */
import { bindScan, scan, scope, stack, zeros, type Backend, type BoundScan, type Shape, type Tensor } from '@rnn/core';
import type { HostArray } from '../host-array.js';
import type { Node } from '../node.js';
import { needed, wholeNumbers, type Operator, type Operators } from '../operator.js';
import type { BoundKernel, Inputs, Kept } from '../plan.js';
import { Value } from '../value.js';
import { activation, activationNumbers, type Activation } from './activations.js';
import {
  gruStep,
  lstmStep,
  rnnStep,
  type RecurrentStep,
  type StepSettings,
  type StepWeights,
} from './recurrent-steps.js';

/** What tells the three operators apart. */
interface RecurrentKind {
  readonly gates: number;
  /** Tensors of the state. */
  readonly states: number;
  /** Names of the activations unless the node has others. */
  readonly activations: readonly string[];
  readonly step: (settings: StepSettings) => RecurrentStep;
}

/** One direction of a node. */
interface Direction {
  readonly step: RecurrentStep;
  readonly isReverse: boolean;
}

const INITIAL = 5;
const PEEPHOLES = 7;
/** Where W, R, the biases and the peepholes stand. */
const WEIGHTS = [1, 2, 3, PEEPHOLES];

function recurrent(kind: RecurrentKind): Operator {
  return (node) => {
    const directions = directionsOf(node, kind);
    checkShapes(node, kind, directions.length);
    const isBatchFirst = node.flag('layout');
    const [weightsOwner, zerosOwner] = [{}, {}];
    return {
      onHost: [4],
      run(inputs, around) {
        const { backend } = around;
        const { type } = needed(node, inputs, 0);
        const given = needed(node, inputs, 0).on(backend);
        const x = isBatchFirst ? given.transpose(0, 1) : given;
        const [steps, batch] = x.shape;
        const sources = WEIGHTS.map((position) => inputs[position]?.on(backend));
        const weights = around.keep(weightsOwner, sources, () => weightsOf(node, sources, directions.length, kind));
        const hidden = weights[0].r.shape[1];
        const hasInitial = inputs[INITIAL] !== undefined || inputs[INITIAL + 1] !== undefined;
        const none = (): Kept<readonly Tensor[]> => zeroStates(kind, x, hidden);
        const initial = hasInitial
          ? statesOf(inputs, backend, directions.length, kind, isBatchFirst, () => none().value[0])
          : directions.map(() => around.keep(zerosOwner, [], none));
        const lengths = wholeNumbers(inputs, 4);
        const isEmpty = x.size === 0;
        const runs = directions.map(({ step, isReverse }, d): readonly [Tensor, readonly Tensor[]] =>
          isEmpty
            ? [zeros([steps, batch, hidden], { dtype: x.dtype, backend }), initial[d]]
            : runOf({ step, isReverse }, x, initial[d], weights[d], lengths),
        );
        if (!isBatchFirst && directions.length === 1) {
          // One direction is a dimension of size 1: the same elements in another shape.
          const [[y, states]] = runs;
          return node.outputs.map((name, i) => {
            if (name === '') return undefined;
            const { shape } = y;
            const value = Value.device(type, i === 0 ? y : states[i - 1]);
            return Value.view(value, i === 0 ? [shape[0], 1, shape[1], shape[2]] : [1, batch, hidden]);
          });
        }
        // Batch first, the directions come behind batch (and time); else in front of them.
        const output = (): Tensor => {
          const all = runs.map(([y]) => y);
          if (!isBatchFirst) return joined(all, 1);
          return joined(
            all.map((y) => y.transpose(0, 1)),
            2,
          );
        };
        const last = (state: number): Tensor =>
          joined(
            runs.map(([, states]) => states[state]),
            isBatchFirst ? 1 : 0,
          );
        return node.outputs.map((name, i) =>
          name === '' ? undefined : Value.device(type, i === 0 ? output() : last(i - 1)),
        );
      },
      bind(inputs, around) {
        const states = Array.from({ length: kind.states }, (_, state) => inputs[INITIAL + state]);
        const isGiven = states.every((value) => value !== undefined);
        if (isBatchFirst || directions.length > 1 || inputs[4] !== undefined) return undefined;
        if (!isGiven && states.some((value) => value !== undefined)) return undefined;
        const x = needed(node, inputs, 0).shape;
        const hidden = needed(node, inputs, 2).shape[2];
        if (x.includes(0)) return undefined;
        const weights = (tensors: Tensors): StepWeights => {
          const sources = WEIGHTS.map((position) => tensors[position]);
          return around.keep(weightsOwner, sources, () => weightsOf(node, sources, 1, kind))[0];
        };
        const initial = (tensors: Tensors): readonly Tensor[] =>
          isGiven
            ? states.map((_, state) => tensors[INITIAL + state] as Tensor)
            : around.keep(zerosOwner, [], () => zeroStates(kind, tensors[0] as Tensor, hidden));
        return boundDirection(directions[0], kind, [x[0], x[1], hidden], weights, initial);
      },
    };
  };
}

/** The states before the first step where none are given: one tensor for all of them. */
function zeroStates({ states }: RecurrentKind, x: Tensor, hidden: number): Kept<readonly Tensor[]> {
  const zero = zeros([x.shape[1], hidden], { dtype: x.dtype, backend: x.backend });
  return { value: Array<Tensor>(states).fill(zero), tensors: [zero] };
}

type Tensors = readonly (Tensor | undefined)[];

/** One direction for runs that come again: its scan takes and gives states as the node has them. */
function boundDirection(
  { step, isReverse }: Direction,
  kind: RecurrentKind,
  shape: readonly [steps: number, batch: number, hidden: number],
  weights: (tensors: Tensors) => StepWeights,
  initial: (tensors: Tensors) => readonly Tensor[],
): BoundKernel {
  const [, batch, hidden] = shape;
  const last = Array.from({ length: kind.states }, (): Shape => [1, batch, hidden]);
  let pass: BoundScan | undefined;
  let ownWeights: StepWeights | undefined;
  return {
    shapes: [shape, ...last],
    run(tensors) {
      const xs = tensors[0] as Tensor;
      const parameters = weights(tensors);
      const state = initial(tensors);
      if (pass !== undefined && parameters === ownWeights && pass.serves(xs, state)) {
        const made = pass.run(xs, state);
        return [made.outputs[0], ...made.last];
      }
      return scope(() => {
        const rows = state.map((tensor) => (tensor.rank === 3 ? tensor.squeeze(0) : tensor));
        const options = { parameters, reverse: isReverse };
        const [y, ends] = scan(step, xs, rows, options);
        pass = bindScan(step, xs, rows, options, { xs, batch: [batch], state, last });
        ownWeights = parameters;
        return [y, ...ends.map((tensor) => tensor.unsqueeze(0))];
      });
    },
  };
}

/**
 * Scans that were bound, by the weights of their direction: the next run is most often the same.
 */
const bound = new WeakMap<StepWeights, BoundScan>();

/** One direction: the outputs over time, and the states after the last step. */
function runOf(
  { step, isReverse }: Direction,
  x: Tensor,
  states: readonly Tensor[],
  parameters: StepWeights,
  lengths: readonly number[] | undefined,
): readonly [Tensor, readonly Tensor[]] {
  const pass = lengths === undefined ? bound.get(parameters) : undefined;
  if (pass?.serves(x, states) === true) {
    const { outputs, last } = pass.run(x, states);
    return [outputs[0], last];
  }
  const result = scan(step, x, states, { parameters, lengths, reverse: isReverse });
  if (lengths === undefined && !result[0].requiresGrad) {
    const shapes = { xs: x, batch: [x.shape[1]], state: states, last: states.map(({ shape }) => shape) };
    const next = bindScan(step, x, states, { parameters, reverse: isReverse }, shapes);
    if (next !== undefined) bound.set(parameters, next);
  }
  return result;
}

/** `stack`, which for a single tensor copies nothing. */
function joined(tensors: readonly Tensor[], dim: number): Tensor {
  return tensors.length === 1 ? tensors[0].unsqueeze(dim) : stack(tensors, dim);
}

/** The parts of a tensor along its first dimension; for a single part nothing is copied. */
function apart(tensor: Tensor): Tensor[] {
  return tensor.shape[0] === 1 ? [tensor.squeeze(0)] : tensor.unbind(0);
}

function directionsOf(node: Node, kind: RecurrentKind): Direction[] {
  const direction = node.choice('direction', 'forward', ['forward', 'reverse', 'bidirectional']);
  const reversed = direction === 'bidirectional' ? [false, true] : [direction === 'reverse'];
  const names = node.texts('activations') ?? reversed.flatMap(() => kind.activations);
  const perDirection = kind.activations.length;
  if (names.length !== perDirection * reversed.length) {
    node.fail(`it has ${names.length} activations, expected ${perDirection * reversed.length}`);
  }
  const functions = activationsOf(node, names);
  const clip = node.float('clip');
  return reversed.map((isReverse, d) => ({
    isReverse,
    step: kind.step({
      activations: functions.slice(d * perDirection, (d + 1) * perDirection),
      clip: clip === undefined || clip <= 0 ? undefined : clip,
      coupled: node.flag('input_forget'),
      resetAfter: node.flag('linear_before_reset'),
    }),
  }));
}

/** The activations by name; each takes the next of the given numbers, if it takes any. */
function activationsOf(node: Node, names: readonly string[]): Activation[] {
  const alphas = [...(node.floats('activation_alpha') ?? [])];
  const betas = [...(node.floats('activation_beta') ?? [])];
  return names.map((name) => {
    const key = name.toLowerCase();
    const takes = Object.hasOwn(activationNumbers, key)
      ? activationNumbers[key]
      : node.fail(`the activation '${name}' is not known`);
    const alpha = takes.alpha === undefined ? 0 : (alphas.shift() ?? takes.alpha);
    const beta = takes.beta === undefined ? 0 : (betas.shift() ?? takes.beta);
    return activation(name, alpha, beta) ?? node.fail(`the activation '${name}' is not known`);
  });
}

/** Refuses weights whose shapes do not fit one another, as far as the file tells them. */
function checkShapes(node: Node, { gates, states }: RecurrentKind, directions: number): void {
  const r = node.constant(2);
  const hidden = node.int('hidden_size') ?? r?.shape[2];
  if (hidden === undefined) return;
  const rows = gates * hidden;
  check(node, 'W', node.constant(1), [directions, rows, undefined]);
  check(node, 'R', r, [directions, rows, hidden]);
  check(node, 'B', node.constant(3), [directions, 2 * rows]);
  check(node, 'P', node.constant(PEEPHOLES), [directions, 3 * hidden]);
  for (let state = 0; state < states; state++) {
    const form = node.flag('layout') ? [undefined, directions, hidden] : [directions, undefined, hidden];
    const name = state === 0 ? 'initial_h' : 'initial_c';
    const width = node.constant(INITIAL + state)?.shape[2];
    if (state === 1 && width !== undefined && width !== hidden) {
      node.fail(
        `${name} is ${width} wide and hidden_size is ${hidden}: this is an LSTM with a projection, which ONNX cannot express; export the model without proj_size`,
      );
    }
    check(node, name, node.constant(INITIAL + state), form);
  }
}

function check(node: Node, name: string, array: HostArray | undefined, form: readonly (number | undefined)[]): void {
  if (array === undefined) return;
  const { shape } = array;
  if (shape.length === form.length && form.every((size, i) => size === undefined || size === shape[i])) return;
  node.fail(`${name} is [${shape.join(', ')}], expected [${form.map((size) => size ?? '?').join(', ')}]`);
}

/** The weights of each direction: parts of the tensors in the file. */
function weightsOf(
  node: Node,
  [w, r, b, p]: readonly (Tensor | undefined)[],
  directions: number,
  kind: RecurrentKind,
): Kept<StepWeights[]> {
  if (w === undefined || r === undefined) return node.fail('weights are missing');
  const [ws, rs] = [apart(w), apart(r)];
  if (ws.length !== directions || rs.length !== directions)
    node.fail(`the weights are of ${ws.length} directions, expected ${directions}`);
  const biases = b && apart(b);
  const peepholes = p && apart(p);
  const value = rs.map((recurrence, d): StepWeights => {
    const [rows, hidden] = recurrence.shape;
    if (rows !== kind.gates * hidden) node.fail(`R is ${rows} by ${hidden}, expected ${kind.gates * hidden} rows`);
    const [wb, rb] = biases?.[d].split(rows) ?? [];
    return { w: ws[d], r: recurrence, wb, rb, p: peepholes?.[d].split(hidden) };
  });
  const tensors = value.flatMap(({ wb, rb, p: own = [] }) => [wb, rb, ...own].filter((tensor) => tensor !== undefined));
  return { value, tensors: [...ws, ...rs, ...(biases ?? []), ...(peepholes ?? []), ...tensors] };
}

/** The states before the first step: a list for each direction. */
function statesOf(
  inputs: Inputs,
  backend: Backend,
  directions: number,
  kind: RecurrentKind,
  isBatchFirst: boolean,
  none: () => Tensor,
): Tensor[][] {
  const all = Array.from({ length: kind.states }, (_, state) => {
    const given = inputs[INITIAL + state]?.on(backend);
    if (given === undefined) return Array.from({ length: directions }, none);
    return apart(isBatchFirst ? given.transpose(0, 1) : given);
  });
  return Array.from({ length: directions }, (_, d) => all.map((state) => state[d]));
}

export const recurrentOperators: Operators = {
  RNN: recurrent({ gates: 1, states: 1, activations: ['Tanh'], step: rnnStep }),
  GRU: recurrent({ gates: 3, states: 1, activations: ['Sigmoid', 'Tanh'], step: gruStep }),
  LSTM: recurrent({ gates: 4, states: 2, activations: ['Sigmoid', 'Tanh', 'Tanh'], step: lstmStep }),
};
