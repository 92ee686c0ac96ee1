/**
 * Where the values of a program live while it runs, and in which groups its instructions are
 * computed.
 */
import { firstConst, firstInstruction, isConst, operandsOf, widthsOf, type Instruction, type Program } from '@rnn/core';
import { PANEL, TILE_BYTES } from '../layout.js';

/**
 * A place in linear memory: a pointer in the argument block, bytes to add to it, bytes from row to
 * row (0: the same for all rows).
 */
export interface Location {
  /** Number of the pointer in the argument block. */
  readonly slot: number;
  readonly offset: number;
  readonly rowStride: number;
}

/**
 * Engines limit the locals and bytes of a function, and take long over large ones: a segment with
 * so many members is full.
 */
const MEMBERS_AT_MOST = 256;

/** Elementwise instructions of one width, in one pass over memory. */
export interface Segment {
  readonly kind: 'segment';
  readonly width: number;
  readonly members: Member[];
}

/**
 * A member of a segment: an instruction, or a copy of a value to places where it is wanted as well.
 */
export type Member =
  | { readonly value: number; readonly instruction: Instruction }
  | { readonly value: number; readonly copyOf: number };

/** An instruction of another kind, by itself. */
interface NonFused {
  readonly kind: 'single';
  readonly value: number;
  readonly instruction: Instruction;
}

type Group = Segment | NonFused;

/** The pointers of the argument block, in order. */
interface Slots {
  readonly xs: readonly number[];
  /** The state before the step, and after it. */
  readonly before: readonly number[];
  readonly after: readonly number[];
  readonly perRow: readonly number[];
  readonly consts: readonly number[];
  /** Packed weights: by the constant of a `matmul`, by the result of a `product`. */
  readonly packed: ReadonlyMap<number, number>;
  readonly ys: readonly number[];
  /** Room for the edges of products, in the workspace; nothing if there are none. */
  readonly room: number | undefined;
  /** Workspace, with its bytes a row. */
  readonly scratch: readonly { readonly slot: number; readonly rowBytes: number }[];
  readonly count: number;
}

export interface Layout {
  readonly groups: readonly Group[];
  readonly slots: Slots;
  readonly widths: readonly number[];
  /** Where a value is read; nothing for one that never leaves its segment. */
  readonly materializedAt: (value: number) => Location | undefined;
  /** All places to which a value is written when it is computed. */
  readonly destinations: (value: number) => readonly Location[];
}

/**
 * Whether a feature of the result needs the same feature of the operands, or one that stands for
 * all.
 */
function isElementwise(instruction: Instruction, widths: readonly number[]): boolean {
  const { kind } = instruction;
  return (
    kind === 'unary' || kind === 'binary' || kind === 'select' || kind === 'fill' || isRepetition(instruction, widths)
  );
}

/** A value of one feature, repeated. */
function isRepetition(instruction: Instruction, widths: readonly number[]): boolean {
  return instruction.kind === 'copy' && instruction.width > 1 && widths[instruction.x] === 1;
}

/** A range of features, which is read where it is. */
function isRange(instruction: Instruction): boolean {
  return (
    instruction.kind === 'copy' &&
    instruction.sizes.length === 1 &&
    (instruction.strides[0] === 1 || instruction.sizes[0] === 1)
  );
}

/**
 * A product by fixed matrices whose rows lie side by side: with many rows of the batch each of them
 * is packed.
 */
export function isPacked(
  program: Program,
  instruction: Instruction,
): instruction is Extract<Instruction, { kind: 'product' }> {
  return (
    instruction.kind === 'product' &&
    isConst(program, instruction.b) &&
    (instruction.aStrides[2] === 1 || instruction.k === 1)
  );
}

export function layoutOf(program: Program): Layout {
  const { xs, carry, perRow, consts, body, carryOut, ys } = program;
  const widths = widthsOf(program);
  const first = firstInstruction(program);
  const instructionOf = (value: number): Instruction | undefined => (value < first ? undefined : body[value - first]);

  let count = 0;
  const slot = (): number => count++;
  const slots = {
    xs: xs.map(slot),
    before: carry.map(slot),
    after: carry.map(slot),
    perRow: perRow.map(slot),
    consts: consts.map(slot),
    packed: new Map<number, number>(),
    ys: ys.map(slot),
    scratch: [] as { slot: number; rowBytes: number }[],
  };
  body.forEach((instruction, i) => {
    if (instruction.kind === 'matmul' && !slots.packed.has(instruction.weight))
      slots.packed.set(instruction.weight, slot());
    if (isPacked(program, instruction)) slots.packed.set(first + i, slot());
  });
  const hasEdge = body.some(
    (each) => (each.kind === 'matmul' && each.width % PANEL !== 0) || (isPacked(program, each) && each.n % PANEL !== 0),
  );
  const room = hasEdge ? slot() : undefined;
  if (room !== undefined) slots.scratch.push({ slot: room, rowBytes: TILE_BYTES });
  const scratch = (width: number): Location => {
    const rowBytes = width * 4;
    slots.scratch.push({ slot: slot(), rowBytes });
    return { slot: slots.scratch[slots.scratch.length - 1].slot, offset: 0, rowStride: rowBytes };
  };

  // Places of operands.
  const homes = new Map<number, Location>();
  slots.xs.forEach((s, i) => homes.set(i, { slot: s, offset: 0, rowStride: xs[i] * 4 }));
  slots.before.forEach((s, i) => homes.set(xs.length + i, { slot: s, offset: 0, rowStride: carry[i] * 4 }));
  const firstPerRow = xs.length + carry.length;
  slots.perRow.forEach((s, i) => homes.set(firstPerRow + i, { slot: s, offset: 0, rowStride: perRow[i] * 4 }));
  slots.consts.forEach((s, i) => homes.set(firstConst(program) + i, { slot: s, offset: 0, rowStride: 0 }));

  // Places that want a value: the state after the step, outputs, parts of a concatenation.
  const wanted = new Map<number, Location[]>();
  const want = (value: number, place: Location): void => void wanted.set(value, [...(wanted.get(value) ?? []), place]);
  carryOut.forEach((value, i) => want(value, { slot: slots.after[i], offset: 0, rowStride: carry[i] * 4 }));
  ys.forEach((value, i) => want(value, { slot: slots.ys[i], offset: 0, rowStride: widths[value] * 4 }));
  // Last first, so that a concatenation of concatenations finds the place of the outer one.
  for (let i = body.length - 1; i >= 0; i--) {
    const instruction = body[i];
    if (instruction.kind !== 'concat') continue;
    const value = first + i;
    const [own = scratch(instruction.width), ...others] = wanted.get(value) ?? [];
    homes.set(value, own);
    wanted.set(value, others);
    let offset = own.offset;
    for (const part of instruction.parts) {
      want(part, { ...own, offset });
      offset += widths[part] * 4;
    }
  }

  // Groups, each instruction in the earliest one in which its operands are there.
  const groups: Group[] = [];
  const groupOf = new Map<number, number>();
  /** The first group in which a value can be read from memory. */
  const readyAt = (value: number): number => {
    const instruction = instructionOf(value);
    if (instruction === undefined) return 0;
    if (isRange(instruction)) return readyAt(operandsOf(instruction)[0]);
    if (instruction.kind === 'concat') return Math.max(0, ...instruction.parts.map(partReadyAt));
    return (groupOf.get(value) as number) + 1;
  };
  const copies = new Map<number, number>();
  const partReadyAt = (part: number): number => Math.max(readyAt(part), (copies.get(part) ?? -1) + 1);
  /**
   * Puts a member into the first segment of its width from `from` on that has room, or into a new
   * one; returns the number of the group.
   */
  const place = (member: Member, width: number, from: number): number => {
    for (let g = from; g < groups.length; g++) {
      const group = groups[g];
      if (group.kind === 'segment' && group.width === width && group.members.length < MEMBERS_AT_MOST) {
        group.members.push(member);
        return g;
      }
    }
    groups.push({ kind: 'segment', width, members: [member] });
    return groups.length - 1;
  };
  const isLocal = (value: number, width: number): boolean => {
    const instruction = instructionOf(value);
    return instruction !== undefined && isElementwise(instruction, widths) && widths[value] === width;
  };
  /**
   * Operands and ranges of them have places already; copies of such to where they are wanted can be
   * made at once.
   */
  const copyIfRead = (value: number): void => {
    const instruction = instructionOf(value);
    if (instruction !== undefined && !isRange(instruction) && instruction.kind !== 'concat') return;
    const places = wanted.get(value) ?? [];
    if (places.length === 0) return;
    copies.set(value, place({ value, copyOf: value }, widths[value], readyAt(value)));
  };
  for (let value = 0; value < first; value++) copyIfRead(value);
  body.forEach((instruction, i) => {
    const value = first + i;
    if (isRange(instruction) || instruction.kind === 'concat') {
      copyIfRead(value);
      return;
    }
    const operands = operandsOf(instruction);
    if (isElementwise(instruction, widths)) {
      // A value of the same width may be in the same segment; any other has to be in memory.
      const from = Math.max(
        0,
        ...operands.map((x) => (isLocal(x, instruction.width) ? (groupOf.get(x) as number) : readyAt(x))),
      );
      groupOf.set(value, place({ value, instruction }, instruction.width, from));
    } else {
      // At the end, so behind everything that it needs; what does not need it may still join an
      // earlier segment.
      groups.push({ kind: 'single', value, instruction });
      groupOf.set(value, groups.length - 1);
    }
  });

  // A value gets a place of its own if somebody reads it from memory and none wants it anyway.
  const leaves = new Set<number>();
  const base = (value: number): number => {
    const instruction = instructionOf(value);
    return instruction !== undefined && isRange(instruction) ? base(operandsOf(instruction)[0]) : value;
  };
  body.forEach((instruction, i) => {
    const value = first + i;
    if (isRange(instruction)) {
      leaves.add(base(value));
      return;
    }
    if (instruction.kind === 'concat') return;
    for (const x of operandsOf(instruction)) {
      if (
        !isElementwise(instruction, widths) ||
        !isLocal(x, instruction.width) ||
        groupOf.get(x) !== groupOf.get(value)
      )
        leaves.add(base(x));
    }
  });
  body.forEach((instruction, i) => {
    const value = first + i;
    if (isRange(instruction) || instruction.kind === 'concat') return;
    const places = wanted.get(value) ?? [];
    if (places.length > 0) homes.set(value, places[0]);
    else if (leaves.has(value) || !isElementwise(instruction, widths)) homes.set(value, scratch(instruction.width));
  });

  const materializedAt = (value: number): Location | undefined => {
    const instruction = instructionOf(value);
    if (instruction?.kind !== 'copy' || !isRange(instruction)) return homes.get(value);
    const inner = materializedAt(instruction.x);
    return inner && { ...inner, offset: inner.offset + instruction.offset * 4 };
  };
  return {
    groups,
    slots: { ...slots, room, count },
    widths,
    materializedAt,
    destinations: (value) => {
      const instruction = instructionOf(value);
      const places = wanted.get(value) ?? [];
      if (instruction === undefined || isRange(instruction) || instruction.kind === 'concat') return places;
      const own = homes.get(value);
      return own === undefined || places.includes(own) ? places : [own, ...places];
    },
  };
}

/** Where a value that leaves its segment is read. */
export function locationOf(layout: Layout, value: number): Location {
  const place = layout.materializedAt(value);
  if (place === undefined) throw new TypeError(`value %${value} has no place in memory`);
  return place;
}
