/** Who frees what a kernel makes. */
import { scope, type Tensor } from '@rnn/core';
import type { Inputs } from './plan.js';
import { Value } from './value.js';

/**
 * Calls a kernel and frees what it made on the way.
 *
 * @param inputs - what it is given
 * @param run - calls it
 * @returns what it made, each with a tensor of its own in the scope around
 */
export function freeing(inputs: Inputs, run: () => readonly (Value | undefined)[]): readonly (Value | undefined)[] {
  let outputs: readonly (Value | undefined)[] = [];
  scope(() => {
    const kept: Tensor[] = [];
    outputs = run().map((value) => {
      const tensor = value?.made;
      if (value === undefined || tensor === undefined) return value;
      for (const input of inputs) {
        if (input === undefined) continue;
        if (value.isViewOf(input)) return value;
        // Each value has a tensor of its own, since each is freed by itself.
        if (input.made === tensor) {
          const copy = tensor.clone();
          kept.push(copy);
          return Value.device(value.type, copy);
        }
      }
      kept.push(tensor);
      value.ownBase();
      return value;
    });
    return kept;
  });
  return outputs;
}
