import { full, type Tensor } from '@rnn/core';
import type { Progress, UpdateRule } from './update-rule.js';

/** The numbers of a step, a tensor each. */
export type Scalars = Readonly<Record<string, Tensor>>;

/**
 * The numbers of one step of a group as tensors: operands, so that the update is the same program
 * at every step. Parameters that are equally far share them. To be used in a scope, which frees
 * them.
 */
export class StepScalars<O> {
  private readonly rule: UpdateRule<O>;
  private readonly options: O;
  /** Those of the parameter before, which most parameters have too. */
  private last:
    | { readonly of: Progress; readonly backend: object; readonly dtype: string; scalars: Scalars }
    | undefined;

  constructor(rule: UpdateRule<O>, options: O) {
    this.rule = rule;
    this.options = options;
  }

  /** The numbers for a parameter, `[1]` each, on its backend and of its type. */
  of({ backend, dtype }: Tensor, progress: Progress): Scalars {
    const { last } = this;
    if (
      last?.of.step === progress.step &&
      last.of.fresh === progress.fresh &&
      last.backend === backend &&
      last.dtype === dtype
    )
      return last.scalars;
    const numbers = Object.entries(this.rule.scalars(this.options, progress)) as [string, number][];
    const scalars = Object.fromEntries(numbers.map(([name, x]) => [name, full([1], x, { backend, dtype })]));
    this.last = { of: progress, backend, dtype, scalars };
    return scalars;
  }
}
