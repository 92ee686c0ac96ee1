/**
 * A run bound to the shapes of its inputs: a list of calls over slots. It is written down while the
 * model runs, once nothing in it can differ from run to run but the numbers of tensors, and what
 * follows it has no names, no shapes to work out and no holders to count.
 */
import type { Tensor } from '@rnn/core';
import type { ElementType } from './element-types.js';
import { Value } from './value.js';

/** The tensors of a run; a slot is empty before its tensor is made and after its last use. */
export type Slots = (Tensor | undefined)[];

/** One call, and the slots that nothing reads after it. */
export interface Work {
  readonly call: (slots: Slots) => void;
  readonly frees: readonly number[];
}

export class BoundRun {
  readonly #inputs: number;
  readonly #work: readonly Work[];
  readonly #results: readonly ((slots: Slots) => Tensor)[];
  readonly #given: readonly number[];
  readonly #types: readonly ElementType[];
  readonly #size: number;

  /**
   * @param inputs - how many there are; they are in the first slots
   * @param work - calls in their order
   * @param results - each takes a result from the slots
   * @param given - slots whose tensors are results
   * @param types - of the results
   * @param size - how many slots there are
   */
  constructor(
    inputs: number,
    work: readonly Work[],
    results: readonly ((slots: Slots) => Tensor)[],
    given: readonly number[],
    types: readonly ElementType[],
    size: number,
  ) {
    this.#inputs = inputs;
    this.#work = work;
    this.#results = results;
    this.#given = given;
    this.#types = types;
    this.#size = size;
  }

  /**
   * @param inputs - a tensor for each input, `undefined` for one whose numbers stay on the host
   * @returns the results, which belong to the caller
   */
  run(inputs: readonly (Tensor | undefined)[]): Tensor[] {
    const slots: Slots = new Array<Tensor | undefined>(this.#size);
    for (let i = 0; i < inputs.length; i++) slots[i] = inputs[i];
    try {
      for (const { call, frees } of this.#work) {
        call(slots);
        for (const slot of frees) free(slots, slot);
      }
      const results = new Array<Tensor>(this.#results.length);
      for (let i = 0; i < results.length; i++) results[i] = this.#results[i](slots);
      for (const slot of this.#given) slots[slot] = undefined;
      return results;
    } finally {
      // Results have left their slots; what is still there ends here, after an error too.
      for (let slot = this.#inputs; slot < slots.length; slot++) free(slots, slot);
    }
  }

  /** The same for values: inputs that the run owns end with it, and it owns its results. */
  values(inputs: readonly Value[]): Value[] {
    try {
      return this.run(inputs.map((value) => (value.isHost ? undefined : value.tensor))).map((tensor, i) => {
        const value = Value.device(this.#types[i], tensor);
        value.own();
        return value;
      });
    } finally {
      for (const value of inputs) if (value.isOwned) value.tensor?.dispose();
    }
  }
}

function free(slots: Slots, slot: number): void {
  slots[slot]?.dispose();
  slots[slot] = undefined;
}
