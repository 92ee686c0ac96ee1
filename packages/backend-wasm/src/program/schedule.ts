/**
 * What runs when, and what lies where.
 *
 * Products cut a step into regions. Between them everything is computed row by row: within a region a row goes through all
 * segments, a segment being one pass over its features in which any number of elementwise instructions are computed in registers. So
 * what is exchanged between segments is a row that stays in the first cache.
 */
import type { Program } from '@rnn/core';
import { nodesOf, readsOf, type Access, type Base, type Node, type Place } from './nodes.js';

/** When a node is computed. A product runs after its region. */
export interface Time {
  readonly region: number;
  readonly level: number;
}

export interface Schedule {
  readonly nodes: readonly Node[];
  readonly times: readonly Time[];
  /** Regions are followed by their products: there are so many. */
  readonly regions: number;
  /** Where a node can be read; nothing if it lives in registers only. */
  readonly homes: readonly (Place | undefined)[];
  /** All the places that a node is written to. */
  readonly stores: readonly (readonly Place[])[];
  /** Widths of the workspaces of `rows` rows, and of those of a single row. */
  readonly temporaries: readonly number[];
  readonly scratch: readonly number[];
}

/** A segment is known by the number of features that it walks over; sums over features are made along the way. */
export function segmentOf({ width, work }: Node, nodes: readonly Node[]): number | undefined {
  if (work.kind === 'map') return width;
  return work.kind === 'total' ? nodes[work.x.node].width : undefined;
}

/** Whether a reader finds a node's features in the registers of its own segment. */
export function isAligned(reader: Node, access: Access, nodes: readonly Node[]): boolean {
  const node = nodes[access.node];
  return node.work.kind === 'map' && !access.spread && access.offset === 0 && segmentOf(reader, nodes) === node.width && widthRead(reader, nodes) === node.width;
}

/** Features that a reader reads of its (not spread) operands. */
function widthRead({ width, work }: Node, nodes: readonly Node[]): number {
  return work.kind === 'total' ? nodes[work.x.node].width : width;
}

export function schedule(program: Program): Schedule {
  return new Scheduler(program).finish();
}

class Scheduler {
  private readonly program: Program;
  private readonly nodes: Node[];
  private readonly homes: (Place | undefined)[];
  private readonly stores: Place[][];
  private readonly times: (Time | undefined)[] = [];
  /** For each concatenation, the nodes that write its parts. */
  private readonly writers = new Map<number, number[]>();
  private readonly temporaries: number[] = [];
  private readonly scratch: number[] = [];

  constructor(program: Program) {
    this.program = program;
    this.nodes = nodesOf(program);
    this.homes = this.nodes.map(({ work }) => (work.kind === 'operand' ? work.place : undefined));
    this.stores = this.nodes.map(() => []);
  }

  finish(): Schedule {
    const { nodes, program } = this;
    const whole = (kind: Base['kind'], index: number, value: number): Place => ({
      base: { kind, index },
      rowBytes: nodes[value].width * 4,
      offset: 0,
    });
    program.outputs.forEach((value, i) => this.deliver(value, whole('output', i, value)));
    program.next.forEach((value, i) => this.deliver(value, { ...whole('next', i, value), rowBytes: program.carried[i] * 4 }));
    this.placeConcatenations();
    const reachable = this.reachable();
    nodes.forEach((_, i) => {
      if (reachable.has(i)) this.timeOf(i);
    });
    this.sink(reachable);
    this.placeRest(reachable);
    const times = this.times.map((time) => time ?? { region: -1, level: -1 });
    const regions = Math.max(-1, ...times.map(({ region }) => region)) + 1;
    return { nodes, times, regions, homes: this.homes, stores: this.stores, temporaries: this.temporaries, scratch: this.scratch };
  }

  /** Sees to it that a value is written to a place. */
  private deliver(value: number, place: Place): number {
    const { nodes, homes, stores } = this;
    const { work, width } = nodes[value];
    const isOwn = work.kind !== 'operand' && work.kind !== 'view';
    const isFree = work.kind === 'map' || work.kind === 'total' || homes[value] === undefined;
    if (isOwn && isFree) {
      homes[value] ??= place;
      stores[value].push(place);
      return value;
    }
    const access = work.kind === 'view' ? work.access : { node: value, offset: 0, spread: false };
    const narrow = this.widthOf(access) === 1 && width > 1;
    const parameters = [narrow ? { ...access, spread: true } : access];
    nodes.push({ width, work: { kind: 'map', operation: { kind: 'identity' }, parameters } });
    homes.push(place);
    stores.push([place]);
    return nodes.length - 1;
  }

  private widthOf({ node, spread }: Access): number {
    return spread ? 1 : this.nodes[node].width;
  }

  /** The last ones first: a concatenation may be part of a later one. */
  private placeConcatenations(): void {
    const { nodes, homes } = this;
    for (let i = nodes.length - 1; i >= 0; i--) {
      const { work, width } = nodes[i];
      if (work.kind !== 'concat') continue;
      homes[i] ??= this.temporary(width);
      const home = homes[i] as Place;
      let offset = home.offset;
      const writers = work.parts.map((part, p) => {
        const { width: partWidth } = nodes[this.partValue(i, p)];
        const place = { base: home.base, rowBytes: home.rowBytes, offset };
        offset += partWidth * 4;
        return this.deliver(this.partValue(i, p), place);
      });
      this.writers.set(i, writers);
    }
  }

  /** The value that an instruction names as part of a concatenation. */
  private partValue(concat: number, part: number): number {
    const { stacked, carried, fixed, body } = this.program;
    const instruction = body[concat - stacked.length - carried.length - fixed.length];
    if (instruction.kind !== 'concat') throw new TypeError('expected a concatenation');
    return instruction.parts[part];
  }

  private temporary(width: number): Place {
    return { base: { kind: 'temporary', index: this.temporaries.push(width) - 1 }, rowBytes: width * 4, offset: 0 };
  }

  /** What a node waits for. */
  private dependencies(index: number): readonly number[] {
    return this.writers.get(index) ?? readsOf(this.nodes[index]).map(({ node }) => node);
  }

  /** Nodes that something wanted depends on. */
  private reachable(): Set<number> {
    const found = new Set<number>();
    const pending = this.nodes.flatMap((_, i) => (this.stores[i].some(({ base }) => base.kind === 'output' || base.kind === 'next') ? [i] : []));
    for (let i = pending.pop(); i !== undefined; i = pending.pop()) {
      if (found.has(i)) continue;
      found.add(i);
      pending.push(...this.dependencies(i));
    }
    return found;
  }

  private timeOf(index: number): Time {
    const known = this.times[index];
    if (known !== undefined) return known;
    const { nodes } = this;
    const node = nodes[index];
    const earlier = this.dependencies(index).map((i) => ({ i, time: this.timeOf(i) }));
    let region = 0;
    for (const { i, time } of earlier) {
      if (nodes[i].work.kind !== 'operand') region = Math.max(region, time.region + (nodes[i].work.kind === 'matmul' ? 1 : 0));
    }
    let level = 0;
    const reads = readsOf(node);
    for (const { i, time } of earlier) {
      const { work } = nodes[i];
      if (work.kind === 'operand' || work.kind === 'matmul' || time.region !== region) continue;
      const together = !this.writers.has(index) && reads.every((access) => access.node !== i || isAligned(node, access, nodes));
      level = Math.max(level, time.level + (together ? 0 : 1));
    }
    const time = node.work.kind === 'operand' ? { region: 0, level: -1 } : { region, level };
    this.times[index] = time;
    return time;
  }

  /** What is read by one later segment alone is computed there: it then needs no memory. */
  private sink(reachable: ReadonlySet<number>): void {
    const { nodes } = this;
    const readers = this.readers(reachable);
    const order = [...reachable].sort((a, b) => {
      const [s, t] = [this.timeOf(a), this.timeOf(b)];
      return t.region - s.region || t.level - s.level || b - a;
    });
    for (const index of order) {
      const node = nodes[index];
      if (node.work.kind !== 'map') continue;
      const own = readers.get(index) ?? [];
      if (own.length === 0 || !own.every((r) => readsOf(nodes[r]).every((access) => access.node !== index || isAligned(nodes[r], access, nodes)))) continue;
      if (own.some((r) => this.writers.has(r))) continue;
      const times = own.map((r) => this.timeOf(r));
      if (times.every(({ region, level }) => region === times[0].region && level === times[0].level)) this.times[index] = times[0];
    }
  }

  private readers(reachable: ReadonlySet<number>): Map<number, number[]> {
    const readers = new Map<number, number[]>();
    for (const index of reachable) {
      for (const i of this.dependencies(index)) {
        const list = readers.get(i);
        if (list === undefined) readers.set(i, [index]);
        else list.push(index);
      }
    }
    return readers;
  }

  /** Memory for what is read from memory and has no place yet. */
  private placeRest(reachable: ReadonlySet<number>): void {
    const { nodes, homes, stores } = this;
    const readers = this.readers(reachable);
    for (const index of reachable) {
      const node = nodes[index];
      const { work } = node;
      if (homes[index] !== undefined || work.kind === 'view') continue;
      const time = this.timeOf(index);
      const own = readers.get(index) ?? [];
      const inRegisters = (reader: number): boolean => {
        const other = this.timeOf(reader);
        if (nodes[reader].work.kind !== 'map' && nodes[reader].work.kind !== 'total') return false;
        if (other.region !== time.region) return false;
        if (node.width === 1 && work.kind !== 'reduce' && work.kind !== 'walk') return nodes[reader].work.kind === 'map';
        return readsOf(nodes[reader]).every((access) => access.node !== index || (other.level === time.level && isAligned(nodes[reader], access, nodes)));
      };
      const isComputedInRegisters = work.kind === 'map' || work.kind === 'total';
      if (isComputedInRegisters && own.every(inRegisters)) continue;
      const stays = work.kind !== 'matmul' && own.every((r) => nodes[r].work.kind !== 'matmul' && this.timeOf(r).region === time.region);
      homes[index] = stays ? { base: { kind: 'scratch', index: this.scratch.push(node.width) - 1 }, rowBytes: 0, offset: 0 } : this.temporary(node.width);
      stores[index].push(homes[index] as Place);
    }
  }
}
