/** Writes the run of a model down as calls over slots. */
import { reshape, sameShape, type Backend, type Shape, type Tensor } from '@rnn/core';
import type { BoundNode } from './bound-graph.js';
import { BoundRun, type Slots, type Work } from './bound-run.js';
import type { ElementType } from './element-types.js';
import { freeing } from './freeing.js';
import type { BoundKernel, Graph, Inputs, Kept, PlainKernel, Steps, Surroundings } from './plan.js';
import { Value } from './value.js';

/** Calls a node's kernel on the tensors of some slots and fills others. */
interface Draft {
  readonly call: (slots: Slots) => void;
  readonly reads: readonly number[];
  readonly writes: readonly number[];
}

/** A tensor in a slot, or a value that is the same in every run. */
type Operand = { readonly slot: number; readonly type: ElementType } | Value;

/** Writes a run down while it happens. */
export class RunRecorder {
  readonly #around: Surroundings;
  readonly #drafts: Draft[] = [];
  /** The shapes of the tensors in the slots. */
  readonly #shapes: Shape[] = [];
  /** Slots by the value whose elements they hold. */
  readonly #slots = new Map<Value, number>();
  readonly #inputs: number;
  #isWhole = true;

  /**
   * @param inputs - of the run
   * @param around - what its nodes use while they run
   */
  constructor(inputs: readonly Value[], around: Surroundings) {
    this.#around = around;
    this.#inputs = inputs.length;
    for (const value of inputs) {
      this.#slots.set(value, this.#shapes.length);
      this.#shapes.push(value.shape);
    }
  }

  /** Nothing can be written down for what may differ in another run. */
  giveUp(): void {
    this.#isWhole = false;
  }

  /**
   * Writes down a node that ran.
   *
   * @param bound - the node
   * @param kernel - what ran it
   * @param inputs - what it was given
   * @param outputs - what it made of them
   */
  add({ planned }: BoundNode, kernel: PlainKernel, inputs: Inputs, outputs: Inputs): void {
    const operands = inputs.map((value) => (value === undefined ? undefined : this.#operandOf(value)));
    const captured = planned.captured.map((name): [string, Operand] => [
      name,
      this.#operandOf(this.#around.lookUp(name)),
    ]);
    const around = captured.length === 0 ? this.#around : new Captures(this.#around, captured);
    const bind = kernel.bind?.(inputs, this.#around);
    const fresh = outputs.map((value, i) => this.#place(value, bind?.shapes[i]));
    if (!this.#isWhole) return;
    const call =
      bind === undefined
        ? generalCall(kernel, operands, fresh, around)
        : boundCall(bind, operands, fresh, around.backend);
    const reads = [...operands, ...captured.map(([, operand]) => operand)].flatMap((operand) =>
      operand === undefined || operand instanceof Value ? [] : [operand.slot],
    );
    this.#drafts.push({ call, reads, writes: fresh.filter((slot) => slot !== undefined) });
  }

  /** The run as it was written down; nothing where it may differ from the next one. */
  finish(outputs: readonly Value[]): BoundRun | undefined {
    const sources = outputs.map((value) => this.#operandOf(value));
    if (!this.#isWhole) return undefined;
    const { backend } = this.#around;
    const given = new Set<number>();
    const results = sources.map((source): ((slots: Slots) => Tensor) => {
      if (source instanceof Value) return () => source.on(backend).clone();
      const { slot } = source;
      if (slot < this.#inputs || given.has(slot)) return (slots) => (slots[slot] as Tensor).clone();
      given.add(slot);
      return (slots) => slots[slot] as Tensor;
    });
    return new BoundRun(
      this.#inputs,
      this.#withFrees(given),
      results,
      [...given],
      outputs.map(({ type }) => type),
      this.#shapes.length,
    );
  }

  /** Each call with the slots that it is the last to need. */
  #withFrees(results: ReadonlySet<number>): Work[] {
    const needed = new Set(results);
    const work: Work[] = [];
    for (let i = this.#drafts.length - 1; i >= 0; i--) {
      const { call, reads, writes } = this.#drafts[i];
      const frees: number[] = [];
      for (const slot of [...writes, ...reads]) {
        if (slot < this.#inputs || needed.has(slot)) continue;
        needed.add(slot);
        frees.push(slot);
      }
      work.push({ call, frees });
    }
    return work.reverse();
  }

  /** Where a run finds a value. */
  #operandOf(value: Value): Operand {
    if (value.isConstant || (value.isHost && value.isStatic)) return value;
    const { root } = value;
    const slot = this.#slots.get(root);
    if (slot !== undefined && sameShape(this.#shapes[slot], value.shape)) return { slot, type: value.type };
    if (slot === undefined && !root.isConstant) {
      this.giveUp();
      return value;
    }
    const known = this.#slots.get(value);
    if (known !== undefined) return { slot: known, type: value.type };
    // The elements in another shape: a tensor of its own over the same storage.
    const view = this.#shapes.push(value.shape) - 1;
    this.#slots.set(value, view);
    const { backend } = this.#around;
    const { shape, type } = value;
    const call =
      slot === undefined
        ? (slots: Slots): void => void (slots[view] = reshape(root.on(backend), shape))
        : (slots: Slots): void => void (slots[view] = reshape(slots[slot] as Tensor, shape));
    this.#drafts.push({ call, reads: slot === undefined ? [] : [slot], writes: [view] });
    return { slot: view, type };
  }

  /** A slot for what a node made; none for what it passes on, or did not make. */
  #place(value: Value | undefined, shape: Shape | undefined): number | undefined {
    if (value === undefined || value.isConstant) return undefined;
    const { root } = value;
    if (this.#slots.has(root) || root.isConstant) return undefined;
    const { made } = value;
    if (made === undefined || value.isHost) {
      this.giveUp();
      return undefined;
    }
    const slot = this.#shapes.push(shape ?? made.shape) - 1;
    this.#slots.set(root, slot);
    return slot;
  }
}

/** Calls a kernel as it is called in any run. */
function generalCall(
  kernel: PlainKernel,
  operands: readonly (Operand | undefined)[],
  fresh: readonly (number | undefined)[],
  around: Surroundings,
): (slots: Slots) => void {
  return (slots) => {
    const inputs = new Array<Value | undefined>(operands.length);
    for (let i = 0; i < inputs.length; i++) inputs[i] = valueIn(operands[i], slots);
    if (around instanceof Captures) around.slots = slots;
    const outputs = freeing(inputs, () => kernel.run(inputs, around));
    for (let i = 0; i < fresh.length; i++) {
      const slot = fresh[i];
      if (slot !== undefined) slots[slot] = outputs[i]?.made;
    }
  };
}

/** Calls what a kernel bound, on tensors. */
function boundCall(
  kernel: BoundKernel,
  operands: readonly (Operand | undefined)[],
  fresh: readonly (number | undefined)[],
  backend: Backend,
): (slots: Slots) => void {
  return (slots) => {
    const tensors = new Array<Tensor | undefined>(operands.length);
    for (let i = 0; i < tensors.length; i++) {
      const operand = operands[i];
      if (operand !== undefined) tensors[i] = operand instanceof Value ? operand.on(backend) : slots[operand.slot];
    }
    const made = kernel.run(tensors);
    for (let i = 0; i < made.length; i++) {
      const slot = fresh[i];
      if (slot === undefined) made[i].dispose();
      else slots[slot] = made[i];
    }
  };
}

function valueIn(operand: Operand | undefined, slots: Slots): Value | undefined {
  if (operand === undefined || operand instanceof Value) return operand;
  return Value.device(operand.type, slots[operand.slot] as Tensor);
}

/** The surroundings of a node whose graphs take names from around it: they are in slots. */
class Captures implements Surroundings {
  slots: Slots = [];
  readonly #around: Surroundings;
  readonly #names: ReadonlyMap<string, Operand>;

  constructor(around: Surroundings, names: readonly [string, Operand][]) {
    this.#around = around;
    this.#names = new Map(names);
  }

  get backend(): Backend {
    return this.#around.backend;
  }

  lookUp(name: string): Value {
    return valueIn(this.#names.get(name), this.slots) ?? this.#around.lookUp(name);
  }

  run(graph: Graph, inputs: readonly Value[]): Steps<readonly Value[]> {
    return this.#around.run(graph, inputs);
  }

  runOnce(graph: Graph, inputs: readonly Value[]): Steps<readonly Value[]> {
    return this.#around.runOnce(graph, inputs);
  }

  keep<T>(owner: object, sources: readonly (Tensor | undefined)[], make: () => Kept<T>): T {
    return this.#around.keep(owner, sources, make);
  }
}
