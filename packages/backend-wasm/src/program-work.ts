import { widthsOf, type Instruction, type Program } from '@rnn/core';

/** Costs of elementwise instructions, in multiplications of float32. */
const SIMPLE = 2;
const LONG = 16;

/**
 * About how much work a step of a program is for one row, in multiplications and additions; decides
 * whether threads pay.
 */
export function workOfRow(program: Program): number {
  const widths = widthsOf(program);
  return program.body.reduce((sum, instruction) => sum + workOf(instruction, widths), 0);
}

function workOf(instruction: Instruction, widths: readonly number[]): number {
  const { kind, width } = instruction;
  switch (kind) {
    case 'matmul':
      return 2 * widths[instruction.x] * width;
    case 'product':
      return 2 * width * instruction.k;
    case 'reduce':
      return widths[instruction.x] * SIMPLE;
    case 'unary':
      return width * (longOps.has(instruction.op) ? LONG : SIMPLE);
    default:
      return width * SIMPLE;
  }
}

const longOps: ReadonlySet<string> = new Set(['exp', 'log', 'tanh', 'sigmoid', 'softplus', 'sqrt', 'reciprocal']);
