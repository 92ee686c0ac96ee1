/** Programs of a step as plain data, with names for what goes in and out: for readers such as exporters and code generators. */
import type { Backend, Storage } from '../backend.js';
import type { DType } from '../dtype.js';
import type { Program } from '../program.js';
import type { Shape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { argumentsOf, type Value } from './ir/graph.js';
import type { Plan, Stage } from './lower/lower.js';
import type { CompiledDispatch } from './scan-traces.js';

/** A program with the names of its operands and outputs, in the program's order. Names are those of one `Lowered`. */
export interface LoweredStage {
  /** `once`: of what is the same at all steps; `before` and `after` the loop: for all steps at once; `loop`: step after step. */
  readonly when: 'once' | 'before' | 'loop' | 'after';
  readonly program: Program;
  readonly stacked: readonly string[];
  readonly perRow: readonly string[];
  readonly fixed: readonly string[];
  readonly outputs: readonly string[];
}

/** A value that one call of a primitive, or one sum over rows and steps, makes of others. */
export interface LoweredCall {
  readonly name: string;
  readonly kind: 'primitive' | 'sumRows' | 'productRows';
  readonly inputs: readonly string[];
  /** What is computed, in words. */
  readonly text: string;
  /** Performs a primitive; `undefined` for sums, whose operands are stacked values. */
  readonly run: ((backend: Backend, inputs: readonly Storage[]) => Storage) | undefined;
}

/** What runs, in this order: calls on weights, stages, sums. */
export interface LoweredPass {
  readonly fixed: readonly LoweredCall[];
  readonly stages: readonly LoweredStage[];
  readonly totals: readonly LoweredCall[];
}

/** A tensor that goes in, without time and batch. */
export interface LoweredInput {
  readonly name: string;
  readonly width: number;
  readonly dtype: DType;
}

/** What `lower` gives. */
export interface Lowered {
  readonly inputs: readonly LoweredInput[];
  readonly states: readonly LoweredInput[];
  /** Random tensors that the step draws: further stacked inputs. */
  readonly drawn: readonly LoweredInput[];
  /** Tensors that the step uses besides its arguments. */
  readonly captured: readonly { readonly name: string; readonly tensor: Tensor }[];
  /** The step's outputs, with a row's shape. */
  readonly outputs: readonly { readonly name: string; readonly shape: Shape }[];
  readonly reverse: boolean;
  readonly forward: LoweredPass;
  /** Where a gradient is wanted: the forward pass that also keeps what the backward pass reads, and the backward pass. */
  readonly training: { readonly forward: LoweredPass; readonly backward: LoweredPass } | undefined;
}

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
  const pass = (plan: Plan): LoweredPass => passOf(plan, nameOf);
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
export function stagesOf(plan: Plan): readonly { readonly when: LoweredStage['when']; readonly stage: Stage }[] {
  return (['once', 'before', 'loop', 'after'] as const).flatMap((when) => {
    const stage = plan[when];
    return stage === undefined ? [] : [{ when, stage }];
  });
}

function passOf(plan: Plan, nameOf: (value: Value) => string): LoweredPass {
  const call = (value: Value): LoweredCall => {
    const { operation, key } = value;
    const { kind } = operation;
    if (kind !== 'primitive' && kind !== 'sumRows' && kind !== 'productRows')
      throw new TypeError(`expected a primitive or a sum, received a ${kind}`);
    const run = kind === 'primitive' ? operation.call : undefined;
    return { name: nameOf(value), kind, inputs: argumentsOf(value).map(nameOf), text: key, run };
  };
  return {
    fixed: plan.fixed.map(call),
    stages: stagesOf(plan).map(({ when, stage }) => ({
      when,
      program: stage.program,
      stacked: stage.stacked.map(nameOf),
      perRow: stage.perRow.map(nameOf),
      fixed: stage.fixed.map(nameOf),
      outputs: stage.outputs.map(nameOf),
    })),
    totals: plan.totals.map(call),
  };
}
