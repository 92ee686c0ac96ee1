/**
 * A program as nodes: what each instruction is to the code generator, which instructions are mere views of others, and where results that somebody
 * outside waits for are to be written.
 */
import { firstInstruction, operandsOf, widthsOf, type BinaryOp, type Program, type ProgramOperand, type UnaryOp } from '@rnn/core';

/** Row-wise memory: where row 0 begins is a word of the frame. */
export interface Base {
  readonly kind: 'stacked' | 'carried' | 'fixed' | 'output' | 'next' | 'temporary' | 'scratch';
  readonly index: number;
}

/** Part of the rows at a base. `rowBytes` 0: the same for all rows. */
export interface Place {
  readonly base: Base;
  readonly rowBytes: number;
  readonly offset: number;
}

/** A value as an instruction reads it: features of a node from `offset` on; `spread`: one feature stands for all. */
export interface Access {
  readonly node: number;
  readonly offset: number;
  readonly spread: boolean;
}

export type Argument = Access | number;

/** Elementwise instructions; `identity` copies. */
export type MapOperation =
  | { readonly kind: 'unary'; readonly op: UnaryOp }
  | { readonly kind: 'binary'; readonly op: BinaryOp }
  | { readonly kind: 'select' }
  | { readonly kind: 'identity' };

export type Work =
  | { readonly kind: 'operand'; readonly place: Place }
  /** The features of another node, or a range of them. */
  | { readonly kind: 'view'; readonly access: Access }
  | { readonly kind: 'map'; readonly operation: MapOperation; readonly parameters: readonly Argument[] }
  /** A sum, or the largest or smallest, of all features. */
  | { readonly kind: 'total'; readonly op: 'sum' | 'max' | 'min'; readonly x: Access }
  | { readonly kind: 'walk'; readonly x: Access; readonly sizes: readonly number[]; readonly strides: readonly number[] }
  | {
      readonly kind: 'reduce';
      readonly op: 'sum' | 'max' | 'min';
      readonly x: Access;
      readonly outer: number;
      readonly size: number;
      readonly inner: number;
    }
  | { readonly kind: 'concat'; readonly parts: readonly Access[] }
  | {
      readonly kind: 'matmul';
      readonly x: Access;
      readonly weight: number;
      readonly transposed: boolean;
      readonly init: Access | undefined;
    };

export interface Node {
  readonly width: number;
  readonly work: Work;
}

/** The nodes of a program's values, numbered as they are. */
export function nodesOf(program: Program): Node[] {
  const { stacked, carried, fixed, body } = program;
  const widths = widthsOf(program);
  const nodes: Node[] = [];
  const operand = (kind: 'stacked' | 'carried' | 'fixed', index: number, width: number, rowBytes: number): void => {
    nodes.push({ width, work: { kind: 'operand', place: { base: { kind, index }, rowBytes, offset: 0 } } });
  };
  stacked.forEach((width, i) => operand('stacked', i, width, width * 4));
  carried.forEach((width, i) => operand('carried', i, width, width * 4));
  fixed.forEach(({ columns }, i) => operand('fixed', i, columns, 0));
  const onlyMapped = spreadable(program);

  const access = (value: number): Access => {
    const { work } = nodes[value];
    return work.kind === 'view' ? work.access : { node: value, offset: 0, spread: false };
  };
  const argument = (operand: ProgramOperand, width: number): Argument =>
    typeof operand === 'number' ? operand : spreadTo(access(operand.value), widths[operand.value], width);
  const workOf = (index: number): Work => {
    const instruction = body[index];
    const { width } = instruction;
    const map = (operation: MapOperation, ...parameters: readonly ProgramOperand[]): Work => ({
      kind: 'map',
      operation,
      parameters: parameters.map((p) => argument(p, width)),
    });
    switch (instruction.kind) {
      case 'unary':
        return map({ kind: 'unary', op: instruction.op }, { value: instruction.x });
      case 'binary':
        return map({ kind: 'binary', op: instruction.op }, instruction.a, instruction.b);
      case 'select':
        return map({ kind: 'select' }, { value: instruction.condition }, instruction.a, instruction.b);
      case 'fill':
        return map({ kind: 'identity' }, instruction.number);
      case 'concat':
        return { kind: 'concat', parts: instruction.parts.map(access) };
      case 'copy': {
        const { x, offset, sizes, strides } = instruction;
        const from = access(x);
        const start = { ...from, offset: from.offset + (from.spread ? 0 : offset) };
        const isRange = width === 1 || from.spread || (sizes.length === 1 && strides[0] === 1);
        if (isRange) return { kind: 'view', access: start };
        if (strides.every((stride) => stride === 0)) {
          const spread = { ...start, spread: true };
          return onlyMapped.has(index) ? { kind: 'view', access: spread } : { kind: 'map', operation: { kind: 'identity' }, parameters: [spread] };
        }
        return { kind: 'walk', x: start, sizes, strides };
      }
      case 'reduce': {
        const { op, x, outer, size, inner } = instruction;
        if (size === 1) return { kind: 'view', access: access(x) };
        return outer * inner === 1 ? { kind: 'total', op, x: access(x) } : { kind: 'reduce', op, x: access(x), outer, size, inner };
      }
      case 'matmul': {
        const { x, weight, transposed, init } = instruction;
        return { kind: 'matmul', x: access(x), weight, transposed, init: init === undefined ? undefined : access(init) };
      }
    }
  };
  body.forEach(({ width }, i) => nodes.push({ width, work: workOf(i) }));
  return nodes;
}

/** A value of one feature stands for all features of an instruction. */
function spreadTo(access: Access, own: number, width: number): Access {
  return own === 1 && width > 1 ? { ...access, spread: true } : access;
}

/** Instructions all of whose readers are elementwise: a broadcast one among them needs no memory. */
function spreadable({ body, next, outputs, ...rest }: Program): Set<number> {
  const first = firstInstruction({ body, next, outputs, ...rest });
  const result = new Set(body.keys());
  for (const instruction of body) {
    if (instruction.kind === 'unary' || instruction.kind === 'binary' || instruction.kind === 'select') continue;
    for (const value of operandsOf(instruction)) result.delete(value - first);
  }
  for (const value of [...next, ...outputs]) result.delete(value - first);
  return result;
}

/** What a node reads. */
export function readsOf({ work }: Node): readonly Access[] {
  switch (work.kind) {
    case 'operand':
      return [];
    case 'view':
      return [work.access];
    case 'map':
      return work.parameters.filter((p) => typeof p !== 'number');
    case 'concat':
      return work.parts;
    case 'matmul':
      return work.init === undefined ? [work.x] : [work.x, work.init];
    default:
      return [work.x];
  }
}
