/** From a traced step to the plans of its two passes, and what the second needs from the first. */
import type { DType } from '../dtype.js';
import { argumentsOf, closure, type Value } from './graph.js';
import { isCheap, lower, type Plan } from './lower.js';
import type { TracedDerivative, TracedStep } from './traced-step.js';

/** Everything about a step that does not depend on which tensors it captured. */
export interface Plans {
  readonly step: Omit<TracedStep, 'captured'>;
  /** The forward pass when no derivative is wanted. */
  readonly inference: Plan;
  readonly training: TrainingPlans | undefined;
}

export interface TrainingPlans {
  readonly derivative: TracedDerivative;
  readonly forward: Plan;
  readonly backward: Plan;
  /** Row values of the forward pass that the backward pass reads, inputs apart. */
  readonly kept: readonly Value[];
  /** Inputs that it reads. */
  readonly keptInputs: readonly Value[];
}

export function plansOf({ captured: _, ...step }: TracedStep, dtype: DType, reverse: boolean): Plans {
  const forward = (kept: readonly Value[]): Plan =>
    lower({
      dtype,
      given: new Set(step.inputs),
      carried: step.states,
      next: step.next,
      rows: [...new Set([...step.outputs, ...kept])],
      totals: [],
      reverse,
      adjoint: false,
    });
  return {
    step,
    inference: forward([]),
    training: step.derivative && trainingPlans(step, step.derivative, dtype, reverse, forward),
  };
}

function trainingPlans(
  step: Plans['step'],
  derivative: TracedDerivative,
  dtype: DType,
  reverse: boolean,
  forward: (kept: readonly Value[]) => Plan,
): TrainingPlans {
  const { seeds, carried, inputs, states, captured } = derivative;
  const rows = [...new Set(inputs.filter((value) => value !== undefined))];
  const totals = [...new Set(captured.filter((value) => value !== undefined))];
  const isAdjoint = new Set([...seeds, ...carried]);
  const results = [...rows, ...states, ...totals];
  const kept = keptValues(step, results, isAdjoint);
  const given = new Set([...kept, ...step.inputs, ...seeds]);
  const backward = lower({ dtype, given, carried, next: states, rows, totals, reverse: !reverse, adjoint: true });
  const read = new Set(closure(results, (value) => given.has(value) || carried.includes(value)));
  return {
    derivative,
    forward: forward(kept),
    backward,
    kept,
    keptInputs: step.inputs.filter((value) => read.has(value)),
  };
}

/**
 * Which values of the forward pass are kept for the backward pass. Results of products and of expensive functions are kept; what is
 * cheaply made of values that are there anyway is made again; never both a value and what it is cheaply made of.
 */
function keptValues(step: Plans['step'], results: readonly Value[], isAdjoint: ReadonlySet<Value>): Value[] {
  const forward = new Set(
    closure([...step.outputs, ...step.next], () => false).filter(({ domain }) => domain === 'row'),
  );
  const isForward = (value: Value): boolean => forward.has(value) || dependsOnlyOnForward(value);
  const memo = new Map<Value, boolean>();
  // A value that the derivative made of forward values alone, such as 1 - y * y, is a forward value too.
  function dependsOnlyOnForward(value: Value): boolean {
    if (value.domain !== 'row' || isAdjoint.has(value)) return false;
    let known = memo.get(value);
    if (known === undefined) {
      const rows = argumentsOf(value).filter(({ domain }) => domain === 'row');
      known = step.inputs.includes(value) || step.states.includes(value) || (rows.length > 0 && rows.every(isForward));
      memo.set(value, known);
    }
    return known;
  }
  // The forward values at which the derivative begins to read.
  const needed = closure(results, isForward).filter((value) => value.domain === 'row' && isForward(value));
  const kept = new Set<Value>();
  const isThere = (value: Value): boolean =>
    value.domain !== 'row' || kept.has(value) || step.inputs.includes(value) || (isCheap(value) && canBeRemade(value));
  const canBeRemade = (value: Value): boolean => argumentsOf(value).every(isThere);
  // First what must be kept in any case, so that the rest can be judged by what is there.
  const cheap: Value[] = [];
  const visit = (value: Value): void => {
    if (value.domain !== 'row' || step.inputs.includes(value)) return;
    if (!forward.has(value)) for (const argument of argumentsOf(value)) visit(argument);
    else if (isCheap(value)) cheap.push(value);
    else kept.add(value);
  };
  for (const value of needed) visit(value);
  for (const value of cheap.sort((a, b) => a.id - b.id)) if (!canBeRemade(value)) kept.add(value);
  return [...kept];
}
