import { compileFn, type CompiledFunction, type Tensor } from '@rnn/core';
import type { Scalars } from './step-scalars.js';
import { choicesOf, leaveChoices, type Choices, type UpdateRule } from './update-rule.js';

/**
 * A rule under certain choices as one operation: from parameter, gradient and state to parameter
 * and state.
 */
export type Update = CompiledFunction<readonly Tensor[], readonly Tensor[], Scalars>;

/** An update, and what the choice of operations depends on. */
interface Known<O> {
  readonly slots: readonly string[];
  readonly choices: Choices<O>;
  readonly update: Update;
}

/** A rule's updates, each made once. */
export class UpdatePrograms<O extends object> {
  private readonly rule: UpdateRule<O>;
  private readonly known: Known<O>[] = [];

  constructor(rule: UpdateRule<O>) {
    this.rule = rule;
  }

  /** The update under a group's options, on state in the order of the slots. */
  for(options: Readonly<O>, slots: readonly string[]): Update {
    for (const { slots: names, choices, update } of this.known)
      if (
        names.length === slots.length &&
        names.every((name, i) => name === slots[i]) &&
        leaveChoices(options, choices)
      )
        return update;
    const choices = choicesOf<O>(options);
    const update = compileFn(
      ([param, grad, ...kept]: readonly Tensor[], scalars: Scalars): readonly Tensor[] => {
        const state = Object.fromEntries(slots.map((slot, i) => [slot, kept[i]]));
        const [next, after] = this.rule.update(param, grad, state, scalars, choices);
        return [next, ...slots.map((slot) => after[slot] as Tensor)];
      },
      { elementwise: true, anyRows: true },
    );
    this.known.push({ slots, choices, update });
    return update;
  }
}
