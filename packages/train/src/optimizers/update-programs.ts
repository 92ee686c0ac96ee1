import { compileFn, type Tensor } from '@rnn/core';
import type { Scalars } from './step-scalars.js';
import { choicesKey, choicesOf, type UpdateRule } from './update-rule.js';

/** A rule under certain choices: from parameter, gradient and state to parameter and state, all of as many elements. */
export type Update = (tensors: readonly Tensor[], scalars: Scalars) => readonly Tensor[];

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
      const plain = ([param, grad, ...kept]: readonly Tensor[], scalars: Scalars): readonly Tensor[] => {
        const state = Object.fromEntries(slots.map((slot, i) => [slot, kept[i]]));
        const [next, after] = this.rule.update(param, grad, state, scalars, choices);
        return [next, ...slots.map((slot) => after[slot] as Tensor)];
      };
      update = slots.length === 0 ? plain : inColumns(compileFn(plain));
      this.known.set(key, update);
    }
    return update;
  }
}

/** The elements as rows of one feature each, so that one program serves every shape. */
function inColumns(update: Update): Update {
  return (tensors, scalars) =>
    update(
      tensors.map((x) => x.reshape([x.size, 1])),
      scalars,
    );
}
