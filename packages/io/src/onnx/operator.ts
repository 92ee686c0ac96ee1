/** What an operator is. */
import type { Node } from './node.js';
import type { Inputs, Kernel } from './plan.js';
import type { Value } from './value.js';

/** Reads the attributes of a node once and gives what runs it. Refuses what it cannot do. */
export type Operator = (node: Node) => Kernel;

/** Operators by name. */
export type Operators = Readonly<Record<string, Operator>>;

/** An input that has to be there. */
export function needed(node: Node, inputs: Inputs, position: number): Value {
  return inputs[position] ?? node.fail(`input ${position} is missing`);
}

/** The whole numbers of an input, `undefined` where it is left out. */
export function wholeNumbers(inputs: Inputs, position: number): number[] | undefined {
  const value = inputs[position];
  return value && Array.from(value.host.numbers);
}
