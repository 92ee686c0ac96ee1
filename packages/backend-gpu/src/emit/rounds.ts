/**
 * When values can be computed: in rounds of kernels, each of which reads what the rounds before it
 * stored.
 */
import { firstInstruction, operandsOf, type Program } from '@rnn/core';
import { rowOperandsOf } from './stored.js';

/** A value of fewer operations is computed again rather than handed on to a later round. */
const WORTH_KEEPING = 6;

/**
 * In which round each value that is wanted can be computed, and which others than the stored ones
 * are worth handing on to later rounds.
 *
 * @param results - the values wanted in the end
 * @param materializesAll - also what could be computed with little effort of other values that are
 *   handed on: later kernels have fewer operands then
 */
export function roundsOf(
  program: Program,
  results: ReadonlySet<number>,
  stored: ReadonlySet<number>,
  materializesAll: boolean,
): { rounds: ReadonlyMap<number, number>; handedOn: readonly number[] } {
  const first = firstInstruction(program);
  const wanted = new Set(results);
  for (let value = first + program.body.length - 1; value >= first; value--)
    if (wanted.has(value)) for (const x of operandsOf(program.body[value - first])) wanted.add(x);
  const rounds = new Map<number, number>();
  const read = new Set<number>(results);
  program.body.forEach((instruction, i) => {
    const value = first + i;
    if (!wanted.has(value)) return;
    const operands = rowOperandsOf(instruction).filter((x) => x >= first);
    const round = Math.max(0, ...operands.map((x) => (rounds.get(x) as number) + (stored.has(x) ? 1 : 0)));
    rounds.set(value, round);
    for (const x of operands) if (round > (rounds.get(x) as number)) read.add(x);
  });
  // Of what later rounds read: operations that they would compute, given what is stored or handed
  // on already.
  const sizes = new Map<number, number>();
  const handedOn: number[] = [];
  for (const value of rounds.keys()) {
    const operands = rowOperandsOf(program.body[value - first]);
    const size = operands.reduce((total, x) => total + (sizes.get(x) ?? 0), 1);
    const isHandedOn = !stored.has(value) && read.has(value) && size >= WORTH_KEEPING;
    if (isHandedOn) handedOn.push(value);
    sizes.set(value, (isHandedOn && !materializesAll) || stored.has(value) ? 0 : size);
  }
  return { rounds, handedOn };
}
