/**
 * Programs of a step as plain data, with names for what goes in and out: for readers such as
 * exporters and code generators.
 */
import type { Lowered, LoweredCall, LoweredInput, LoweredPass, LoweredStage } from '../explanation.js';
import { argumentsOf, type Value } from './ir/graph.js';
import type { Stages, Stage } from './lower/lower.js';
import type { CompiledDispatch } from './scan-traces.js';

export function loweredOf({ plans, captured }: CompiledDispatch): Lowered {
  const { step, inference, training, reverse } = plans;
  const names = new Map<Value, string>();
  const nameOf = (value: Value): string => {
    let name = names.get(value);
    if (name === undefined) names.set(value, (name = `v${value.id}`));
    return name;
  };
  const named = (prefix: string, values: readonly Value[]): readonly LoweredInput[] =>
    values.map((value, i) => {
      names.set(value, `${prefix}${i}`);
      return { name: nameOf(value), width: value.width, dtype: value.dtype };
    });
  const inputs = named('x', step.inputs);
  const states = named('h', step.states);
  const drawn = named('r', step.drawn);
  named('w', step.capturedValues);
  const pass = (plan: Stages): LoweredPass => passOf(plan, nameOf);
  return {
    inputs,
    states,
    drawn,
    captured: captured.map((tensor, i) => ({ name: nameOf(step.capturedValues[i]), tensor })),
    outputs: step.outputs.map((value, i) => ({ name: nameOf(value), shape: step.outputShapes[i] })),
    reverse,
    forward: pass(inference),
    training: training && { forward: pass(training.forward), backward: pass(training.backward) },
  };
}

/** The stages of a plan, in the order in which they run. */
export function stagesOf(plan: Stages): readonly { readonly when: LoweredStage['when']; readonly stage: Stage }[] {
  return (['once', 'before', 'loop', 'after'] as const).flatMap((when) => {
    const stage = plan[when];
    return stage === undefined ? [] : [{ when, stage }];
  });
}

function passOf(plan: Stages, nameOf: (value: Value) => string): LoweredPass {
  const call = (value: Value): LoweredCall => {
    const { operation, key } = value;
    const { kind } = operation;
    if (kind !== 'primitive' && kind !== 'sumRows' && kind !== 'productRows')
      throw new TypeError(`expected a primitive or a sum, received a ${kind}`);
    const run = kind === 'primitive' ? operation.call : undefined;
    return { name: nameOf(value), kind, inputs: argumentsOf(value).map(nameOf), text: key, run };
  };
  return {
    constants: plan.constants.map(call),
    stages: stagesOf(plan).map(({ when, stage }) => ({
      when,
      program: stage.program,
      xs: stage.xs.map(nameOf),
      perRow: stage.perRow.map(nameOf),
      consts: stage.consts.map(nameOf),
      ys: stage.ys.map(nameOf),
    })),
    reduced: plan.reduced.map(call),
  };
}
