/** A graph as the step of core's `scan`, which traces and compiles it where it can. */
import { scan, type Step, type Tensor } from '@rnn/core';
import type { ElementType } from '../element-types.js';
import { finish, runGraph, withNames } from '../execute.js';
import type { Graph, Surroundings } from '../plan.js';
import { Value } from '../value.js';

/**
 * What a step gets besides input and state. Everything that the graph takes from around it is here,
 * so that a trace of the step serves again: other tensors take the places of these, while numbers
 * and types are part of the trace.
 */
interface BodyParameters {
  readonly tensors: readonly Tensor[];
  readonly numbers: readonly (readonly number[])[];
  readonly forms: readonly string[];
}

/** What the running call of a body needs to know. */
interface Call {
  readonly types: readonly ElementType[];
  readonly outer: readonly Value[];
  readonly around: Surroundings;
}

/** Runs a body over sequences: its final states, then what it makes at every step, stacked. */
export type BodyScan = (
  states: readonly Value[],
  sequences: readonly Value[],
  around: Surroundings,
) => readonly Value[];

/**
 * Makes a loop of a graph.
 *
 * @param body - its inputs are the states, then one step of each sequence; its outputs the next
 *   states, then what is stacked
 * @returns a function of states and sequences, time in front; at least one step and one sequence
 */
export function bodyScan(body: Graph): BodyScan {
  const { captured } = body;
  let call: Call | undefined;
  let resultTypes: readonly ElementType[] = [];

  const step: Step<readonly Tensor[], readonly Tensor[], readonly Tensor[], BodyParameters> = (
    xs,
    before,
    parameters,
  ) => {
    const { types, outer, around } = call as Call;
    const { backend } = xs[0];
    const inputs = [...before, ...xs].map((tensor, i) => Value.device(types[i], tensor));
    const seen = outerValues(captured, outer, parameters);
    // A trace is made once.
    const surroundings = withNames(around, seen, { backend, keep: (_owner, _sources, make) => make().value });
    const results = finish(runGraph(body, inputs, backend, surroundings), (tensor) => tensor.dataSync());
    resultTypes = results.map(({ type }) => type);
    const tensors = results.map((value) => value.on(backend));
    const next = before.map((state, i) => (tensors[i].dtype === state.dtype ? tensors[i] : tensors[i].to(state.dtype)));
    return [tensors.slice(before.length), next];
  };

  return (states, sequences, around) => {
    const { backend } = around;
    const outer = captured.map((name) => around.lookUp(name));
    const constants = [...body.values.values()].filter((value) => !value.isHost || value.size > 1);
    const parameters: BodyParameters = {
      tensors: [...outer.filter((value) => !value.isHost), ...constants].map((value) => value.on(backend)),
      numbers: outer.filter((value) => value.isHost).map((value) => Array.from(value.host.numbers)),
      forms: outer.map((value) => `${value.type} [${value.isHost ? value.shape.join() : ''}]`),
    };
    const before = call;
    call = { types: [...states, ...sequences].map(({ type }) => type), outer, around };
    try {
      const tensors = [states, sequences].map((values) => values.map((value) => value.on(backend)));
      const [ys, last] = scan(step, tensors[1], tensors[0], { parameters });
      return [...last, ...ys].map((tensor, i) => Value.device(resultTypes[i], tensor));
    } finally {
      call = before;
    }
  };
}

/** Values around a body by name, with the tensors and numbers of the parameters. */
function outerValues(
  names: readonly string[],
  outer: readonly Value[],
  { tensors, numbers }: BodyParameters,
): ReadonlyMap<string, Value> {
  let [nextTensor, nextNumbers] = [0, 0];
  return new Map(
    outer.map(({ type, shape, isHost }, i): [string, Value] => [
      names[i],
      isHost ? Value.of(type, shape, numbers[nextNumbers++]) : Value.device(type, tensors[nextTensor++]),
    ]),
  );
}
