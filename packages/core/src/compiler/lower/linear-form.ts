/**
 * A loop that is linear in what it carries, written as such: for each feature by itself
 *
 *     h'_i = sum over j of a_ij h_j + b_i
 *
 * with coefficients that depend on the inputs of the step alone. Two steps in a row are one of the
 * same form, which is what computing blocks of time side by side needs.
 */
import {
  firstInstruction,
  operandsOf,
  renumbered,
  widthsOf,
  type Instruction,
  type Program,
  type ProgramOperand,
} from '../../program.js';

/** Where an output of the program of the coefficients stands in the recurrence. */
export interface LinearForm {
  /** Features of each carried value. */
  readonly width: number;
  /** Computes the coefficients of all steps at once: nothing is carried. */
  readonly coefficients: Program;
  /** For carried values i and j, the output that is a_ij; `undefined` where it is zero. */
  readonly a: readonly (readonly (number | undefined)[])[];
  /** For each carried value, the output that is b_i; `undefined` where it is zero. */
  readonly b: readonly (number | undefined)[];
  /** Computes the outputs of all steps at once, of the states before: the last `xs`. */
  readonly outputs: Program;
}

/** What a value is of the carried ones: factors and a rest; `undefined` stands for zero. */
interface Form {
  readonly factors: readonly Term[];
  readonly rest: Term;
}
type Term = ProgramOperand | undefined;

/**
 * The linear form of a loop.
 *
 * @param program - a loop of a floating type
 * @returns `undefined` where the state is not linear in itself, feature by feature, or there are
 *   per-row constants, which are not there for each step
 */
export function linearFormOf(program: Program): LinearForm | undefined {
  const { xs, carry, perRow, consts, body, carryOut, dtype } = program;
  const [width] = carry;
  if (perRow.length > 0 || carry.length === 0 || carry.some((each) => each !== width)) return undefined;
  const widths = widthsOf(program);
  const count = carry.length;
  const shift = (value: number): number => (value < xs.length ? value : value - count);
  const made: Instruction[] = [];
  const first = firstInstruction(program) - count;
  const emit = (instruction: Instruction): ProgramOperand => ({ value: first + made.push(instruction) - 1 });

  /** Of values that depend on what is carried. */
  const forms = new Map<number, Form>();
  /** Of all others, where they are now. */
  const places = new Map<number, number>();
  for (let value = 0; value < firstInstruction(program); value++) places.set(value, shift(value));
  carry.forEach((_, j) => {
    places.delete(xs.length + j);
    forms.set(xs.length + j, { factors: carry.map((__, i) => (i === j ? 1 : undefined)), rest: undefined });
  });

  const algebra = termsOf(width, emit);
  const formOf = (operand: ProgramOperand): Form => {
    const form = typeof operand === 'object' ? forms.get(operand.value) : undefined;
    if (form !== undefined) return form;
    const rest = typeof operand === 'object' ? { value: places.get(operand.value) as number } : operand;
    return { factors: carry.map(() => undefined), rest };
  };
  const each = (forms: readonly Form[], of: (...terms: Term[]) => Term): Form => ({
    factors: carry.map((_, j) => of(...forms.map(({ factors }) => factors[j]))),
    rest: of(...forms.map(({ rest }) => rest)),
  });
  const isFree = ({ factors }: Form): boolean => factors.every((factor) => factor === undefined);

  /** The form of what an instruction makes; `undefined` where it is not linear. */
  const linear = (instruction: Instruction): Form | undefined => {
    switch (instruction.kind) {
      case 'unary':
        return instruction.op === 'neg' ? each([formOf({ value: instruction.x })], algebra.negated) : undefined;
      case 'binary': {
        const [a, b] = [formOf(instruction.a), formOf(instruction.b)];
        if (instruction.op === 'add') return each([a, b], algebra.sum);
        if (instruction.op === 'sub') return each([a, b], (x, y) => algebra.sum(x, algebra.negated(y)));
        if (instruction.op === 'mul' && isFree(b)) return each([a], (x) => algebra.product(x, b.rest));
        if (instruction.op === 'mul' && isFree(a)) return each([b], (x) => algebra.product(a.rest, x));
        if (instruction.op === 'div' && isFree(b)) return each([a], (x) => algebra.quotient(x, b.rest));
        return undefined;
      }
      case 'select': {
        const condition = places.get(instruction.condition);
        if (condition === undefined) return undefined;
        return each([formOf(instruction.a), formOf(instruction.b)], (a, b) => algebra.choice(condition, a, b));
      }
      case 'copy': {
        const { x, offset, sizes, strides } = instruction;
        const isWhole = offset === 0 && sizes.length === 1 && strides[0] === 1 && widths[x] === width;
        return isWhole ? formOf({ value: x }) : undefined;
      }
      default:
        return undefined;
    }
  };

  for (const [i, instruction] of body.entries()) {
    const value = firstInstruction(program) + i;
    if (operandsOf(instruction).every((read) => places.has(read))) {
      places.set(value, first + made.push(renumbered(instruction, (read) => places.get(read) as number)) - 1);
      continue;
    }
    const form = instruction.width === width ? linear(instruction) : undefined;
    if (form !== undefined) forms.set(value, form);
    else if (isNeeded(program, value)) return undefined;
  }

  const outputs: number[] = [];
  /** A term as an output as wide as the state. */
  const output = (term: Term): number | undefined => {
    if (term === undefined) return undefined;
    const isWide = typeof term === 'object' && term.value >= first && made[term.value - first].width === width;
    const whole =
      typeof term === 'number'
        ? emit({ kind: 'fill', width, number: term })
        : isWide
          ? term
          : emit({ kind: 'binary', width, op: 'mul', a: term, b: 1 });
    return outputs.push((whole as { readonly value: number }).value) - 1;
  };
  const states = carryOut.map((value) => formOf({ value }));
  const a = states.map(({ factors }) => factors.map(output));
  const b = states.map(({ rest }) => output(rest));
  return {
    width,
    coefficients: { dtype, xs, carry: [], perRow, consts, body: made, carryOut: [], ys: outputs, reverse: false },
    a,
    b,
    outputs: outputsOf(program),
  };
}

/** Whether the next state is made of a value. */
function isNeeded({ body, carryOut, ...program }: Program, value: number): boolean {
  const needed = new Set<number>(carryOut);
  const first = firstInstruction({ body, carryOut, ...program });
  for (let i = body.length - 1; i >= 0; i--) {
    if (needed.has(first + i)) for (const read of operandsOf(body[i])) needed.add(read);
  }
  return needed.has(value);
}

/** The body on states that are there for all steps; what is the next state itself is left out. */
function outputsOf(program: Program): Program {
  const { xs, carry, carryOut, ys } = program;
  // The carried operands come behind the `xs` as it is: their numbers stay.
  return {
    ...program,
    xs: [...xs, ...carry],
    carry: [],
    carryOut: [],
    ys: ys.filter((value) => !carryOut.includes(value) || value < firstInstruction(program)),
    reverse: false,
  };
}

/** Arithmetic on terms, by instructions where plain numbers do not do. */
function termsOf(width: number, emit: (instruction: Instruction) => ProgramOperand) {
  const negated = (a: Term): Term => {
    if (a === undefined) return undefined;
    if (typeof a === 'number') return -a;
    return emit({ kind: 'binary', width, op: 'mul', a, b: -1 });
  };
  return {
    negated,
    sum: (a: Term, b: Term): Term => {
      if (a === undefined) return b;
      if (b === undefined) return a;
      if (typeof a === 'number' && typeof b === 'number') return a + b;
      return emit({ kind: 'binary', width, op: 'add', a, b });
    },
    product: (a: Term, b: Term): Term => {
      if (a === undefined || b === undefined) return undefined;
      if (a === 1) return b;
      if (b === 1) return a;
      if (typeof a === 'number' && typeof b === 'number') return a * b;
      return emit({ kind: 'binary', width, op: 'mul', a, b });
    },
    quotient: (a: Term, b: Term): Term => {
      if (a === undefined) return undefined;
      if (typeof a === 'number' && typeof b !== 'object') return a / (b ?? 0);
      return emit({ kind: 'binary', width, op: 'div', a, b: b ?? 0 });
    },
    choice: (condition: number, a: Term, b: Term): Term => {
      if (a === undefined && b === undefined) return undefined;
      return emit({ kind: 'select', width, condition, a: a ?? 0, b: b ?? 0 });
    },
  };
}
