/**
 * From a graph to what runs: which values are computed before the loop over time, in it, and after
 * it, and the three programs.
 *
 * A row value that does not depend on the carried state is computed *before*, for all steps at
 * once. One that depends on it and on which the next state depends is in the *loop*. One that
 * depends on it but on which no next state depends comes *after*, again for all steps at once. Sums
 * over rows follow, over all steps at once, since a sum over steps of sums over rows is one sum.
 */
import type { DType } from '../../dtype.js';
import { mapOperands, type InstructionBody } from '../../instruction.js';
import type { ConstOperand, Instruction, Program, ProgramOperand } from '../../program.js';
import { argumentsOf, closure, type Argument, type Value } from '../ir/graph.js';

/** A program and the values that its operands and outputs are. */
export interface Stage {
  readonly program: Program;
  readonly xs: readonly Value[];
  readonly perRow: readonly Value[];
  readonly consts: readonly Value[];
  readonly ys: readonly Value[];
}

/** What has to be computed, and out of what. */
interface Task {
  readonly dtype: DType;
  /**
   * Row values that are there for all steps: inputs, adjoints from behind, what an earlier pass
   * kept.
   */
  readonly given: ReadonlySet<Value>;
  /** Carried values, and what they are after a step. */
  readonly carried: readonly Value[];
  readonly next: readonly Value[];
  /**
   * How many of the carried values are the state (or its gradient); the others are sums over the
   * steps.
   */
  readonly states: number;
  /** Row values wanted for all steps. */
  readonly rows: readonly Value[];
  /** Values reduced over the batch that are wanted. */
  readonly reduced: readonly Value[];
  readonly reverse: boolean;
  /** Whether the loop is the backward one of another: resets then concern gradients. */
  readonly adjoint: boolean;
}

/** The stages in the order in which they run. */
export interface Stages extends Pick<Task, 'adjoint' | 'states'> {
  /** Constants to compute first, each by one primitive. */
  readonly constants: readonly Value[];
  /** What is the same at all steps, made of per-row constants. */
  readonly once: Stage | undefined;
  readonly before: Stage | undefined;
  readonly loop: Stage | undefined;
  readonly after: Stage | undefined;
  /** What is reduced over the batch, computed last: sums over rows, then primitives on them. */
  readonly reduced: readonly Value[];
}

/**
 * Whether a value is so cheap that computing it again costs less than storing it and reading it
 * back.
 */
export function isRematerialized({ operation }: Value): boolean {
  switch (operation.kind) {
    case 'copy':
    case 'concat':
    case 'select':
    case 'fill':
      return true;
    case 'product': // an outer product: as much work as to read it
      return operation.k === 1;
    case 'binary':
      return operation.op !== 'div' && operation.op !== 'pow';
    case 'unary':
      return (
        operation.op === 'neg' ||
        operation.op === 'square' ||
        operation.op === 'abs' ||
        operation.op === 'sign' ||
        operation.op === 'relu'
      );
    default:
      return false;
  }
}

export function lower(task: Task): Stages {
  const { given, carried, next, rows, reduced } = task;
  const isGiven = (value: Value): boolean => given.has(value) || carried.includes(value) || isConstant(value);
  const all = closure([...next, ...rows, ...reduced], isGiven);

  const state = new Set<Value>(carried);
  for (const value of all)
    if (!isGiven(value) && value.domain === 'batched' && argumentsOf(value).some((x) => state.has(x))) state.add(value);
  const feedsState = new Set(closure(next, isGiven));
  const inLoop = (value: Value): boolean => carried.includes(value) || (state.has(value) && feedsState.has(value));

  const tops = all.filter(({ domain }) => domain === 'reduced');
  const summed = tops.flatMap((value) => argumentsOf(value).filter(({ domain }) => domain === 'batched'));
  const wanted = new Set([...rows, ...summed]);

  // What is the same at all steps is computed once; a range of a constant is read in place.
  const isOnce = (value: Value): boolean => value.steady && !isConstant(value) && !isRangeOfConstant(value);
  const once = new Set<Value>();
  for (const value of all)
    if (!value.steady) for (const x of argumentsOf(value)) for (const each of isOnce(x) ? [x] : []) once.add(each);
  for (const value of [...next, ...wanted]) if (isOnce(value)) once.add(value);
  const onceStage = once.size === 0 ? undefined : build(task, [...once], [], [], () => false, new Set());

  // Cheap functions of what is there for all steps anyway are computed where they are used.
  const inline = new Set<Value>();
  for (const value of all) {
    if (value.domain !== 'batched' || state.has(value) || isGiven(value) || once.has(value)) continue;
    if (value.steady) {
      inline.add(value); // of a stage that is computed once, or a range
      continue;
    }
    if (!isRematerialized(value)) continue;
    const parts = argumentsOf(value).filter(({ domain }) => domain === 'batched');
    if (parts.every((part) => given.has(part) || inline.has(part) || isConstant(part) || once.has(part)))
      inline.add(value);
    // A range of a value that is made before the loop is read in place.
    else if (value.operation.kind === 'copy') inline.add(value);
  }

  const stage = (
    outputs: readonly Value[],
    comesIn: (value: Value) => boolean,
    states: readonly Value[] = [],
    after: readonly Value[] = [],
  ): Stage => build(task, outputs, states, after, comesIn, once);
  const after = [...wanted].filter((value) => state.has(value) && !inLoop(value));
  const afterStage =
    after.length === 0
      ? undefined
      : stage(after, (v) => given.has(v) || inLoop(v) || (!state.has(v) && !inline.has(v)));
  const loopWanted = unique([...wanted, ...(afterStage?.xs ?? [])]).filter(inLoop);
  const loopStage =
    carried.length === 0
      ? undefined
      : stage(loopWanted, (v) => given.has(v) || (!state.has(v) && !inline.has(v)), carried, next);
  const external = unique([...(afterStage?.xs ?? []), ...(loopStage?.xs ?? []), ...wanted]);
  const before = external.filter((value) => !given.has(value) && !state.has(value));
  const beforeStage = before.length === 0 ? undefined : stage(before, (v) => given.has(v));
  return {
    adjoint: task.adjoint,
    states: task.states,
    constants: all.filter(({ domain, operation }) => domain === 'constant' && operation.kind === 'primitive'),
    once: onceStage,
    before: beforeStage,
    loop: loopStage,
    after: afterStage,
    reduced: tops,
  };
}

/**
 * All of a forward pass as one program, which computes at each step what `lower` computes for all
 * steps at once: for a few rows one call of a program costs more than the arithmetic that is done
 * again.
 *
 * @param task - without reduced values
 * @returns nothing where a result is no row value of its own
 */
export function lowerJoined(task: Task): Stages | undefined {
  const { given, carried, next, rows } = task;
  const isResult = (value: Value): boolean => value.domain === 'batched' && !value.steady && !given.has(value);
  if (!rows.every(isResult)) return undefined;
  const stage = build(task, rows, carried, next, (value) => given.has(value), new Set(), instructionOfConstant);
  const [before, loop] = carried.length === 0 ? [stage, undefined] : [undefined, stage];
  const isComputed = (value: Value): boolean => value.domain === 'constant' && value.operation.kind === 'primitive';
  const constants = closure(stage.consts, () => false).filter(isComputed);
  const { adjoint, states } = task;
  return { adjoint, states, constants, once: undefined, before, loop, after: undefined, reduced: [] };
}

/** The instruction that computes a constant in each row. */
function instructionOfConstant({ domain, operation }: Value): InstructionBody<Value, Argument> | undefined {
  return domain === 'constant' && operation.kind === 'primitive' ? operation.instruction : undefined;
}

/** Whether a value is given for each row, the same at all steps. */
function isConstant({ operation }: Value): boolean {
  return operation.kind === 'constant';
}

function isRangeOfConstant({ operation }: Value): boolean {
  return (
    operation.kind === 'copy' &&
    isConstant(operation.x) &&
    operation.sizes.length === 1 &&
    (operation.strides[0] === 1 || operation.sizes[0] === 1)
  );
}

function unique(values: readonly Value[]): Value[] {
  return [...new Set(values)];
}

/**
 * One program: everything that the outputs and the next state are made of, up to values that come
 * in.
 *
 * @param inRow - the instruction of a constant that the program computes itself
 */
function build(
  task: Task,
  outputs: readonly Value[],
  carried: readonly Value[],
  next: readonly Value[],
  comesIn: (value: Value) => boolean,
  once: ReadonlySet<Value>,
  inRow: (value: Value) => InstructionBody<Value, Argument> | undefined = () => undefined,
): Stage {
  const isRow = (value: Value): boolean => value.domain === 'batched' || inRow(value) !== undefined;
  const isPerRow = (value: Value): boolean => isConstant(value) || once.has(value);
  const isXs = (value: Value): boolean =>
    value.domain === 'batched' && !carried.includes(value) && !isPerRow(value) && comesIn(value);
  const isOperand = (value: Value): boolean =>
    carried.includes(value) || !isRow(value) || isPerRow(value) || isXs(value);
  const values = closure([...outputs, ...next], isOperand);
  const xs = values.filter(isXs);
  const perRow = values.filter(isPerRow);
  const steps = values.filter((value) => !isOperand(value));

  const numbers = new Map<Value, number>();
  for (const value of [...xs, ...carried, ...perRow]) numbers.set(value, numbers.size);
  // A constant is a matrix to a product and a row to everything else.
  const consts: Value[] = [];
  const shapes: ConstOperand[] = [];
  const constNumbers = new Map<string, number>();
  const firstConst = numbers.size;
  const constNumber = (value: Value, rows: number, columns: number): number => {
    const key = `${value.id} ${rows}x${columns}`;
    let found = constNumbers.get(key);
    if (found === undefined) {
      found = firstConst + consts.length;
      constNumbers.set(key, found);
      consts.push(value);
      shapes.push({ rows, columns });
    }
    return found;
  };
  const numberOf = (value: Value): number =>
    isRow(value) ? (numbers.get(value) as number) : constNumber(value, 1, value.width);
  const instruction = (value: Value): Instruction => {
    const { width } = value;
    const body = inRow(value) ?? bodyOf(value);
    const matrix = (weight: Value): number => {
      const inner = weight.width / width;
      return body.kind === 'matmul' && body.transposed
        ? constNumber(weight, width, inner)
        : constNumber(weight, inner, width);
    };
    const operand = (x: Argument): ProgramOperand => (typeof x === 'number' ? x : { value: numberOf(x) });
    return { width, ...mapOperands<Value, Argument, number, ProgramOperand>(body, { row: numberOf, matrix, operand }) };
  };
  steps.forEach(instruction); // finds the constants, which are numbered before what is made
  steps.forEach((value, i) => numbers.set(value, firstConst + consts.length + i));
  const program: Program = {
    dtype: task.dtype,
    xs: xs.map(({ width }) => width),
    carry: carried.map(({ width }) => width),
    perRow: perRow.map(({ width }) => width),
    consts: shapes,
    body: steps.map(instruction),
    carryOut: next.map(numberOf),
    ys: outputs.map(numberOf),
    reverse: carried.length > 0 && task.reverse,
  };
  return { program, xs, perRow, consts, ys: outputs };
}

/** What a program does for a row value. */
function bodyOf({ operation }: Value): InstructionBody<Value, Argument> {
  switch (operation.kind) {
    case 'input':
    case 'state':
    case 'constant':
    case 'captured':
    case 'number':
    case 'sumRows':
    case 'productRows':
    case 'primitive':
      throw new TypeError(`a ${operation.kind} is no instruction of a program`);
    default:
      return operation;
  }
}
