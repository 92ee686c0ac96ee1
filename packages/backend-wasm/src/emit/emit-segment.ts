/** Emits a segment: elementwise instructions of one width in one pass over memory. */
import type { Instruction, ProgramOperand } from '@rnn/core';
import { ROWS, Streams } from './argument-block.js';
import { locationOf, type Layout, type Member, type Location, type Segment } from './layout-of.js';
import { binaryExpression, unaryExpression } from './vector-functions.js';
import { CodeVectors, type Expression } from './vectors.js';
import { I32, V128, type Code } from './writer.js';

/** The values that a member reads. */
function reads(member: Member): number[] {
  if ('copyOf' in member) return [member.copyOf];
  const { instruction } = member;
  const values = (...operands: readonly ProgramOperand[]): number[] =>
    operands.flatMap((x) => (typeof x === 'object' ? [x.value] : []));
  switch (instruction.kind) {
    case 'unary':
      return [instruction.x];
    case 'binary':
      return values(instruction.a, instruction.b);
    case 'select':
      return [instruction.condition, ...values(instruction.a, instruction.b)];
    case 'copy':
      return [instruction.x];
    default:
      return [];
  }
}

/** Writes the function of a segment; its parameter is the argument block. */
export function emitSegment(code: Code, { width, members }: Segment, layout: Layout, relaxed: boolean): void {
  const made = new Set(members.flatMap((member) => ('copyOf' in member ? [] : [member.value])));
  const outside = [...new Set(members.flatMap(reads))].filter((value) => !made.has(value));
  const sources = outside.map((value) => ({
    value,
    place: locationOf(layout, value),
    isSpread: layout.widths[value] === 1 && (width > 1 || locationOf(layout, value).rowStride === 0),
  }));
  const targets = members.map((member) => layout.destinations(member.value));
  const streams = new Streams(code);
  for (const { place } of sources) streams.at(place);
  for (const place of targets.flat()) streams.at(place);
  const v = new CodeVectors(code, relaxed);

  // If all places are dense and of the segment's width, the rows are one long row; not if a feature
  // stands for its whole row. A number does not matter.
  const isDense = ({ offset, rowStride }: Location): boolean => offset === 0 && rowStride === width * 4;
  const isFlat =
    sources.every(({ place, isSpread }) => (isSpread ? place.rowStride === 0 : isDense(place))) &&
    targets.flat().every(isDense);
  const index = code.local(I32); // bytes into the row
  const end = code.local(I32);
  // A value of one feature stands for all: loaded once a row, or once at all where it is fixed.
  const spread = new Map<number, number>();
  for (const { value, isSpread } of sources) if (isSpread) spread.set(value, code.local(V128));
  const values = new Map<number, number>();
  for (const { value, isSpread } of sources) if (!isSpread) values.set(value, code.local(V128));
  for (const { value } of members) if (!values.has(value)) values.set(value, code.local(V128));

  /** The body for four features or for one, at `index`. */
  const compute = (single: boolean): void => {
    for (const { value, place, isSpread } of sources) {
      if (isSpread) continue;
      code.get(streams.at(place)).get(index).add();
      code.simdAt(single ? 'v128.load32_zero' : 'v128.load', place.offset).set(values.get(value) as number);
    }
    const read =
      (value: number): Expression =>
      () =>
        void code.get(spread.get(value) ?? (values.get(value) as number));
    members.forEach((member, i) => {
      if (!('copyOf' in member)) {
        expressionOf(member.instruction, v, read)();
        code.set(values.get(member.value) as number);
      }
      const result = read('copyOf' in member ? member.copyOf : member.value);
      for (const place of targets[i]) {
        code.get(streams.at(place)).get(index).add();
        result();
        if (single) code.simdAt('v128.store32_lane', place.offset).byte(0);
        else code.simdAt('v128.store', place.offset);
      }
    });
  };
  /** All features of a row from `index` 0 up to `end`, four at a time, then one at a time. */
  const row = (): void => {
    code.i32(0).set(index);
    if (isFlat || width >= 4) {
      code.get(end).i32(16).op('i32.ge_s'); // end >= 16
      code.when(() =>
        code.repeat(() => {
          compute(false);
          code.advance(index, 16);
          code.get(index).i32(16).add().get(end).op('i32.le_s'); // index + 16 <= end
        }),
      );
    }
    if (width % 4 !== 0) {
      code.get(index).get(end).op('i32.lt_s');
      code.when(() =>
        code.repeat(() => {
          compute(true);
          code.advance(index, 4);
          code.get(index).get(end).op('i32.lt_s');
        }),
      );
    }
  };
  const loadSpread = (onlyFixed: boolean): void => {
    for (const { value, place, isSpread } of sources) {
      if (!isSpread || (place.rowStride === 0) !== onlyFixed) continue;
      code
        .get(streams.at(place))
        .simdAt('v128.load32_splat', place.offset)
        .set(spread.get(value) as number);
    }
  };
  const rows = code.local(I32);
  code.get(0).loadI32(ROWS).set(rows);
  loadSpread(true);
  if (isFlat) {
    code
      .get(rows)
      .i32(width * 4)
      .multiply()
      .set(end);
    row();
    return;
  }
  code.i32(width * 4).set(end);
  code.times({ local: rows }, () => {
    loadSpread(false);
    row();
    streams.nextRow();
  });
}

function expressionOf(instruction: Instruction, v: CodeVectors, read: (value: number) => Expression): Expression {
  const operand = (x: ProgramOperand): Expression => (typeof x === 'number' ? v.splat(x) : read(x.value));
  switch (instruction.kind) {
    case 'unary':
      return unaryExpression(instruction.op, v, read(instruction.x));
    case 'binary': {
      const { op, a, b } = instruction;
      return binaryExpression(op, v, operand(a), operand(b), typeof b === 'number' ? b : undefined);
    }
    case 'select':
      return v.choose(operand(instruction.a), operand(instruction.b), v.ne(read(instruction.condition), v.splat(0)));
    case 'copy': // of one feature
      return read(instruction.x);
    case 'fill':
      return v.splat(instruction.number);
    default:
      throw new TypeError(`a ${instruction.kind} is not elementwise`);
  }
}
