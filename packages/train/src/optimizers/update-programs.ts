import { compileFn, type CompiledFunction, type Tensor } from '@rnn/core';
import type { Scalars } from './step-scalars.js';
import { choicesKey, choicesOf, type UpdateRule } from './update-rule.js';

/**
 * A rule under certain choices as one operation: from parameter, gradient and state to parameter
 * and state.
 */
export type Update = CompiledFunction<readonly Tensor[], readonly Tensor[], Scalars>;

/** A rule's updates, each made once. */
export class UpdatePrograms<O extends object> {
  private readonly rule: UpdateRule<O>;
  /** By what the choice of operations depends on. */
  private readonly known = new Map<string, Update>();

  constructor(rule: UpdateRule<O>) {
    this.rule = rule;
  }

  /** The update under a group's options, on state in the order of the slots. */
  for(options: Readonly<O>, slots: readonly string[]): Update {
    const key = slots.join(' ') + choicesKey(options);
    let update = this.known.get(key);
    if (update === undefined) {
      const choices = choicesOf<O>(options);
      update = compileFn(
        ([param, grad, ...kept]: readonly Tensor[], scalars: Scalars): readonly Tensor[] => {
          const state = Object.fromEntries(slots.map((slot, i) => [slot, kept[i]]));
          const [next, after] = this.rule.update(param, grad, state, scalars, choices);
          return [next, ...slots.map((slot) => after[slot] as Tensor)];
        },
        { elementwise: true, anyRows: true },
      );
      this.known.set(key, update);
    }
    return update;
  }
}
