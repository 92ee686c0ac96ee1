/**
 * The passes of a step made ready for a backend: where each value that goes in and comes out
 * stands.
 */
import type { Backend } from '../../backend.js';
import type { Shape } from '../../shape.js';
import type { Value } from '../ir/graph.js';
import type { Stages } from '../lower/lower.js';
import type { Plans, Shifted, TrainingPlans } from '../lower/passes.js';
import type { TracedStep } from '../trace/traced-step.js';
import { Executable, type LoopBounds } from './executable.js';

/** One output of a step among the results of the forward pass. */
interface Output {
  readonly at: number;
  /** The first output that is the same value. */
  readonly first: number;
  /** Whether the loop puts it out, and so makes it zero past the end of a row. */
  readonly isMasked: boolean;
}

/** Sources are the inputs, the random ones, and the captured values. */
export class ForwardExecutable {
  readonly plan: Executable;
  readonly outputs: readonly Output[];
  /** Where the values that the backward pass reads stand among the results. */
  readonly kept: readonly number[];
  /** The inputs and random inputs that it reads, by number. */
  readonly residualInputs: readonly number[];
  private readonly shapes: readonly Shape[];

  constructor(backend: Backend, step: TracedStep, plan: Stages, training: TrainingPlans | undefined) {
    const kept = training?.kept ?? [];
    const results = [...new Set([...step.outputs, ...kept])];
    const inLoop = new Set(plan.loop?.ys);
    this.plan = new Executable(backend, plan, [...step.inputs, ...step.drawn, ...step.capturedValues], results);
    this.outputs = step.outputs.map((value) => ({
      at: results.indexOf(value),
      first: step.outputs.indexOf(value),
      isMasked: inLoop.has(value),
    }));
    this.kept = kept.map((value) => results.indexOf(value));
    const inputs = [...step.inputs, ...step.drawn];
    this.residualInputs = training?.residualInputs.map((value) => inputs.indexOf(value)) ?? [];
    this.shapes = step.outputShapes;
  }

  /**
   * The shape of an output: a row's, unless each element is a row, behind the dimensions in front.
   */
  outputShape(output: number, lead: Shape, isElementwise: boolean): Shape {
    return isElementwise ? lead : lead.concat(this.shapes[output]);
  }
}

/**
 * Sources are the inputs, the random ones, the captured values, what was kept, the states that are
 * made of kept ones, and the adjoints that come from behind.
 */
interface BackwardExecutable {
  readonly plan: Executable;
  /** How many random inputs there are. */
  readonly drawn: number;
  readonly shifted: readonly Shifted[];
  /** The inputs and random inputs that are read, by number. */
  readonly residualInputs: readonly number[];
  readonly hasPoles: boolean;
  /** Widths of the adjoints from behind. */
  readonly cotangents: readonly number[];
  /** For each input, state and captured tensor, which result is its gradient. */
  readonly results: readonly (number | undefined)[];
  /** For each captured tensor, which carried value is its gradient. */
  readonly sums: readonly (number | undefined)[];
}

function makeBackward(backend: Backend, { step, training }: Plans): BackwardExecutable {
  if (training === undefined) throw new TypeError('expected plans with a derivative');
  const { derivative, kept, residualInputs, shifted, hasPoles, backward } = training;
  const gradients: readonly (Value | undefined)[] = [
    ...derivative.inputs,
    ...step.states.map(() => undefined),
    ...derivative.captured,
  ];
  const results = [...new Set(gradients.filter((value) => value !== undefined))];
  const inputs = [...step.inputs, ...step.drawn];
  const before = shifted.map(({ state }) => step.states[state]);
  const sources = [...inputs, ...step.capturedValues, ...kept, ...before, ...derivative.cotangents];
  return {
    plan: new Executable(backend, backward, sources, results),
    drawn: step.drawn.length,
    shifted,
    residualInputs: residualInputs.map((value) => inputs.indexOf(value)),
    hasPoles,
    cotangents: derivative.cotangents.map(({ width }) => width),
    sums: derivative.sums,
    results: gradients.map((value) => (value === undefined ? undefined : results.indexOf(value))),
  };
}

interface Executables {
  inference?: ForwardExecutable;
  /** For a few rows. */
  joined?: ForwardExecutable;
  forward?: ForwardExecutable;
  backward?: BackwardExecutable;
}

const known = new WeakMap<Backend, WeakMap<Plans, Executables>>();

function passesOf(backend: Backend, plans: Plans): Executables {
  let here = known.get(backend);
  if (here === undefined) known.set(backend, (here = new WeakMap()));
  let passes = here.get(plans);
  if (passes === undefined) here.set(plans, (passes = {}));
  return passes;
}

/** The forward pass, with what the derivative needs if there is to be one. */
export function forwardExecutable(
  backend: Backend,
  plans: Plans,
  training: TrainingPlans | undefined,
  extent: Pick<LoopBounds, 'steps' | 'rows'>,
): ForwardExecutable {
  const passes = passesOf(backend, plans);
  const { step, inference } = plans;
  if (training !== undefined)
    return (passes.forward ??= new ForwardExecutable(backend, step, training.forward, training));
  if (isSmall(backend, plans, extent))
    return (passes.joined ??= new ForwardExecutable(backend, step, plans.joined() ?? inference, undefined));
  return (passes.inference ??= new ForwardExecutable(backend, step, inference, undefined));
}

/** So many rows of one step cost less than one more call of a program. */
const ROWS_AT_MOST = 8;
/** So many multiplications done apart, likewise. */
const MULTIPLICATIONS_AT_MOST = 4096;

/**
 * Whether one program for all is faster than one for each stage. Where an instruction of the loop
 * is a call of its own at each step, as on a graphics card, it is not.
 */
function isSmall(backend: Backend, { hoisted }: Plans, { steps, rows }: Pick<LoopBounds, 'steps' | 'rows'>): boolean {
  if (backend.compile === undefined || backend.info.simd === 'gpu') return false;
  return steps === 1 ? rows <= ROWS_AT_MOST : steps * rows * hoisted <= MULTIPLICATIONS_AT_MOST;
}

/** The backward pass. */
export function backwardExecutable(backend: Backend, plans: Plans): BackwardExecutable {
  return (passesOf(backend, plans).backward ??= makeBackward(backend, plans));
}
