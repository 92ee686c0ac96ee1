/** Gives every value of a flow a place in memory, and writes down the instructions that make it. */
import { operandsOf, type FlowScan, type FlowValue } from './flow.js';
import { PlanMemory } from './plan-memory.js';
import { binaryOps, Op, unaryOps, type Plan, type PlanStream } from './plan.js';

/** What a model gives. */
export interface FlowOutput {
  readonly name: string;
  readonly value: FlowValue;
  readonly shape: readonly number[];
}

/** What a model takes. */
export interface FlowInput {
  readonly value: FlowValue;
  readonly shape: readonly number[];
  readonly isToken: boolean;
}

/** A plan and the numbers that it loads, in its order. */
export interface Planned {
  readonly plan: Plan;
  readonly numbers: readonly ArrayLike<number>[];
}

/** Makes a plan of a flow. */
export function planFlow(input: FlowInput, outputs: readonly FlowOutput[]): Planned {
  return new Planner(input, outputs).planned();
}

/** What one pass does, as it is written down. */
interface Sections {
  readonly reverse: boolean;
  readonly before: number[];
  readonly step: number[];
  readonly after: number[];
  readonly loads: PlanStream[];
  readonly saves: PlanStream[];
  readonly ends: (PlanStream & { readonly isLast: boolean })[];
}

class Planner {
  readonly #input: FlowInput;
  readonly #outputs: readonly FlowOutput[];
  readonly #values: readonly FlowValue[];
  readonly #scans: readonly FlowScan[];
  readonly #passes = new Map<number, number>();
  readonly #sections: Sections[];
  readonly #places = new Map<FlowValue, number>();
  readonly #stateAt = new Map<FlowScan, readonly number[]>();
  readonly #streams = new Map<FlowValue, number>();
  readonly #loaded = new Set<string>();
  readonly #memory = new PlanMemory();
  readonly #sequences: number[] = [];

  constructor(input: FlowInput, outputs: readonly FlowOutput[]) {
    this.#input = input;
    this.#outputs = outputs;
    [this.#values, this.#scans] = needed(outputs.map(({ value }) => value));
    const moving = this.#values.filter(({ domain, op }) => domain !== 'constant' && op.kind !== 'input');
    const used = [...new Set(moving.map(({ pass }) => pass))].sort((a, b) => a - b);
    this.#sections = (used.length === 0 ? [0] : used).map((pass, i) => {
      this.#passes.set(pass, i);
      return { reverse: pass % 2 === 1, before: [], step: [], after: [], loads: [], saves: [], ends: [] };
    });
  }

  planned(): Planned {
    const { value: x, shape, isToken } = this.#input;
    this.#places.set(x, this.#memory.room(x.width));
    const states = this.#scans.flatMap((scan) => this.#planStates(scan));
    const saved = this.#savedStates();
    for (const value of this.#values) this.#emit(value, saved);
    for (const scan of this.#scans) {
      this.#begin(scan);
      const { step } = this.#passOf(scan.pass);
      const at = this.#stateAt.get(scan) as readonly number[];
      scan.next.forEach((next, i) => this.#move(step, at[i], next));
    }
    const outputs = this.#outputs.map(({ name, value, shape: own }) => ({
      name,
      at: this.#at(value),
      width: value.width,
      shape: own,
      pass: this.#passes.get(value.pass) ?? 0,
      isLast: value.domain === 'once',
    }));
    const tape: number[] = [];
    const range = (words: readonly number[]): [number, number] => {
      const from = tape.length;
      for (const word of words) tape.push(word);
      return [from, tape.length];
    };
    const passes = this.#sections.map(({ before, step, after, ...rest }) => ({
      ...rest,
      before: range(before),
      step: range(step),
      after: range(after),
    }));
    const tapeAt = this.#memory.room(tape.length);
    const plan: Plan = {
      bytes: this.#memory.bytes,
      tape,
      tapeAt,
      isHalf: false,
      constants: this.#memory.constants,
      indices: this.#memory.indices,
      input: { at: this.#at(x), width: x.width, shape, tokens: isToken ? this.#tokens() : 0 },
      states,
      outputs,
      passes,
      sequences: this.#sequences,
    };
    return { plan, numbers: this.#memory.numbers };
  }

  /** Rows of the smallest table that the input picks from. */
  #tokens(): number {
    const tables = this.#values.flatMap(({ op }) =>
      op.kind === 'gather' && rootOf(op.index) === this.#input.value ? [op.rows] : [],
    );
    return tables.length === 0 ? 2 ** 24 : Math.min(...tables);
  }

  // --- memory
  // -----------------------------------------------------------------------------------------------
  #at(value: FlowValue): number {
    const known = this.#places.get(value);
    if (known !== undefined) return known;
    const at = this.#placed(value);
    this.#places.set(value, at);
    return at;
  }

  #placed({ op, width }: FlowValue): number {
    switch (op.kind) {
      case 'constant':
        return this.#memory.constant(op.numbers);
      case 'range':
        return this.#at(op.x) + op.from * 4;
      case 'state':
      case 'final':
        return (this.#stateAt.get(op.scan) as readonly number[])[op.index];
      default:
        return this.#memory.room(width);
    }
  }

  // --- passes
  // -----------------------------------------------------------------------------------------------
  #passOf(pass: number): Sections {
    return this.#sections[this.#passes.get(pass) ?? 0];
  }

  /** Places of a scan's state; a state that begins with constants is the caller's. */
  #planStates(scan: FlowScan): Plan['states'] {
    const places = scan.initial.map(({ width }) => this.#memory.room(width));
    this.#stateAt.set(scan, places);
    return scan.initial.flatMap(({ op, width }, i) => {
      if (op.kind !== 'constant') return [];
      const numbers = Array.from(op.numbers, Math.fround);
      const initial = numbers.every((number) => number === numbers[0]) ? numbers[0] : numbers;
      return [{ name: scan.names[i], at: places[i], width, shape: [width], initial }];
    });
  }

  /** States before a step that are still read when the state after it has taken their place. */
  #savedStates(): ReadonlySet<FlowValue> {
    const late = this.#outputs.map(({ value }) => value);
    for (const scan of this.#scans) late.push(...scan.next.filter((next, i) => !isStateOf(next, scan, i)));
    for (const value of this.#values) {
      for (const operand of operandsOf(value.op))
        if (operand.domain === 'row' && (value.domain === 'once' || operand.pass !== value.pass)) late.push(operand);
    }
    return new Set(late.filter((value) => value.domain === 'row' && rootOf(value).op.kind === 'state'));
  }

  /** Where a sequence of a value of all steps is kept. */
  #stream(value: FlowValue): PlanStream {
    const at = this.#at(value);
    let sequence = this.#streams.get(value);
    if (sequence === undefined) {
      sequence = this.#sequences.push(value.width) - 1;
      this.#streams.set(value, sequence);
      this.#passOf(value.pass).saves.push({ sequence, at });
    }
    return { sequence, at };
  }

  // --- instructions
  // ---------------------------------------------------------------------------------------------
  #move(code: number[], to: number, value: FlowValue): void {
    const from = this.#at(value);
    if (from !== to) code.push(Op.move, to, from, value.width);
  }

  #emit(value: FlowValue, saved: ReadonlySet<FlowValue>): void {
    const { op, domain, width } = value;
    if (domain === 'constant') return;
    const section = this.#passOf(value.pass);
    const code = domain === 'row' ? section.step : section.after;
    if (domain === 'row') {
      for (const operand of operandsOf(op)) {
        const isEarlier =
          operand.domain === 'row' && operand.pass !== value.pass && rootOf(operand).op.kind !== 'input';
        const key = `${operand.id} ${value.pass}`;
        if (!isEarlier || this.#loaded.has(key)) continue;
        this.#loaded.add(key);
        section.loads.push(this.#stream(operand));
      }
    }
    if (saved.has(value)) {
      const from = this.#placed(value);
      const to = this.#memory.room(width);
      code.push(Op.move, to, from, width);
      this.#places.set(value, to);
      return;
    }
    const y = this.#at(value);
    const scalar = (operand: FlowValue, bit: number): number => (operand.width === 1 && width > 1 ? bit : 0);
    switch (op.kind) {
      case 'end':
        if (op.isLast && !section.reverse) this.#move(section.after, y, op.x);
        else section.ends.push({ ...this.#stream(op.x), at: y, isLast: op.isLast });
        return;
      case 'unary':
        code.push(Op.unary + unaryOps.indexOf(op.op), y, this.#at(op.x), width);
        return;
      case 'binary': {
        const scalars = scalar(op.a, 1) + scalar(op.b, 2);
        code.push(Op.binary + binaryOps.indexOf(op.op), y, this.#at(op.a), this.#at(op.b), width, scalars);
        return;
      }
      case 'select': {
        const scalars = scalar(op.condition, 1) + scalar(op.a, 2) + scalar(op.b, 4);
        code.push(Op.select, y, this.#at(op.condition), this.#at(op.a), this.#at(op.b), width, scalars);
        return;
      }
      case 'pick':
        code.push(Op.pick, y, this.#at(op.x), this.#memory.indexList(op.indices), width);
        return;
      case 'concat': {
        let to = y;
        for (const part of op.parts) {
          this.#move(code, to, part);
          to += part.width * 4;
        }
        return;
      }
      case 'reduce':
        code.push(Op[op.op], y, this.#at(op.x), op.outer, op.size, op.inner);
        return;
      case 'matmul': {
        const { k, n } = op.weight;
        const init = op.init === undefined ? 0 : this.#at(op.init);
        code.push(Op.matmul, y, this.#at(op.x), this.#memory.matrix(op.weight), init, k, Math.ceil(n / 4) * 4);
        return;
      }
      case 'gather':
        code.push(Op.gather, y, this.#at(op.table), this.#at(op.index), width, op.rows);
        return;
      default: // What lies where something else is: nothing is to be done.
    }
  }

  /** Where a state begins with what an earlier pass made. */
  #begin(scan: FlowScan): void {
    const { before } = this.#passOf(scan.pass);
    const at = this.#stateAt.get(scan) as readonly number[];
    scan.initial.forEach((initial, i) => {
      if (initial.domain !== 'constant') this.#move(before, at[i], initial);
    });
  }
}

/** The value whose memory a value lies in. */
function rootOf(value: FlowValue): FlowValue {
  let root = value;
  while (root.op.kind === 'range') root = root.op.x;
  return root;
}

function isStateOf({ op }: FlowValue, scan: FlowScan, index: number): boolean {
  return op.kind === 'state' && op.scan === scan && op.index === index;
}

/** Everything that results need, in the order in which it was made. */
function needed(results: readonly FlowValue[]): [values: FlowValue[], scans: FlowScan[]] {
  const values = new Set<FlowValue>();
  const scans = new Set<FlowScan>();
  const open = [...results];
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    if (values.has(value)) continue;
    values.add(value);
    open.push(...operandsOf(value.op));
    const { op } = value;
    if (op.kind !== 'state' && op.kind !== 'final') continue;
    if (scans.has(op.scan)) continue;
    scans.add(op.scan);
    open.push(...op.scan.next, ...op.scan.initial);
  }
  return [[...values].sort((a, b) => a.id - b.id), [...scans].sort((a, b) => a.order - b.order)];
}
