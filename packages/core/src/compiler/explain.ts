/** What becomes of a step: in words, as plain data, and by the kind of its recurrence. */
import type {
  CarryKind,
  Explanation,
  Lowered,
  LoweredCall,
  LoweredInput,
  LoweredPass,
  LoweredStage,
} from '../explanation.js';
import {
  firstInstruction,
  operandsOf,
  showProgram,
  widthsOf,
  type Instruction,
  type Program,
  type ProgramOperand,
} from '../program.js';
import type { Scan } from '../scan/eager.js';
import { rowsOf, type Traced } from './cache/trace-cache.js';
import { argumentsOf, type Value } from './ir/graph.js';
import type { Stage, Stages } from './lower/lower.js';
import { explainLinear } from './run/parallel-loop.js';

/**
 * How a call runs.
 *
 * @param traced - its trace, or the reason why it runs by single operations
 * @param scan - the call
 */
export function explainTraced(traced: Traced | string, scan: Scan): Explanation {
  if (typeof traced === 'string')
    return {
      mode: 'eager',
      reason: traced,
      products: { before: 0, loop: 0, after: 0 },
      carry: [],
      text: `eager: ${traced}`,
    };
  const { inference, training } = traced.plans;
  const count = (stage: typeof inference.loop): number =>
    stage?.program.body.filter(({ kind }) => kind === 'matmul').length ?? 0;
  const parts = (title: string, plan: Stages | undefined): string[] =>
    plan === undefined
      ? []
      : stagesOf(plan).map(({ when, stage }) => `${title}, ${when}:\n${showProgram(stage.program)}`);
  const {
    inputs: [{ backend }],
    extent,
  } = scan;
  const carry = inference.loop === undefined ? [] : carryKinds(inference.loop.program);
  const loop = (training?.forward ?? inference).loop?.program;
  const linear = loop && explainLinear(backend, loop, extent.steps, rowsOf(scan, traced.batched));
  const programs = [...parts('forward', training?.forward ?? inference), ...parts('backward', training?.backward)];
  return {
    mode: 'compiled',
    reason: undefined,
    products: { before: count(inference.before), loop: count(inference.loop), after: count(inference.after) },
    carry,
    text: [
      ...(linear === undefined ? [] : [linear]),
      ...(carry.length > 0 ? [`carry: ${carry.join(', ')}`] : []),
      ...programs,
    ].join('\n\n'),
  };
}

/**
 * The programs of a step as plain data, with names for what goes in and out: for readers such as
 * exporters and code generators.
 */
export function loweredOf({ plans, captured }: Traced): Lowered {
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
function stagesOf(plan: Stages): readonly { readonly when: LoweredStage['when']; readonly stage: Stage }[] {
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

/** From the most to the least restricted; each includes those before it. */
const kinds = ['constant', 'elementwise', 'linear', 'nonlinear'] as const;
type Dependence = (typeof kinds)[number];

/**
 * Classifies each carried value by its new value as a function of all carried values. Rules are
 * applied to one instruction at a time, so the answer may be weaker than the truth (`exp(log(h))`
 * is nonlinear), never stronger.
 *
 * @param program - a loop; with lengths and resets written into it or not
 * @returns one kind for each carried value
 */
export function carryKinds(program: Program): readonly CarryKind[] {
  const { xs, carry, body, carryOut } = program;
  const widths = widthsOf(program);
  const first = firstInstruction(program);
  const found: Dependence[] = widths.map(() => 'constant');
  /** The carried values that a value is made of. */
  const sources = widths.map(() => new Set<number>());
  carry.forEach((_, i) => {
    found[xs.length + i] = 'elementwise';
    sources[xs.length + i].add(i);
  });
  body.forEach((instruction, i) => {
    found[first + i] = dependence(program.dtype, instruction, found, widths);
    for (const operand of operandsOf(instruction))
      for (const source of sources[operand]) sources[first + i].add(source);
  });
  return carryOut.map((value, i): CarryKind => {
    const kind = found[value];
    if (kind === 'constant') return 'elementwise';
    const isOwn = [...sources[value]].every((source) => source === i);
    return kind === 'elementwise' && !isOwn ? 'linear' : kind;
  });
}

/** How what an instruction makes depends on the carried values, given how its operands do. */
function dependence(
  dtype: Program['dtype'],
  instruction: Instruction,
  found: readonly Dependence[],
  widths: readonly number[],
): Dependence {
  /**
   * Of an operand that is read feature by feature. One feature that is spread over all of them
   * mixes features.
   */
  const read = (operand: ProgramOperand): Dependence => {
    if (typeof operand === 'number') return 'constant';
    const kind = found[operand.value];
    return widths[operand.value] === instruction.width ? kind : mixed(kind);
  };
  switch (instruction.kind) {
    case 'matmul': {
      const { x, init } = instruction;
      return worst(mixed(found[x]), init === undefined ? 'constant' : read({ value: init }));
    }
    case 'product':
      return mixed(times(found[instruction.a], found[instruction.b]));
    case 'unary':
      return instruction.op === 'neg' ? read({ value: instruction.x }) : curved(found[instruction.x]);
    case 'binary': {
      const [a, b] = [read(instruction.a), read(instruction.b)];
      if (instruction.op === 'add' || instruction.op === 'sub') return worst(a, b);
      if (instruction.op === 'mul') return times(a, b);
      // A quotient of whole numbers is rounded.
      if (instruction.op === 'div' && dtype !== 'int32') return worst(a, curved(b));
      return curved(worst(a, b));
    }
    case 'select': {
      const { condition, a, b } = instruction;
      return worst(curved(found[condition]), read(a), read(b));
    }
    case 'copy': {
      const { x, offset, sizes, strides, width } = instruction;
      const isWhole = offset === 0 && sizes.length === 1 && strides[0] === 1 && width === widths[x];
      return isWhole ? found[x] : mixed(found[x]);
    }
    case 'concat':
      return mixed(worst(...instruction.parts.map((part) => found[part])));
    case 'fill':
      return 'constant';
    case 'reduce':
      return instruction.op === 'sum' ? mixed(found[instruction.x]) : curved(found[instruction.x]);
  }
}

function worst(...list: readonly Dependence[]): Dependence {
  return kinds[Math.max(0, ...list.map((kind) => kinds.indexOf(kind)))];
}

/** Of a sum over other features. */
function mixed(kind: Dependence): Dependence {
  return kind === 'elementwise' ? 'linear' : kind;
}

/** Of a function that is not linear. */
function curved(kind: Dependence): Dependence {
  return kind === 'constant' ? 'constant' : 'nonlinear';
}

function times(a: Dependence, b: Dependence): Dependence {
  if (a === 'constant') return b;
  return b === 'constant' ? a : 'nonlinear';
}
