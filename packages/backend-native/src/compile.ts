import { firstInstruction, type CompiledProgram, type Instruction, type Program } from '@rnn/core';
import type { ProgramArguments, ProgramOperand, ProgramResults, Storage } from '@rnn/core';
import { widthsOf } from '@rnn/core';
import { numbersOf, type Channel } from './channel.js';
import { loadBinding } from './binding.js';
import type { Memory } from './memory.js';

/** Numbers of the kinds of instructions: the order in `decode.rs`. */
const KINDS: Readonly<Record<Instruction['kind'], number>> = {
  matmul: 0,
  product: 1,
  unary: 2,
  binary: 3,
  select: 4,
  copy: 5,
  concat: 6,
  fill: 7,
  reduce: 8,
};

/**
 * Hands a program to the engine, which finds out how to run it.
 *
 * @returns nothing for a program with more operands than a call has room for; it then runs by
 *   primitives
 */
export function compileProgram(program: Program, memory: Memory, channel: Channel): CompiledProgram | undefined {
  const operands = firstInstruction(program) + program.ys.length;
  if (!channel.hasRoomFor(operands) || program.dtype === 'int32') return undefined;
  const operations = numbersOf(loadBinding().operations);
  channel.begin(operations.compile);
  channel.callWith(Float64Array.from(encode(program)));
  const number = channel.words[1];
  const compiled = new NativeProgram(program, memory, channel, operations.run, number);
  forgotten.register(compiled, { channel, operation: operations.forget, number });
  return compiled;
}

/** Programs that nobody holds any more are forgotten by the engine, too. */
const forgotten = new FinalizationRegistry<{ channel: Channel; operation: number; number: number }>(
  ({ channel, operation, number }) => {
    if (channel.closed) return;
    channel.begin(operation);
    channel.put(number);
    channel.call();
  },
);

/** A program that the engine knows by a number. */
class NativeProgram implements CompiledProgram {
  private readonly program: Program;
  private readonly memory: Memory;
  private readonly channel: Channel;
  private readonly operation: number;
  private readonly number: number;
  /** Widths of the outputs. */
  private readonly widths: readonly number[];

  constructor(program: Program, memory: Memory, channel: Channel, operation: number, number: number) {
    const widths = widthsOf(program);
    this.program = program;
    this.memory = memory;
    this.channel = channel;
    this.operation = operation;
    this.number = number;
    this.widths = program.ys.map((value) => widths[value]);
  }

  run({ steps, rows, xs, carry, perRow, consts }: ProgramArguments): ProgramResults {
    const { program, channel, memory, widths } = this;
    const { dtype } = program;
    channel.begin(this.operation);
    channel.put(this.number);
    channel.put(steps);
    channel.put(rows);
    this.putAll(xs);
    this.putAll(carry);
    this.putAll(perRow);
    this.putAll(consts);
    channel.call();
    const { words } = channel;
    const outputs: Storage[] = [];
    const last: Storage[] = [];
    let at = 1;
    for (let i = 0; i < widths.length; i++) outputs.push(memory.keep(dtype, steps * rows * widths[i], words[at++]));
    for (let i = 0; i < program.carry.length; i++) {
      last.push(memory.keep(dtype, rows * program.carry[i], words[at++]));
    }
    return { ys: outputs, carry: last };
  }

  private putAll(storages: readonly Storage[]): void {
    for (let i = 0; i < storages.length; i++) this.channel.put(this.memory.addressOf(storages[i]));
  }
}

/** A program as numbers, in the order in which `decode.rs` reads them. */
function encode({ dtype, reverse, xs, carry, perRow, consts, body, carryOut, ys }: Program): number[] {
  const list = (numbers: readonly number[]): number[] => [numbers.length, ...numbers];
  return [
    Number(dtype === 'float64'),
    Number(reverse),
    ...list(xs),
    ...list(carry),
    ...list(perRow),
    consts.length,
    ...consts.flatMap(({ rows, columns }) => [rows, columns]),
    body.length,
    ...body.flatMap((instruction) => [KINDS[instruction.kind], instruction.width, ...encodeInstruction(instruction)]),
    ...list(carryOut),
    ...list(ys),
  ];
}

function encodeInstruction(instruction: Instruction): number[] {
  const { unary, binary, reduce } = loadBinding();
  const operand = (x: ProgramOperand): number[] => (typeof x === 'number' ? [1, x] : [0, x.value]);
  switch (instruction.kind) {
    case 'matmul': {
      const { x, weight, transposed, init } = instruction;
      return [x, weight, Number(transposed), init ?? -1];
    }
    case 'product': {
      const { a, b, blocks, m, k, n, aStrides, bStrides } = instruction;
      return [a, b, blocks, m, k, n, ...aStrides, ...bStrides];
    }
    case 'unary':
      return [numbersOf(unary)[instruction.op], instruction.x];
    case 'binary':
      return [numbersOf(binary)[instruction.op], ...operand(instruction.a), ...operand(instruction.b)];
    case 'select':
      return [instruction.condition, ...operand(instruction.a), ...operand(instruction.b)];
    case 'copy': {
      const { x, offset, sizes, strides } = instruction;
      return [x, offset, sizes.length, ...sizes, ...strides];
    }
    case 'concat':
      return [instruction.parts.length, ...instruction.parts];
    case 'fill':
      return [instruction.number];
    case 'reduce': {
      const { op, x, outer, size, inner } = instruction;
      return [numbersOf(reduce)[op], x, outer, size, inner];
    }
  }
}
