/** From a traced step to the plans of its two passes, and what the second needs from the first. */
import type { DType } from '../../dtype.js';
import { argumentsOf, closure, type Value } from '../ir/graph.js';
import { isRematerialized, lower, lowerJoined, type Stages, type Stage } from './lower.js';
import { widthsOf } from '../../program.js';
import type { TracedStep } from '../trace/traced-step.js';

type Derivative = NonNullable<TracedStep['derivative']>;

/**
 * Everything about a step that does not depend on which tensors it captured and what its random
 * tensors are drawn from.
 */
export interface Plans {
  readonly step: TracedStep;
  /** Whether the forward pass runs from the last step to the first. */
  readonly reverse: boolean;
  /** The forward pass when no derivative is wanted. */
  readonly inference: Stages;
  /** The same as one program, for a few rows; nothing where that is no gain or cannot be. */
  readonly joined: () => Stages | undefined;
  /**
   * About how many multiplications `joined` does for each row and step that `inference` does for
   * all at once.
   */
  readonly hoisted: number;
  readonly training: TrainingPlans | undefined;
}

interface TrainingPlans {
  readonly derivative: Derivative;
  readonly forward: Stages;
  readonly backward: Stages;
  /** Row values of the forward pass that the backward pass reads, inputs apart. */
  readonly kept: readonly Value[];
  /** Inputs that it reads, random ones included. */
  readonly residualInputs: readonly Value[];
  /**
   * Whether some function in it has a pole, at which zeros in the padding would make a NaN of a
   * zero gradient.
   */
  readonly hasPoles: boolean;
  /**
   * Values of the state before a step that it reads and that are made of kept values of the state
   * after it.
   */
  readonly shifted: readonly Shifted[];
}

/** A value of the state before each step, given by the values after it. */
interface Shifted {
  /** Which tensor of the state. */
  readonly state: number;
  /** Which kept value it is after the step. */
  readonly kept: number;
}

export function plansOf(step: TracedStep, dtype: DType, reverse: boolean): Plans {
  const taskOf = (kept: readonly Value[]) => ({
    dtype,
    given: new Set([...step.inputs, ...step.drawn]),
    carried: step.states,
    next: step.next,
    rows: [...new Set([...step.outputs, ...kept])],
    states: step.states.length,
    reduced: [],
    reverse,
    adjoint: false,
  });
  const forward = (kept: readonly Value[]): Stages => lower(taskOf(kept));
  const inference = forward([]);
  return {
    step,
    reverse,
    inference,
    joined: () => (worksApart(inference) ? lowerJoined(taskOf([])) : undefined),
    hoisted: workApart(inference),
    training: step.derivative && trainingPlans(step, step.derivative, dtype, reverse, forward),
  };
}

/** Whether a plan has more than one piece of work. */
function worksApart({ constants, once, before, loop, after }: Stages): boolean {
  return [once, before, loop, after].filter((stage) => stage !== undefined).length + constants.length > 1;
}

/**
 * About how many multiplications are done outside of the loop, a row's; those of fixed values are
 * done once.
 */
function workApart({ constants, once, before, after }: Stages): number {
  const ofStage = (stage: Stage | undefined): number => {
    if (stage === undefined) return 0;
    const widths = widthsOf(stage.program);
    return stage.program.body.reduce((sum, instruction) => {
      const { kind, width } = instruction;
      return sum + width * (kind === 'matmul' ? widths[instruction.x] : kind === 'product' ? instruction.k : 1);
    }, 0);
  };
  return ofStage(once) + ofStage(before) + ofStage(after) + constants.reduce((sum, { width }) => sum + width, 0);
}

function trainingPlans(
  step: TracedStep,
  derivative: Derivative,
  dtype: DType,
  reverse: boolean,
  forward: (kept: readonly Value[]) => Stages,
): TrainingPlans {
  const { cotangents, carried, inputs, states, captured } = derivative;
  const rows = [...new Set(inputs.filter((value) => value !== undefined))];
  const reduced = [...new Set(captured.filter((value) => value !== undefined))];
  const isAdjoint = new Set([...cotangents, ...carried]);
  const results = [...rows, ...states, ...reduced];
  const sources = [...step.inputs, ...step.drawn];
  // The state before a step is the state after the step before it: where that is an output, it is
  // there, and where it is kept, one of the two is enough. Such a state is made of the other when
  // the backward pass begins.
  const isSource = (value: Value): boolean => sources.includes(value) || step.states.includes(value);
  const after = new Map(step.states.map((state, i) => [state, step.next[i]]));
  const isShiftOf = (state: Value, there: readonly Value[]): boolean => {
    const next = after.get(state);
    return next !== undefined && !isSource(next) && there.includes(next);
  };
  const free = step.states.filter((state) => isShiftOf(state, step.outputs));
  const needed = keptValues(step, results, isAdjoint, new Set([...sources, ...free]));
  const shiftable = step.states.filter((state) => free.includes(state) || isShiftOf(state, needed));
  const own = needed.filter((value) => !shiftable.includes(value));
  const given = new Set([...own, ...shiftable, ...sources, ...cotangents]);
  const backward = lower({
    dtype,
    given,
    carried,
    next: states,
    states: step.states.length,
    rows,
    reduced,
    reverse: !reverse,
    adjoint: true,
  });
  const read = new Set(closure(results, (value) => given.has(value) || carried.includes(value)));
  const shifted = shiftable.filter((state) => read.has(state));
  const kept = [...new Set([...own, ...shifted.map((state) => after.get(state) as Value)])];
  return {
    derivative,
    forward: forward(kept),
    backward,
    kept,
    residualInputs: sources.filter((value) => read.has(value)),
    hasPoles: closure([...step.outputs, ...step.next, ...results], () => false).some(hasPole),
    shifted: shifted.map((state) => ({
      state: step.states.indexOf(state),
      kept: kept.indexOf(after.get(state) as Value),
    })),
  };
}

/**
 * Which values of the forward pass are kept for the backward pass. Results of products and of
 * expensive functions are kept; what is cheaply made of values that are there anyway (`free`:
 * inputs, and states that are outputs of the step before) is made again; never both a value and
 * what it is cheaply made of.
 */
function keptValues(
  step: TracedStep,
  results: readonly Value[],
  isAdjoint: ReadonlySet<Value>,
  free: ReadonlySet<Value>,
): Value[] {
  const forward = new Set(
    closure([...step.outputs, ...step.next], () => false).filter(({ domain }) => domain === 'batched'),
  );
  const isForward = (value: Value): boolean => forward.has(value) || dependsOnlyOnForward(value);
  const memo = new Map<Value, boolean>();
  // A value that the derivative made of forward values alone, such as 1 - y * y, is a forward value
  // too.
  function dependsOnlyOnForward(value: Value): boolean {
    if (value.domain !== 'batched' || isAdjoint.has(value)) return false;
    let known = memo.get(value);
    if (known === undefined) {
      const rows = argumentsOf(value).filter(({ domain }) => domain === 'batched');
      known =
        value.steady || free.has(value) || step.states.includes(value) || (rows.length > 0 && rows.every(isForward));
      memo.set(value, known);
    }
    return known;
  }
  // The forward values at which the derivative begins to read.
  const needed = closure(results, isForward).filter((value) => value.domain === 'batched' && isForward(value));
  const kept = new Set<Value>();
  // What is the same at all steps is made again, once.
  const isFree = (value: Value): boolean => value.domain !== 'batched' || value.steady || free.has(value);
  const isThere = (value: Value): boolean =>
    isFree(value) || kept.has(value) || (isRemade(value) && canBeRemade(value));
  const canBeRemade = (value: Value): boolean => argumentsOf(value).every(isThere);
  // First what must be kept in any case, so that the rest can be judged by what is there.
  const cheap: Value[] = [];
  const visit = (value: Value): void => {
    if (isFree(value)) return;
    if (!forward.has(value)) for (const argument of argumentsOf(value)) (isComparison(value) ? pin : visit)(argument);
    else if (isRemade(value)) cheap.push(value);
    else kept.add(value);
  };
  // What is compared has to be the very number that it was: computed again it may differ in the
  // last bit, and a tie is one no more.
  const pin = (value: Value): void => {
    if (isFree(value)) return;
    const { kind } = value.operation;
    if (kind === 'copy' || kind === 'concat') for (const argument of argumentsOf(value)) pin(argument);
    else kept.add(value);
  };
  for (const value of needed) visit(value);
  for (const value of cheap.sort((a, b) => a.id - b.id)) if (!canBeRemade(value)) kept.add(value);
  return [...kept];
}

/** Whether a value is computed again rather than kept. */
function isRemade(value: Value): boolean {
  return isRematerialized(value) && !isComparison(value);
}

/** Whether a value says how two others compare. */
function isComparison({ operation }: Value): boolean {
  if (operation.kind !== 'binary' || typeof operation.a === 'number' || typeof operation.b === 'number') return false;
  return ['eq', 'ne', 'lt', 'le', 'gt', 'ge'].includes(operation.op);
}

/** Whether a value is not finite for some finite arguments, other than by overflow. */
function hasPole({ operation }: Value): boolean {
  if (operation.kind === 'unary')
    return operation.op === 'log' || operation.op === 'reciprocal' || operation.op === 'sqrt';
  if (operation.kind === 'binary')
    return operation.op === 'pow' || (operation.op === 'div' && typeof operation.b === 'object');
  return false;
}
