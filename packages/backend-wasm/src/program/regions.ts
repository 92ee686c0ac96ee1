/** The code of a region: for each row, one segment after another. */
import type { Program } from '@rnn/core';
import { F64, I32, V128, type Bytes, type FunctionCode } from '../emit/binary-format.js';
import { Elementwise } from '../emit/elementwise.js';
import { FunctionBuilder, type Local } from '../emit/function-builder.js';
import { control, f32, f32x4, f64, f64x2, i32, v128 } from '../emit/instructions.js';
import { LENGTHS, ROWS, TIME, type Frame } from './frame.js';
import type { Access, Argument, Node, Place } from './nodes.js';
import { readsOf } from './nodes.js';
import { segmentOf, type Schedule } from './schedule.js';

/** Segments of up to so many vectors are written out instead of looped over. */
const UNROLLED = 4;

/** What a region's code depends on. */
export interface RegionContext {
  readonly program: Program;
  readonly schedule: Schedule;
  readonly frame: Frame;
  readonly relaxed: boolean;
  readonly power: number;
}

/** Four lanes at an offset, or the first few of them. */
interface Lanes {
  readonly count: number;
  /** Bytes beyond the row's beginning: a counter and a constant. */
  readonly counter: Bytes | undefined;
  readonly offset: number;
}

/** Sums and extremes on the way of a segment. */
interface Accumulator {
  readonly node: number;
  readonly low: Local;
  readonly high: Local;
}

/** The function of a region, or nothing if all its work is done by products. */
export function regionCode(region: number, context: RegionContext): FunctionCode | undefined {
  const { schedule } = context;
  const members = schedule.nodes.flatMap((node, i) => {
    const { work } = node;
    const isRowWise = work.kind === 'map' || work.kind === 'total' || work.kind === 'walk' || work.kind === 'reduce';
    return isRowWise && schedule.times[i].region === region && schedule.times[i].level >= 0 ? [i] : [];
  });
  return members.length === 0 ? undefined : new Region(members, context).write();
}

class Region {
  private readonly members: readonly number[];
  private readonly context: RegionContext;
  private readonly fn = new FunctionBuilder([I32]);
  private readonly math: Elementwise;
  /** Addresses of the current row. */
  private readonly pointers = new Map<number, { readonly local: Local; readonly rowBytes: number }>();
  private readonly start: number[] = [];
  /** Values in registers: of the current four features, and numbers of the current row. */
  private lanes = new Map<number, Bytes>();
  private readonly rowNumbers = new Map<number, Bytes>();
  private readonly fixedNumbers = new Map<number, Bytes>();
  private addresses = new Map<number, Bytes>();

  constructor(members: readonly number[], context: RegionContext) {
    this.members = members;
    this.context = context;
    this.math = new Elementwise(this.fn, context.relaxed, context.power);
  }

  write(): FunctionCode {
    const { fn } = this;
    const frame = fn.parameter(0);
    const row = fn.local(I32);
    const rows = fn.local(I32);
    const flat = this.flatWidth();
    const size = fn.local(I32); // bytes of a row of a flat region
    const body = fn.block(() => {
      if (flat === undefined) this.writeSegments();
      else this.writeFlat(this.members, size.get);
    });
    const lengths = i32.load(frame, LENGTHS * 4);
    fn.emit(row.set(i32.const(0)), rows.set(i32.load(frame, ROWS * 4)));
    fn.emit(this.start);
    if (flat !== undefined) {
      // Where every row is computed, all rows are one long one.
      fn.emit(size.set(i32.const(flat * 4)));
      fn.emit(control.if(i32.eqz(lengths), [...size.set(i32.mul(size.get, rows.get)), ...rows.set(i32.const(1))]));
    }
    const isOver = i32.and(
      i32.ne(lengths, i32.const(0)),
      i32.if(i32.ne(lengths, i32.const(0)), i32.geS(i32.load(frame, TIME * 4), i32.load(i32.add(lengths, i32.mul(row.get, i32.const(4))))), i32.const(0)),
    );
    const advance = [...this.pointers.values()].flatMap(({ local, rowBytes }) =>
      rowBytes === 0 ? [] : local.set(i32.add(local.get, i32.const(rowBytes))),
    );
    fn.emit(
      control.loop(
        [...control.unless(isOver, body), ...advance, ...row.set(i32.add(row.get, i32.const(1)))],
        i32.ltS(row.get, rows.get),
      ),
    );
    return fn.finish();
  }

  // --- segments ---------------------------------------------------------------------------------------------------

  private writeSegments(): void {
    const { nodes, times } = this.context.schedule;
    const levels = new Map<number, Map<number | string, number[]>>();
    for (const i of this.members) {
      const level = levels.get(times[i].level) ?? new Map<number | string, number[]>();
      levels.set(times[i].level, level);
      const key = segmentOf(nodes[i], nodes) ?? `alone ${i}`;
      level.set(key, [...(level.get(key) ?? []), i]);
    }
    for (const level of [...levels.keys()].sort((a, b) => a - b)) {
      for (const [key, group] of levels.get(level) as Map<number | string, number[]>) {
        if (typeof key === 'string') this.writeAlone(group[0]);
        else if (key === 1) this.writeNumbers(group);
        else this.writeSegment(this.ordered(group), key);
      }
    }
  }

  /** A segment's nodes so that each comes after those that it reads. */
  private ordered(group: readonly number[]): number[] {
    const { nodes } = this.context.schedule;
    const result: number[] = [];
    const visit = (i: number): void => {
      if (result.includes(i) || !group.includes(i)) return;
      for (const { node } of readsOf(nodes[i])) visit(node);
      result.push(i);
    };
    group.forEach(visit);
    return result;
  }

  /** Values of one feature: all four lanes hold the same number. */
  private writeNumbers(group: readonly number[]): void {
    const { fn } = this;
    const { nodes, stores } = this.context.schedule;
    this.addresses = new Map();
    for (const i of this.ordered(group)) {
      const { work } = nodes[i];
      if (work.kind !== 'map') throw new TypeError('a number is made by an elementwise instruction');
      const value = fn.let(this.compute(work.operation, work.parameters.map((p) => this.numberOf(p))));
      this.rowNumbers.set(i, value);
      for (const place of stores[i]) fn.emit(v128.storeLane32(this.pointer(place), value, 0, place.offset));
    }
  }

  /** An operand of one feature, in all lanes. */
  private numberOf(argument: Argument): Bytes {
    const { fn } = this;
    if (typeof argument === 'number') return fn.number(argument);
    const known = this.rowNumbers.get(argument.node);
    if (known !== undefined && this.context.schedule.nodes[argument.node].width === 1) return known;
    const place = this.placeOf(argument);
    if (place.base.kind !== 'fixed') return fn.let(v128.splatFrom(this.pointer(place), place.offset));
    const word = this.context.frame.word('fixed', place.base.index) * 65_536 + place.offset;
    let fixed = this.fixedNumbers.get(word);
    if (fixed === undefined) {
      const local = fn.local(V128);
      const pointer = this.pointer(place);
      this.start.push(...local.set(v128.splatFrom(pointer, place.offset)));
      this.fixedNumbers.set(word, (fixed = local.get));
    }
    return fixed;
  }

  private writeSegment(group: readonly number[], width: number): void {
    const { fn } = this;
    const { nodes } = this.context.schedule;
    // What stands for all features is read once.
    const numbers = new Map<string, Bytes>();
    for (const i of group) {
      for (const access of readsOf(nodes[i])) {
        if (access.spread) numbers.set(`${access.node} ${access.offset}`, this.numberOf(access));
      }
    }
    const accumulators = group.flatMap((i) => (nodes[i].work.kind === 'total' ? [this.accumulator(i)] : []));
    const vectors = width >> 2;
    const pass = (lanes: Lanes): void => this.writeLanes(group, numbers, accumulators, lanes);
    if (vectors > UNROLLED) {
      fn.count(i32.const(vectors * 16), 16, (counter) => pass({ count: 4, counter, offset: 0 }));
    } else for (let i = 0; i < vectors; i++) pass({ count: 4, counter: undefined, offset: i * 16 });
    if (width % 4 > 0) pass({ count: width % 4, counter: undefined, offset: vectors * 16 });
    for (const accumulator of accumulators) this.finishTotal(accumulator);
  }

  private writeLanes(group: readonly number[], numbers: ReadonlyMap<string, Bytes>, accumulators: readonly Accumulator[], lanes: Lanes): void {
    const { fn } = this;
    const { nodes, stores } = this.context.schedule;
    this.lanes = new Map();
    this.addresses = new Map();
    const loaded = new Map<string, Bytes>();
    const read = (argument: Argument): Bytes => {
      if (typeof argument === 'number') return fn.number(argument);
      const key = `${argument.node} ${argument.offset}`;
      if (argument.spread) return numbers.get(key) as Bytes;
      const computed = argument.offset === 0 ? this.lanes.get(argument.node) : undefined;
      if (computed !== undefined) return computed;
      let value = loaded.get(key);
      if (value === undefined) {
        value = fn.let(this.loadLanes(this.placeOf(argument), lanes));
        loaded.set(key, value);
      }
      return value;
    };
    for (const i of group) {
      const { work } = nodes[i];
      if (work.kind === 'map') {
        const value = fn.let(this.compute(work.operation, work.parameters.map(read)));
        this.lanes.set(i, value);
        for (const place of stores[i]) this.storeLanes(place, value, lanes);
      } else if (work.kind === 'total') {
        this.accumulate(work.op, accumulators.find(({ node }) => node === i) as Accumulator, read(work.x), lanes.count);
      }
    }
  }

  private compute(operation: Extract<Node['work'], { kind: 'map' }>['operation'], parameters: readonly Bytes[]): Bytes {
    switch (operation.kind) {
      case 'unary':
        return this.math.unary(operation.op, parameters[0]);
      case 'binary':
        return this.math.binary(operation.op, parameters[0], parameters[1]);
      case 'select':
        return this.math.select(parameters[0], parameters[1], parameters[2]);
      case 'identity':
        return parameters[0];
    }
  }

  // --- sums and extremes --------------------------------------------------------------------------------------------

  private accumulator(node: number): Accumulator {
    const { fn } = this;
    const { work } = this.context.schedule.nodes[node];
    const op = work.kind === 'total' || work.kind === 'reduce' ? work.op : 'sum';
    const [low, high] = [fn.local(V128), fn.local(V128)];
    fn.emit(low.set(this.neutral(op)), high.set(this.neutral(op)));
    return { node, low, high };
  }

  private neutral(op: 'sum' | 'max' | 'min'): Bytes {
    return this.fn.number(op === 'sum' ? 0 : op === 'max' ? -Infinity : Infinity);
  }

  /** Sums are float64, two lanes each; what lies beyond the last feature counts for nothing. */
  private accumulate(op: 'sum' | 'max' | 'min', { low, high }: Accumulator, value: Bytes, count: number): void {
    const { fn } = this;
    if (op === 'sum') {
      const masked = count === 4 ? value : fn.let(v128.and(value, fn.lanes(...[0, 1, 2, 3].map((i) => (i < count ? -1 : 0)))));
      fn.emit(low.set(f64x2.add(low.get, f64x2.promoteLow(masked))));
      if (count > 2) fn.emit(high.set(f64x2.add(high.get, f64x2.promoteLow(v128.shuffle(masked, masked, 2, 3, 2, 3)))));
      return;
    }
    const filled = count === 4 ? value : fn.let(v128.shuffle(value, value, ...[0, 1, 2, 3].map((i) => Math.min(i, count - 1))));
    fn.emit(low.set(this.math.binary(op === 'max' ? 'maximum' : 'minimum', low.get, filled)));
  }

  private totalOf(op: 'sum' | 'max' | 'min', { low, high }: Accumulator): Bytes {
    const { fn } = this;
    if (op === 'sum') {
      const both = fn.let(f64x2.add(low.get, high.get));
      return f32x4.splat(f32.fromF64(f64.add(f64x2.lane(both, 0), f64x2.lane(both, 1))));
    }
    const merge = op === 'max' ? 'maximum' : 'minimum';
    const half = fn.let(this.math.binary(merge, low.get, fn.let(v128.shuffle(low.get, low.get, 2, 3, 0, 1))));
    return this.math.binary(merge, half, fn.let(v128.shuffle(half, half, 1, 0, 3, 2)));
  }

  private finishTotal(accumulator: Accumulator): void {
    const { fn } = this;
    const { nodes, stores } = this.context.schedule;
    const { work } = nodes[accumulator.node];
    if (work.kind !== 'total') throw new TypeError('expected a total');
    const value = fn.let(this.totalOf(work.op, accumulator));
    this.rowNumbers.set(accumulator.node, value);
    this.addresses = new Map();
    for (const place of stores[accumulator.node]) fn.emit(v128.storeLane32(this.pointer(place), value, 0, place.offset));
  }

  // --- instructions on their own ------------------------------------------------------------------------------------

  private writeAlone(index: number): void {
    const { nodes, stores, homes } = this.context.schedule;
    const { work, width } = nodes[index];
    const home = homes[index] as Place;
    this.addresses = new Map();
    if (work.kind === 'walk') this.writeWalk(work.x, work.sizes, work.strides, home);
    else if (work.kind === 'reduce') this.writeReduce(index, home);
    for (const place of stores[index]) if (place !== home) this.copyRow(home, place, width);
  }

  private copyRow(from: Place, to: Place, width: number): void {
    this.fn.emit(
      control.copy(i32.add(this.pointer(to), i32.const(to.offset)), i32.add(this.pointer(from), i32.const(from.offset)), i32.const(width * 4)),
    );
  }

  private writeWalk(x: Access, sizes: readonly number[], strides: readonly number[], home: Place): void {
    const { fn } = this;
    const place = this.placeOf(x);
    const to = fn.local(I32);
    fn.emit(to.set(i32.add(this.pointer(home), i32.const(home.offset))));
    const nest = (dim: number, from: Bytes): void => {
      const stride = strides[dim] * 4;
      if (dim < sizes.length - 1) {
        fn.count(i32.const(sizes[dim]), 1, (i) => nest(dim + 1, fn.let(i32.add(from, i32.mul(i, i32.const(stride))), I32)));
        return;
      }
      fn.count(i32.const(sizes[dim]), 1, (i) => {
        const element = i32.add(from, i32.mul(i, i32.const(stride)));
        fn.emit(f32.store(to.get, f32.load(element)), to.set(i32.add(to.get, i32.const(4))));
      });
    };
    nest(0, fn.let(i32.add(this.pointer(place), i32.const(place.offset)), I32));
  }

  private writeReduce(index: number, home: Place): void {
    const { fn } = this;
    const { work } = this.context.schedule.nodes[index];
    if (work.kind !== 'reduce') throw new TypeError('expected a reduction');
    const { op, x, outer, size, inner } = work;
    const place = this.placeOf(x);
    const first = fn.let(i32.add(this.pointer(place), i32.const(place.offset)), I32);
    const to = fn.local(I32);
    fn.emit(to.set(i32.add(this.pointer(home), i32.const(home.offset))));
    fn.count(i32.const(outer), 1, (o) => {
      const block = fn.let(i32.add(first, i32.mul(o, i32.const(size * inner * 4))), I32);
      fn.count(i32.const(inner), 1, (i) => {
        const from = fn.let(i32.add(block, i32.mul(i, i32.const(4))), I32);
        this.reduceColumn(op, from, size, inner * 4, to);
      });
    });
  }

  /** `size` elements, `step` bytes apart. */
  private reduceColumn(op: 'sum' | 'max' | 'min', from: Bytes, size: number, step: number, to: Local): void {
    const { fn } = this;
    if (op === 'sum') {
      const sum = fn.local(F64);
      fn.emit(sum.set(f64.const0));
      fn.count(i32.const(size), 1, (s) => {
        const element = f32.load(i32.add(from, i32.mul(s, i32.const(step))));
        fn.emit(sum.set(f64.add(sum.get, f64.promote(element))));
      });
      fn.emit(f32.store(to.get, f32.fromF64(sum.get)));
    } else {
      const best = fn.local(V128);
      fn.emit(best.set(this.neutral(op)));
      fn.count(i32.const(size), 1, (s) => {
        const element = fn.let(v128.splatFrom(i32.add(from, i32.mul(s, i32.const(step)))));
        fn.emit(best.set(this.math.binary(op === 'max' ? 'maximum' : 'minimum', best.get, element)));
      });
      fn.emit(v128.storeLane32(to.get, best.get, 0));
    }
    fn.emit(to.set(i32.add(to.get, i32.const(4))));
  }

  // --- memory -------------------------------------------------------------------------------------------------------

  private placeOf({ node, offset }: Access): Place {
    const home = this.context.schedule.homes[node];
    if (home === undefined) throw new TypeError(`node ${node} is read from memory but has no place there`);
    return { ...home, offset: home.offset + offset * 4 };
  }

  /** Where the current row begins at a base. */
  private pointer({ base, rowBytes }: Place): Bytes {
    const { fn } = this;
    const word = this.context.frame.word(base.kind, base.index);
    let known = this.pointers.get(word);
    if (known === undefined) {
      const local = fn.local(I32);
      this.start.push(...local.set(i32.load(fn.parameter(0), word * 4)));
      this.pointers.set(word, (known = { local, rowBytes }));
    }
    return known.local.get;
  }

  private addressOf(place: Place, { counter }: Lanes): Bytes {
    const pointer = this.pointer(place);
    if (counter === undefined) return pointer;
    const word = this.context.frame.word(place.base.kind, place.base.index);
    let known = this.addresses.get(word);
    if (known === undefined) this.addresses.set(word, (known = this.fn.let(i32.add(pointer, counter), I32)));
    return known;
  }

  private loadLanes(place: Place, lanes: Lanes): Bytes {
    const address = this.addressOf(place, lanes);
    const offset = place.offset + lanes.offset;
    if (lanes.count === 4) return v128.load(address, offset);
    if (lanes.count === 1) return v128.load32(address, offset);
    const two = v128.load64(address, offset);
    return lanes.count === 2 ? two : v128.loadLane32(address, two, 2, offset + 8);
  }

  private storeLanes(place: Place, value: Bytes, lanes: Lanes): void {
    const { fn } = this;
    const address = this.addressOf(place, lanes);
    const offset = place.offset + lanes.offset;
    if (lanes.count === 4) fn.emit(v128.store(address, value, offset));
    else if (lanes.count === 1) fn.emit(v128.storeLane32(address, value, 0, offset));
    else {
      fn.emit(v128.storeLane64(address, value, 0, offset));
      if (lanes.count === 3) fn.emit(v128.storeLane32(address, value, 2, offset + 8));
    }
  }

  // --- flat regions -------------------------------------------------------------------------------------------------

  /**
   * The width of a region in which nothing depends on where a row ends: one segment over dense values. It is walked as one row, which matters for
   * narrow values.
   */
  private flatWidth(): number | undefined {
    const { nodes, times, homes, stores } = this.context.schedule;
    const [{ width }] = this.members.map((i) => nodes[i]);
    const { level } = times[this.members[0]];
    const isDense = ({ rowBytes, offset }: Place): boolean => rowBytes === width * 4 && offset === 0;
    const isFlat = this.members.every((i) => {
      const { work } = nodes[i];
      if (work.kind !== 'map' || nodes[i].width !== width || times[i].level !== level || !stores[i].every(isDense)) return false;
      return work.parameters.every((p) => {
        if (typeof p === 'number') return true;
        const source = nodes[p.node];
        const home = homes[p.node];
        if (home?.base.kind === 'fixed') return source.width === 1;
        if (p.spread || p.offset !== 0 || source.width !== width) return false;
        return home === undefined ? this.members.includes(p.node) : isDense(home);
      });
    });
    return isFlat ? width : undefined;
  }

  private writeFlat(members: readonly number[], size: Bytes): void {
    const { fn } = this;
    const { nodes, homes } = this.context.schedule;
    const group = this.ordered(members);
    const numbers = new Map<string, Bytes>();
    for (const i of group) {
      for (const access of readsOf(nodes[i])) {
        if (homes[access.node]?.base.kind === 'fixed') numbers.set(`${access.node} ${access.offset}`, this.numberOf(access));
      }
    }
    const spreads = new Map(numbers);
    const whole = fn.let(i32.and(size, i32.const(-16)), I32);
    const counter = fn.local(I32);
    const pass = (count: number): Bytes =>
      fn.block(() => {
        this.flatLanes(group, spreads, { count, counter: counter.get, offset: 0 });
        fn.emit(counter.set(i32.add(counter.get, i32.const(count * 4))));
      });
    fn.emit(counter.set(i32.const(0)));
    fn.emit(control.if(whole, control.loop(pass(4), i32.ltS(counter.get, whole))));
    fn.emit(control.if(i32.ltS(counter.get, size), control.loop(pass(1), i32.ltS(counter.get, size))));
  }

  private flatLanes(group: readonly number[], numbers: ReadonlyMap<string, Bytes>, lanes: Lanes): void {
    const { fn } = this;
    const { nodes, stores } = this.context.schedule;
    this.addresses = new Map();
    const values = new Map<number, Bytes>();
    for (const i of group) {
      const { work } = nodes[i];
      if (work.kind !== 'map') throw new TypeError('a flat region is elementwise');
      const parameters = work.parameters.map((p) => {
        if (typeof p === 'number') return fn.number(p);
        const known = numbers.get(`${p.node} ${p.offset}`) ?? values.get(p.node);
        if (known !== undefined) return known;
        const value = fn.let(this.loadLanes(this.placeOf(p), lanes));
        values.set(p.node, value);
        return value;
      });
      const value = fn.let(this.compute(work.operation, parameters));
      values.set(i, value);
      for (const place of stores[i]) this.storeLanes(place, value, lanes);
    }
  }
}

