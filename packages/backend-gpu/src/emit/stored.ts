/** Which values of a program are computed once and stored, rather than where they are used. */
import { firstInstruction, operandsOf, widthsOf, type Instruction, type Program } from '@rnn/core';

/** A value whose expression would have more operations than this is stored. */
const LARGEST = 400;

/** A walk with one stride: a product can take it where it is. */
function isLine(instruction: Instruction): boolean {
  return instruction.kind === 'copy' && instruction.sizes.length <= 1;
}

/** Whether an element of the result takes a loop. */
export function isLoop({ kind }: Instruction): boolean {
  return kind === 'matmul' || kind === 'product' || kind === 'reduce';
}

/** The row values that an instruction reads, without the weight of a product. */
export function rowOperandsOf(instruction: Instruction): number[] {
  const operands = operandsOf(instruction);
  return instruction.kind === 'matmul' ? operands.filter((_, i) => i !== 1) : operands;
}

/**
 * Operands of products are stored, as every feature of the product reads all of them. Products and
 * reductions are stored unless each of their elements is wanted at one place only: then they are
 * computed there, and what follows is computed in the same kernel.
 * Everything else is computed where it is used, as long as that does not grow beyond bounds.
 *
 * @param results - the values wanted, one for each time that one is wanted
 * @returns numbers of instructions' values
 */
export function storedValues(program: Program, results: readonly number[]): Set<number> {
  const first = firstInstruction(program);
  const widths = widthsOf(program);
  const { body } = program;
  const readers = new Map<number, Set<number>>();
  const wanted = new Map<number, number>();
  for (const value of results) wanted.set(value, (wanted.get(value) ?? 0) + 1);
  const stored = new Set<number>();
  /** Values each of whose elements is computed at most once. */
  const single = new Set<number>();
  for (let value = first + body.length - 1; value >= first; value--) {
    const by = [...(readers.get(value) ?? [])];
    const times = wanted.get(value) ?? 0;
    if (by.length + times === 0) continue;
    const instruction = body[value - first];
    for (const x of rowOperandsOf(instruction)) {
      const others = readers.get(x);
      if (others === undefined) readers.set(x, new Set([value]));
      else others.add(value);
    }
    const isSingle =
      by.length + times === 1 &&
      by.every((reader) => {
        const user = body[reader - first];
        if (!single.has(reader) || occurrences(user, value) > 1) return false;
        // A copy may take an element several times, a wider value takes the only one for every
        // feature.
        if (user.kind === 'copy') return user.sizes.length === 1 && user.strides[0] !== 0;
        return (
          user.kind === 'concat' || (user.kind !== 'reduce' && user.kind !== 'product' && widths[value] === user.width)
        );
      });
    const isMultiplied = by.some((reader) => isMultipliedBy(value, reader));
    if (
      (isMultiplied && (!isLine(instruction) || by.some((reader) => body[reader - first].kind === 'product'))) ||
      (isLoop(instruction) && !isSingle)
    )
      stored.add(value);
    if (isSingle || stored.has(value)) single.add(value);
  }

  /** Whether a product reads a value, as it is or through walks. */
  function isMultipliedBy(value: number, reader: number): boolean {
    const user = body[reader - first];
    if (user.kind === 'matmul') return user.x === value;
    if (user.kind === 'product') return true;
    return isLine(user) && [...(readers.get(reader) ?? [])].some((next) => isMultipliedBy(reader, next));
  }

  const sizes = new Map<number, number>();
  body.forEach((instruction, i) => {
    const value = first + i;
    if (!readers.has(value) && !wanted.has(value)) return;
    const size = rowOperandsOf(instruction).reduce((total, x) => total + (sizes.get(x) ?? 0), 1);
    if (size > LARGEST) stored.add(value);
    sizes.set(value, stored.has(value) ? 0 : size);
  });
  return stored;
}

function occurrences(instruction: Instruction, value: number): number {
  return rowOperandsOf(instruction).filter((x) => x === value).length;
}
