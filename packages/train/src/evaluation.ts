import { ArgumentError, noGrad, scope } from '@rnn/core';
import { refuse } from '@rnn/core/checks';
import { Module, TrainingModes } from '@rnn/nn';

/**
 * A model in evaluation mode, unrecorded, for the work that is run here: whoever takes turns with
 * it is not disturbed.
 */
export class Evaluation {
  private readonly modes: TrainingModes;

  constructor(model: Module) {
    this.modes = new TrainingModes(model);
    this.modes.run(() => model.eval());
  }

  /** Runs a function, and frees what it makes and neither returns nor keeps. */
  run<R>(fn: () => R): R {
    return this.bound(fn)();
  }

  /** The same as a function for a hot loop: its calls make no closures. */
  bound<R>(fn: () => R): () => R {
    const inModes = (): R => this.modes.run(fn);
    const inScope = (): R => scope(inModes);
    return () => noGrad(inScope);
  }
}

/** Refuses what is no module. */
export function checkModel(owner: string, model: unknown): void {
  if (!(model instanceof Module)) refuse(ArgumentError, owner, 'model', { value: model, expected: 'a Module' });
}
