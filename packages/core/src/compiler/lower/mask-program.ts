/**
 * Sequences of different lengths and resets of the state, written into a program. Whoever runs it
 * need not know of them: `going` and `reset` are `xs` of width 1, the initial state is
 * a per-row constant.
 *
 * - Lengths: at a step that a row does not have any more its carried values stay, and its outputs
 *   are zero.
 * - Resets, forward: where one is set, the row's carried values become the initial ones before the
 *   body.
 * - Resets, backward: the carried values after the body are gradients of the state before that
 *   step. Where a reset is set they are due to the initial state: a further carry collects them,
 *   and zeros are carried on. Whoever runs the program adds it to the result.
 */
import {
  firstConst,
  firstInstruction,
  renumbered,
  widthsOf,
  type Instruction,
  type Program,
  type ProgramOperand,
} from '../../program.js';

/** What is written into a program. */
export interface Masks {
  /** Whether rows may end before the last step. */
  readonly lengths: boolean;
  /** Whether rows may start afresh. */
  readonly resets: boolean;
  /** Whether the program is the backward loop of another. */
  readonly adjoint: boolean;
  /**
   * How many of the carried values are the state (all unless given). The others are sums over the
   * steps, which a reset does not touch.
   */
  readonly states?: number;
}

/**
 * A program with lengths and resets.
 *
 * @example
 * ```ts
 * const lists = { xs: [2], carry: [], perRow: [], consts: [], carryOut: [], ys: [1] };
 * const body = [{ width: 2, kind: 'binary', op: 'mul', a: { value: 0 }, b: 2 }] as const;
 * const double = { dtype: 'float32', reverse: false, ...lists, body } as const;
 * const masked = maskProgram(double, { lengths: true, resets: false, adjoint: false });
 * masked.xs; // [2, 1]
 * ```
 * @param program - what a row computes at a step that it has
 * @param masks - what to write into it
 * @returns a program with further operands behind those of their kind: `xs` `going` (1 where a
 *   row has the step) with lengths, then `reset` (1 where it starts afresh, 0 past its end) with
 *   resets; with resets forward a per-row constant for each state, its initial value;
 *   with resets backward a carried value for each state, from zeros on, which belongs to the
 *   gradient of the initial value
 */
export function maskProgram(program: Program, { lengths, resets, adjoint, states }: Masks): Program {
  const { xs, carry, perRow, consts, body, carryOut, ys } = program;
  const widths = widthsOf(program);
  const count = states ?? carry.length;
  const [restarts, diverts] = [resets && !adjoint, resets && adjoint];
  const own = carry.slice(0, count);
  const masked: Program = {
    ...program,
    xs: [...xs, ...(lengths ? [1] : []), ...(resets ? [1] : [])],
    carry: [...carry, ...(diverts ? own : [])],
    perRow: [...perRow, ...(restarts ? own : [])],
  };
  const going = xs.length;
  const reset = going + Number(lengths);
  const firstCarried = masked.xs.length;
  const firstPerRow = firstCarried + masked.carry.length;
  const first = firstInstruction(masked);
  const made: Instruction[] = [];
  const add = (instruction: Instruction): number => first + made.push(instruction) - 1;
  const select = (width: number, condition: number, a: ProgramOperand, b: ProgramOperand): number =>
    add({ kind: 'select', width, condition, a, b });

  const before = carry.map((_, i) => firstCarried + i);
  const started = carry.map((width, i) =>
    restarts && i < count
      ? select(width, reset, { value: firstPerRow + perRow.length + i }, { value: before[i] })
      : before[i],
  );
  const shift = first + made.length - firstInstruction(program);
  const to = (value: number): number => {
    if (value < xs.length) return value;
    if (value < xs.length + carry.length) return started[value - xs.length];
    if (value < firstConst(program)) return value - xs.length - carry.length + firstPerRow;
    if (value < firstInstruction(program)) return value - firstConst(program) + firstConst(masked);
    return value + shift;
  };
  for (const instruction of body) made.push(renumbered(instruction, to));

  const kept = new Map<number, number>();
  for (const value of lengths ? ys : []) {
    if (!kept.has(value)) kept.set(value, select(widths[value], going, { value: to(value) }, 0));
  }
  const after = carryOut.map((value, i) =>
    lengths ? select(carry[i], going, { value: to(value) }, { value: before[i] }) : to(value),
  );
  const collected = diverts
    ? own.map((width, i) => {
        const due = select(width, reset, { value: after[i] }, 0);
        const sum = firstCarried + carry.length + i;
        return add({ kind: 'binary', width, op: 'add', a: { value: sum }, b: { value: due } });
      })
    : [];
  const carriedOn = after.map((value, i) => (diverts && i < count ? select(carry[i], reset, 0, { value }) : value));
  return {
    ...masked,
    consts,
    body: made,
    carryOut: [...carriedOn, ...collected],
    ys: ys.map((value) => kept.get(value) ?? to(value)),
  };
}
