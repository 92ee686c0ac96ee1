/** Turns the body of a program into WebAssembly: one function a group of instructions, one for a step, one for a run of steps. */
import type { Instruction, Program, ProgramOperand } from '@rnn/core';
import { FEW } from '../matmul.js';
import { layoutOf, type Layout, type Member, type Place, type Segment } from './layout-of.js';
import {
  binaryExpression,
  isEmittable,
  LongFunctions,
  unaryExpression,
  Vectors,
  type Expression,
} from './vector-functions.js';
import { Code, F32, I32, ModuleWriter, V128, type FunctionType } from './writer.js';

/** What the argument block begins with, in bytes; the pointers follow. */
export const ROWS = 0;
const POINTERS = 4;

/** Where a pointer stands in the argument block. */
export function pointerAt(slot: number): number {
  return POINTERS + slot * 4;
}

/** A module and how to call it. */
export interface Emitted {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly layout: Layout;
}

const takesBlock: FunctionType = { parameters: [I32], results: [] };
const product: FunctionType = { parameters: Array.from({ length: 12 }, () => I32), results: [] };
const fewRows: FunctionType = { parameters: Array.from({ length: 11 }, () => I32), results: [] };

/** Whether every instruction has its WebAssembly. A weight is packed in one way only. */
export function canEmit({ body, dtype }: Program): boolean {
  const transposed = new Map<number, boolean>();
  return (
    dtype === 'float32' &&
    body.every((instruction) => {
      if (instruction.kind === 'binary') return isEmittable(instruction.op, instruction.b);
      if (instruction.kind !== 'matmul') return true;
      const known = transposed.get(instruction.weight);
      transposed.set(instruction.weight, instruction.transposed);
      return known === undefined || known === instruction.transposed;
    })
  );
}

/**
 * Emits a program. The module exports `step(block)`, which computes one step, and `run(block, steps)`, which computes several and moves
 * the pointers on between them; the loop is outside of the functions that compute, since an engine replaces a function by its optimised
 * form between calls.
 *
 * @param program - what to emit; `canEmit` holds for it
 * @param isShared - whether the memory that it will import is shared between threads
 * @param relaxed - whether to use relaxed SIMD
 */
export function emitProgram(program: Program, isShared: boolean, relaxed: boolean): Emitted {
  const layout = layoutOf(program);
  const writer = new ModuleWriter(isShared);
  const imports = {
    product: writer.importFunction('product', product),
    vectors: writer.importFunction('vectors', fewRows),
    vectorsTransposed: writer.importFunction('vectorsTransposed', fewRows),
  };
  const long = new LongFunctions(writer, relaxed);
  const functions = layout.groups.map((group) => {
    const code = new Code(1);
    if (group.kind === 'segment') emitSegment(code, group, layout, long, relaxed);
    else emitSingle(code, program, group.value, group.instruction, layout, imports);
    return writer.addFunction(takesBlock, code);
  });
  const step = new Code(1);
  for (const number of functions) step.get(0).call(number);
  const stepNumber = writer.addFunction(takesBlock, step);
  writer.exportFunction('step', stepNumber);
  writer.exportFunction(
    'run',
    writer.addFunction({ parameters: [I32, I32], results: [] }, emitRun(program, layout, stepNumber)),
  );
  return { bytes: writer.bytes(), layout };
}

/** Bytes that a stacked operand or output moves on from step to step, without the sign, for one row. */
export function stepStrides(
  { stacked, outputs }: Program,
  { widths, slots }: Layout,
): { readonly slot: number; readonly rowBytes: number }[] {
  return [
    ...stacked.map((width, i) => ({ slot: slots.stacked[i], rowBytes: width * 4 })),
    ...outputs.map((value, i) => ({ slot: slots.outputs[i], rowBytes: widths[value] * 4 })),
  ];
}

function emitRun(program: Program, layout: Layout, step: number): Code {
  const code = new Code(2);
  const kept = code.local(I32);
  code.times({ local: 1 }, () => {
    code.get(0).call(step);
    for (const { slot, rowBytes } of stepStrides(program, layout)) {
      code.get(0).get(0).loadI32(pointerAt(slot));
      code.get(0).loadI32(ROWS).i32(rowBytes).multiply();
      if (program.reverse) code.subtract();
      else code.add();
      code.storeI32(pointerAt(slot));
    }
    // What was the state after this step is the state before the next.
    layout.slots.before.forEach((before, i) => {
      const after = layout.slots.after[i];
      code.get(0).loadI32(pointerAt(before)).set(kept);
      code.get(0).get(0).loadI32(pointerAt(after)).storeI32(pointerAt(before));
      code.get(0).get(kept).storeI32(pointerAt(after));
    });
  });
  return code;
}

/** Pointers of one function: each distinct pointer and row stride is one local that walks down the rows. */
class Streams {
  private readonly code: Code;
  private readonly locals = new Map<string, { readonly local: number; readonly rowStride: number }>();

  constructor(code: Code) {
    this.code = code;
  }

  /** The local that points to the current row; loads the pointer at its first use, so use every place once ahead of the loop. */
  at({ slot, rowStride }: Place): number {
    const key = `${slot} ${rowStride}`;
    let stream = this.locals.get(key);
    if (stream === undefined) {
      stream = { local: this.code.local(I32), rowStride };
      this.code.get(0).loadI32(pointerAt(slot)).set(stream.local);
      this.locals.set(key, stream);
    }
    return stream.local;
  }

  nextRow(): void {
    for (const { local, rowStride } of this.locals.values()) if (rowStride !== 0) this.code.advance(local, rowStride);
  }
}

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
    default:
      return [];
  }
}

function emitSegment(
  code: Code,
  { width, members }: Segment,
  layout: Layout,
  long: LongFunctions,
  relaxed: boolean,
): void {
  const made = new Set(members.flatMap((member) => ('copyOf' in member ? [] : [member.value])));
  const outside = [...new Set(members.flatMap(reads))].filter((value) => !made.has(value));
  const sources = outside.map((value) => ({
    value,
    place: placeOf(layout, value),
    isSpread: layout.widths[value] === 1 && width > 1,
  }));
  const targets = members.map((member) => layout.destinations(member.value));
  const streams = new Streams(code);
  for (const { place } of sources) streams.at(place);
  for (const place of targets.flat()) streams.at(place);
  const v = new Vectors(code, relaxed);

  // If all places are dense and of the segment's width, the rows are one long row.
  const isDense = ({ offset, rowStride }: Place): boolean => offset === 0 && rowStride === width * 4;
  const isFlat = sources.every(({ place }) => isDense(place)) && targets.flat().every(isDense);
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
      code.simdAt(single ? 0x5c : 0x00, place.offset).set(values.get(value) as number);
    }
    const read =
      (value: number): Expression =>
      () =>
        void code.get(spread.get(value) ?? (values.get(value) as number));
    members.forEach((member, i) => {
      if (!('copyOf' in member)) {
        expressionOf(member.instruction, v, read, long)();
        code.set(values.get(member.value) as number);
      }
      const result = read('copyOf' in member ? member.copyOf : member.value);
      for (const place of targets[i]) {
        code.get(streams.at(place)).get(index).add();
        result();
        if (single) code.simdAt(0x5a, place.offset).byte(0);
        else code.simdAt(0x0b, place.offset);
      }
    });
  };
  /** All features of a row from `index` 0 up to `end`, four at a time, then one at a time. */
  const row = (): void => {
    code.i32(0).set(index);
    if (isFlat || width >= 4) {
      code.get(end).i32(16).byte(0x4e); // end >= 16
      code.when(() =>
        code.repeat(() => {
          compute(false);
          code.advance(index, 16);
          code.get(index).i32(16).add().get(end).byte(0x4c); // index + 16 <= end
        }),
      );
    }
    if (isFlat || width % 4 !== 0) {
      code.get(index).get(end).byte(0x48);
      code.when(() =>
        code.repeat(() => {
          compute(true);
          code.advance(index, 4);
          code.get(index).get(end).byte(0x48);
        }),
      );
    }
  };
  const loadSpread = (onlyFixed: boolean): void => {
    for (const { value, place, isSpread } of sources) {
      if (!isSpread || (place.rowStride === 0) !== onlyFixed) continue;
      code
        .get(streams.at(place))
        .simdAt(0x09, place.offset)
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

function placeOf(layout: Layout, value: number): Place {
  const place = layout.home(value);
  if (place === undefined) throw new TypeError(`value %${value} has no place in memory`);
  return place;
}

function expressionOf(
  instruction: Instruction,
  v: Vectors,
  read: (value: number) => Expression,
  long: LongFunctions,
): Expression {
  const operand = (x: ProgramOperand): Expression => (typeof x === 'number' ? v.splat(x) : read(x.value));
  switch (instruction.kind) {
    case 'unary':
      return unaryExpression(instruction.op, v, read(instruction.x), long);
    case 'binary': {
      const { op, a, b } = instruction;
      return binaryExpression(op, v, operand(a), operand(b), typeof b === 'number' ? b : undefined);
    }
    case 'select':
      return v.choose(operand(instruction.a), operand(instruction.b), v.ne(read(instruction.condition), v.splat(0)));
    case 'fill':
      return v.splat(instruction.number);
    default:
      throw new TypeError(`a ${instruction.kind} is not elementwise`);
  }
}

/** An instruction that is a group of its own: a product, a reduction, or features in another order. */
function emitSingle(
  code: Code,
  program: Program,
  value: number,
  instruction: Instruction,
  layout: Layout,
  imports: { readonly product: number; readonly vectors: number; readonly vectorsTransposed: number },
): void {
  const [own, ...others] = layout.destinations(value);
  switch (instruction.kind) {
    case 'matmul':
      emitProduct(code, program, instruction, own, layout, imports);
      break;
    case 'reduce':
      emitReduce(code, instruction, placeOf(layout, instruction.x), own);
      break;
    case 'copy':
      emitWalk(code, instruction, placeOf(layout, instruction.x), own);
      break;
    default:
      throw new TypeError(`a ${instruction.kind} is no group of its own`);
  }
  for (const place of others) copyPlace(code, own, place, instruction.width);
}

function emitProduct(
  code: Code,
  { stacked, carried, fixed }: Program,
  { x, weight, transposed, init, width }: Extract<Instruction, { kind: 'matmul' }>,
  own: Place,
  layout: Layout,
  imports: { readonly product: number; readonly vectors: number; readonly vectorsTransposed: number },
): void {
  const k = layout.widths[x];
  const pointer = ({ slot, offset }: Place): void => void code.get(0).loadI32(pointerAt(slot)).i32(offset).add();
  const left = placeOf(layout, x);
  const start = init === undefined ? undefined : placeOf(layout, init);
  const raw = layout.slots.fixed[weight - stacked.length - carried.length];
  const columns = fixed[weight - stacked.length - carried.length].columns;
  const initial = (): void => {
    if (start === undefined) code.i32(0).i32(0);
    else {
      pointer(start);
      code.i32(start.rowStride);
    }
  };
  const target = (): void => {
    pointer(own);
    code.i32(own.rowStride);
  };
  code.get(0).loadI32(ROWS).i32(FEW).byte(0x48);
  code.when(
    () => {
      pointer(left);
      code
        .i32(left.rowStride)
        .get(0)
        .loadI32(pointerAt(raw))
        .i32(columns * 4);
      target();
      initial();
      code
        .get(0)
        .loadI32(ROWS)
        .i32(k)
        .i32(width)
        .call(transposed ? imports.vectorsTransposed : imports.vectors);
    },
    () => {
      pointer(left);
      code
        .i32(left.rowStride)
        .i32(4)
        .get(0)
        .loadI32(pointerAt(layout.slots.packed.get(weight) as number));
      target();
      initial();
      code.get(0).loadI32(ROWS).i32(k).i32(width).i32(0).call(imports.product);
    },
  );
}

function emitReduce(
  code: Code,
  { op, outer, size, inner }: Extract<Instruction, { kind: 'reduce' }>,
  from: Place,
  to: Place,
): void {
  const streams = new Streams(code);
  const [source, target] = [streams.at(from), streams.at(to)];
  const rows = code.local(I32);
  const sum = code.local(F32);
  const lanes = code.local(V128);
  const at = code.local(I32);
  const out = code.local(I32);
  code.get(0).loadI32(ROWS).set(rows);
  const combineLanes = op === 'sum' ? 0xe4 : op === 'max' ? 0xe9 : 0xe8;
  const combine = op === 'sum' ? 0x92 : op === 'max' ? 0x97 : 0x96;
  const neutral = op === 'sum' ? 0 : op === 'max' ? -Infinity : Infinity;
  const whole = inner === 1 ? size - (size % 4) : 0;
  code.times({ local: rows }, () => {
    code.get(source).i32(from.offset).add().set(at);
    code.get(target).i32(to.offset).add().set(out);
    code.times(outer, () => {
      code.times(inner, () => {
        code.f32(neutral).set(sum);
        if (whole > 0) {
          code.simd(0x0c).float(neutral).float(neutral).float(neutral).float(neutral).set(lanes);
          code.times(whole / 4, () => {
            code.get(lanes).get(at).simdAt(0x00, 0).simd(combineLanes).set(lanes);
            code.advance(at, 16);
          });
          for (let lane = 0; lane < 4; lane++) code.get(sum).get(lanes).simd(0x1f).byte(lane).byte(combine).set(sum);
        }
        code.times(size - whole, () => {
          code.get(sum).get(at).loadF32(0).byte(combine).set(sum);
          code.advance(at, inner * 4);
        });
        code.get(out).get(sum).storeF32(0);
        code.advance(out, 4);
        if (inner > 1) code.advance(at, 4 - size * inner * 4); // back to the next column
      });
      if (inner > 1) code.advance(at, (size - 1) * inner * 4);
    });
    streams.nextRow();
  });
}

/** Features in another order: nested loops over the walk. */
function emitWalk(
  code: Code,
  { offset, sizes, strides }: Extract<Instruction, { kind: 'copy' }>,
  from: Place,
  to: Place,
): void {
  const streams = new Streams(code);
  const [source, target] = [streams.at(from), streams.at(to)];
  const rows = code.local(I32);
  const at = code.local(I32);
  const out = code.local(I32);
  code.get(0).loadI32(ROWS).set(rows);
  const level = (dim: number): void => {
    if (dim === sizes.length) {
      code.get(out).get(at).loadF32(0).storeF32(0);
      code.advance(out, 4);
      return;
    }
    code.times(sizes[dim], () => {
      level(dim + 1);
      code.advance(at, strides[dim] * 4);
    });
    code.advance(at, -sizes[dim] * strides[dim] * 4);
  };
  code.times({ local: rows }, () => {
    code
      .get(source)
      .i32(from.offset + offset * 4)
      .add()
      .set(at);
    code.get(target).i32(to.offset).add().set(out);
    level(0);
    streams.nextRow();
  });
}

/** Copies a value that is in memory to another place. */
function copyPlace(code: Code, from: Place, to: Place, width: number): void {
  emitWalk(code, { kind: 'copy', width, x: 0, offset: 0, sizes: [width], strides: [1] }, from, to);
}
