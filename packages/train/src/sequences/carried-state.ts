import { ArgumentError, detach, Tensor, type Tree } from '@rnn/core';
import { refuse } from '@rnn/core/checks';
import type { Module } from '@rnn/nn';
import { Evaluation } from '../evaluation.js';
import { keptTree } from '../tree.js';

/**
 * A model as a step: from an input and the state before (none at first) to an output and the state
 * after.
 */
export type SequenceStep<M, S extends Tree = Tree> = (
  model: M,
  x: Tensor,
  state: S | undefined,
) => readonly [output: Tensor, state: S];

/**
 * The step of a model whose `forward` takes and returns a state, as those of the recurrent layers
 * do.
 */
export function forwardStep<S extends Tree>(
  model: Module,
  x: Tensor,
  state: S | undefined,
): readonly [output: Tensor, state: S] {
  return (model as unknown as { forward(x: Tensor, state?: S): readonly [Tensor, S] }).forward(x, state);
}

/** Runs a step in evaluation mode, unrecorded. The caller frees what it gives. */
export class StepRunner<M extends Module, S extends Tree> {
  readonly model: M;
  private readonly evaluation: Evaluation;
  private readonly owner: string;
  private readonly step: SequenceStep<M, S>;

  constructor(owner: string, model: M, step: SequenceStep<M, S>) {
    this.owner = owner;
    this.model = model;
    this.step = step;
    this.evaluation = new Evaluation(model);
  }

  /** One step; `x` makes its input. */
  run(x: () => Tensor, state: S | undefined): [output: Tensor, state: S] {
    return this.evaluation.run((): [Tensor, S] => {
      const [output, next] = this.call(this.model, x(), state);
      return [detach(output).keep(), keptTree(next)];
    });
  }

  /** A function in evaluation mode, unrecorded, that frees what it makes and does not keep. */
  evaluated<R>(fn: () => R): () => R {
    return this.evaluation.bound(fn);
  }

  /** The step itself, with a check of what it gives. */
  call(model: M, x: Tensor, state: S | undefined): readonly [output: Tensor, state: S] {
    const result: unknown = this.step(model, x, state);
    if (!Array.isArray(result) || result.length !== 2 || !(result[0] instanceof Tensor)) {
      const expected = '[output, state], as the forward of a model that carries its state gives it';
      refuse(ArgumentError, this.owner, 'step', { part: 'the result', value: result, expected });
    }
    return result as [Tensor, S];
  }
}
