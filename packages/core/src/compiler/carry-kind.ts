/**
 * How the state after a step depends on the state before it: read off the instructions of a loop.
 */
import type { CarryKind } from '../explanation.js';
import {
  firstInstruction,
  operandsOf,
  widthsOf,
  type Instruction,
  type Program,
  type ProgramOperand,
} from '../program.js';

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
