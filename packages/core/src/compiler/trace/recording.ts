/**
 * A step as it was called once on symbols: every primitive that it called, and how its results hang
 * in the autograd graph. It is data, so that it can be compared with another call, performed again
 * on real storages, and turned into programs.
 */
import type { Backend, Matrices, Operand, Storage } from '../../backend.js';
import type { DerivativeRule } from '../../grad-node.js';
import { mergeDims, type Shape } from '../../shape.js';
import type { Tensor } from '../../tensor.js';
import type { TreeForm } from '../../tree.js';

/** A storage that exists on paper only. `serial` counts the storages of a recording. */
export interface RecordedStorage extends Storage {
  readonly serial: number;
}

/** The primitives of which calls are recorded. */
type Primitive = 'fill' | 'unary' | 'binary' | 'select' | 'copy' | 'concat' | 'reduce' | 'matmul';

/** One call of a primitive, with its arguments as they came. */
export type Call = {
  readonly [P in Primitive]: {
    readonly primitive: P;
    readonly args: Readonly<Parameters<Backend[P]>>;
    readonly result: RecordedStorage;
  };
}[Primitive];

/** Inputs, states and captured tensors, by number, in this order. */
export type Ends = ReadonlySet<number>;

/**
 * Where a gradient goes: to a result of an earlier node, or to an end (an input, a state, a
 * captured tensor, in this order).
 */
export type RecordedEdge =
  | { readonly kind: 'node'; readonly node: number; readonly index: number }
  | { readonly kind: 'end'; readonly end: number };

/** A value of the step: its storage, its shape, and its place in the autograd graph. */
export interface RecordedValue {
  readonly storage: RecordedStorage;
  readonly shape: Shape;
  readonly edge: RecordedEdge | undefined;
}

/** A recorded operation: see `GradNode`. */
export interface RecordedNode {
  readonly name: string;
  readonly inputs: readonly (RecordedEdge | undefined)[];
  readonly resultCount: number;
  readonly rule: DerivativeRule<Tensor>;
  readonly saved: readonly RecordedValue[];
  /** Whether the rule is a user's, of which the recording cannot say what it does. */
  readonly isCustom: boolean;
}

export interface Recording {
  /** Rows of the batch in this call. */
  readonly rows: number;
  readonly inputs: readonly RecordedStorage[];
  readonly states: readonly RecordedStorage[];
  readonly captured: readonly RecordedStorage[];
  /** For each captured tensor, whether it has a row for each of the batch. */
  readonly perRow: readonly boolean[];
  readonly drawn: readonly RecordedStorage[];
  readonly calls: readonly Call[];
  /** In an order in which each comes after those that it refers to. */
  readonly nodes: readonly RecordedNode[];
  readonly outputs: readonly RecordedValue[];
  readonly next: readonly RecordedValue[];
  /** What the outputs came in. */
  readonly form: TreeForm;
  /**
   * For scans of some numbers of steps, what the outputs and the last states depend on: filled in
   * by `dependenceOf`, and shared by recordings that say the same.
   */
  dependences: Map<number, readonly Ends[]>;
}

/**
 * A recording in words: the same for two calls that did the same, whatever tensors they captured.
 *
 * @param recording - of a call with `recording.rows` rows
 * @param as - the number of rows to speak of: every size, offset and stride that is a multiple of
 *   the recording's rows is scaled to it. Two calls with different numbers of rows did the same if
 *   they say the same of one number
 */
export function describe(recording: Recording, as: number = recording.rows): string {
  const words = new Words(recording.rows, as);
  words.ends(recording.inputs);
  words.ends(recording.states);
  words.ends(recording.captured);
  words.ends(recording.drawn);
  for (let i = 0; i < recording.calls.length; i++) words.call(recording.calls[i]);
  for (let i = 0; i < recording.nodes.length; i++) words.node(recording.nodes[i]);
  words.values(recording.outputs);
  words.values(recording.next);
  return `${words.text}${recording.form.text}`;
}

/**
 * The text of a description. A step of a user's own is described at each call, so the text grows in
 * place: no lists are made to be joined.
 */
class Words {
  text = '';
  private readonly rows: number;
  private readonly as: number;

  constructor(rows: number, as: number) {
    this.rows = rows;
    this.as = as;
  }

  private scaled(n: number): number {
    return this.as === this.rows || n % this.rows !== 0 ? n : (n / this.rows) * this.as;
  }

  private sizes(list: readonly number[]): void {
    for (let i = 0; i < list.length; i++) this.text += `${this.scaled(list[i])},`;
  }

  ends(list: readonly RecordedStorage[]): void {
    for (let i = 0; i < list.length; i++)
      this.text += `${list[i].serial}:${this.scaled(list[i].size)}${list[i].dtype},`;
    this.text += '\n';
  }

  private edge(to: RecordedEdge | undefined): void {
    if (to === undefined) this.text += '-,';
    else this.text += to.kind === 'end' ? `e${to.end},` : `${to.node}.${to.index},`;
  }

  values(list: readonly RecordedValue[]): void {
    for (let i = 0; i < list.length; i++) {
      const { storage, shape, edge } = list[i];
      this.text += `${storage.serial}(`;
      this.sizes(shape);
      this.text += ')';
      this.edge(edge);
    }
    this.text += '\n';
  }

  node({ name, inputs, saved }: RecordedNode): void {
    this.text += `${name}(`;
    for (let i = 0; i < inputs.length; i++) this.edge(inputs[i]);
    this.text += ')';
    this.values(saved);
  }

  call(call: Call): void {
    const { primitive, args } = call;
    this.text += `${primitive} `;
    switch (primitive) {
      case 'fill':
        this.text += `${number(args[0])} ${this.scaled(args[1])}${args[2]}`;
        break;
      case 'binary':
        this.text += `${args[0]} `;
        this.walk(args[3], args[1], args[2]);
        break;
      case 'select':
        this.walk(args[3], args[0], args[1], args[2]);
        break;
      case 'copy':
        this.walk(args[1], args[0]);
        break;
      case 'unary':
        this.text += `${args[0]} ${serialOf(args[1])}`;
        break;
      case 'concat':
        for (const { storage, run } of args[0]) this.text += `${serialOf(storage)}*${this.scaled(run)} `;
        this.text += this.scaled(args[1]);
        break;
      case 'reduce':
        this.text += `${args[0]} ${serialOf(args[1])} `;
        this.text += `${this.scaled(args[2])},${this.scaled(args[3])},${this.scaled(args[4])}`;
        break;
      case 'matmul': {
        const { batch, m, k, n } = args[2];
        this.matrices(args[0]);
        this.matrices(args[1]);
        this.sizes(batch);
        this.text += `${this.scaled(m)},${this.scaled(k)},${this.scaled(n)}`;
      }
    }
    this.text += '\n';
  }

  private matrices({ storage, batchStrides, transposed }: Matrices): void {
    this.text += `${serialOf(storage)}${transposed ? 'T' : ''}[`;
    this.sizes(batchStrides);
    this.text += '] ';
  }

  /**
   * A walk over up to three operands. For another number of rows it may merge otherwise, so it is
   * simplified anew; where a single element is walked, its strides say nothing.
   */
  private walk(sizes: readonly number[], a: Operand, b?: Operand, c?: Operand): void {
    if (this.as === this.rows && (sizes.length !== 1 || sizes[0] !== 1)) {
      this.operand(a);
      if (b !== undefined) this.operand(b);
      if (c !== undefined) this.operand(c);
      this.sizes(sizes);
    } else {
      const scale = (n: number): number => this.scaled(n);
      const operands = [a, b, c].filter((x) => x !== undefined);
      const merged = mergeDims(
        sizes.map(scale),
        operands.flatMap((x) => (typeof x === 'object' ? [x.strides.map(scale)] : [])),
      );
      let next = 0;
      for (const x of operands) this.operand(x, typeof x === 'object' ? merged.strides[next++] : undefined);
      for (const size of merged.sizes) this.text += `${size},`;
    }
  }

  /** @param strides - scaled already */
  private operand(x: Operand, strides?: readonly number[]): void {
    if (typeof x === 'number') {
      this.text += `${number(x)} `;
      return;
    }
    const list = strides ?? x.strides;
    this.text += `${serialOf(x.storage)}+${this.scaled(x.offset)}[`;
    for (let i = 0; i < list.length; i++) this.text += `${list[i]},`;
    this.text += '] ';
  }
}

function serialOf(storage: Storage): number {
  return (storage as RecordedStorage).serial;
}

function number(value: number): string {
  return `(${Object.is(value, -0) ? '-0' : value})`;
}
