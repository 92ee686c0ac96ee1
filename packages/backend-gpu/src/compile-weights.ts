/** Weights that are stored transposed, turned once for a whole run. */
import { firstInstruction, operandsOf, type Instruction, type Program } from '@rnn/core';
import type { Arena } from './compile-arena.js';
import type { DeviceArray } from './device.js';
import { isWorthTurning, turned } from './kernels/matmul.js';

/**
 * A program with weights turned, and the sides of each before, by its place among the fixed
 * operands.
 */
export interface TurnedProgram {
  readonly program: Program;
  readonly weights: ReadonlyMap<number, { readonly rows: number; readonly columns: number }>;
}

/**
 * The same program for weights that lie the other way: those by which it multiplies as transposed
 * ones, and does nothing else.
 */
export function turnWeights(program: Program): TurnedProgram {
  const { body, consts } = program;
  const start = firstInstruction(program) - consts.length;
  const weights = new Map(
    [...consts.entries()].filter(([i, each]) => {
      if (!isWorthTurning(each.columns, each.rows)) return false;
      const users = body.filter((instruction) => operandsOf(instruction).includes(start + i));
      return users.length > 0 && users.every((instruction) => isOnlyWeight(instruction, start + i));
    }),
  );
  const isTurned = (value: number): boolean => weights.has(value - start);
  return {
    weights,
    program: {
      ...program,
      consts: consts.map((each, i) => (weights.has(i) ? { rows: each.columns, columns: each.rows } : each)),
      body: body.map((instruction) =>
        instruction.kind === 'matmul' && isTurned(instruction.weight)
          ? { ...instruction, transposed: false }
          : instruction,
      ),
    },
  };
}

/** Whether an instruction reads a value as a transposed weight, and in no other way. */
function isOnlyWeight(instruction: Instruction, value: number): boolean {
  if (instruction.kind !== 'matmul' || instruction.weight !== value || !instruction.transposed) return false;
  return operandsOf(instruction).filter((each) => each === value).length === 1;
}

/** The constants as a program with turned weights wants them. */
export function turnedOperands(
  arena: Arena,
  fixed: readonly DeviceArray[],
  weights: TurnedProgram['weights'],
): DeviceArray[] {
  return fixed.map((array, i) => {
    const sides = weights.get(i);
    return sides === undefined ? array : arena.adopt(turned(arena.device, array, sides.columns, sides.rows));
  });
}
