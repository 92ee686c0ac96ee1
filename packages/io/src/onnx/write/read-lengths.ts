/**
 * Lengths of rows that a forward gives to core's `scan`, which reads them and uploads which steps
 * are valid: what comes of that is a value of the graph again.
 */
import { ArgumentError, type TypedArray } from '@rnn/core';
import { isGraph, isNumbers, type IrBuilder, type IrNode, type IrType, type IrValue } from './ir.js';

/** [T, B], true for the steps that a row has. */
export function validSteps(ir: IrBuilder, lengths: IrValue, steps: number): IrValue {
  const number = (n: number): IrValue => ({ type: 'int64', shape: [], constant: [n] });
  const end = ir.node('Squeeze', [[steps]], 'int64', []);
  const times = ir.reshaped(ir.node('Range', [number(0), end, number(1)], 'int64', [steps]), [steps, 1]);
  const batch = lengths.shape[0];
  return ir.node('Less', [times, ir.reshaped(ir.cast(lengths, 'int64'), [1, batch])], 'bool', [steps, batch]);
}

interface Read {
  readonly value: IrValue;
  readonly numbers: TypedArray;
  /** Of the valid steps, where they were uploaded. */
  readonly masks: IrValue[];
  /** Whether a loop takes them. */
  isLoop: boolean;
}

export class ReadLengths {
  readonly #ir: IrBuilder;
  readonly #reads: Read[] = [];

  constructor(ir: IrBuilder) {
    this.#ir = ir;
  }

  /** Takes down that whole numbers of the graph were read. */
  add(value: IrValue, numbers: TypedArray): void {
    if (!this.#reads.some((read) => read.value === value))
      this.#reads.push({ value, numbers, masks: [], isLoop: false });
  }

  /** The value of uploaded numbers that say which steps are valid by lengths that were read. */
  maskOf(marks: TypedArray, type: IrType): IrValue | undefined {
    if (type === 'int32' || !marks.includes(0) || !marks.includes(1)) return undefined;
    const read = this.#reads.find(({ numbers }) => {
      const rows = numbers.length;
      return (
        marks.length % rows === 0 && marks.every((mark, i) => mark === Number(Math.floor(i / rows) < numbers[i % rows]))
      );
    });
    if (read === undefined) return undefined;
    const valid = validSteps(this.#ir, read.value, marks.length / read.numbers.length);
    const mask = this.#ir.reshaped(this.#ir.cast(valid, type), [marks.length]);
    read.masks.push(mask);
    return mask;
  }

  /** Takes down what a loop walks over. */
  loop(sequences: readonly IrValue[]): void {
    for (const read of this.#reads) if (read.masks.some((mask) => sequences.includes(mask))) read.isLoop = true;
  }

  /** Refuses numbers that were read and of which the graph knows nothing. */
  check(nodes: readonly IrNode[]): void {
    for (const { value, masks, isLoop } of this.#reads) {
      if (isLoop || (masks.length === 0 && uses(nodes, value))) continue;
      throw new ArgumentError(
        'writeOnnx: forward reads whole numbers of an input, and what it does with them is not seen; lengths of a scan are, where one row of the example is shorter than the sequence and the step compiles',
        { argument: 'inputs', expected: 'an example with a row that is shorter than the sequence' },
      );
    }
  }
}

/** Whether a node, or one inside of it, takes a value. */
function uses(nodes: readonly IrNode[], value: IrValue): boolean {
  return nodes.some(
    ({ inputs, attributes }) =>
      inputs.some((input) => !isNumbers(input) && input === value) ||
      Object.values(attributes).some((attribute) => isGraph(attribute) && uses(attribute.nodes, value)),
  );
}
