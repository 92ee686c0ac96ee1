import type { Module } from './module.js';

/**
 * The modes of a model's modules for one task only. While `run` runs a function, the modules have
 * the modes of this task, and what `train()`, `eval()` or `module.training = ...` set belongs to
 * it; before and after, they have their own. So two tasks that take turns on one model, such as a
 * training and an evaluation beside it, do not see each other's modes.
 *
 * @example
 * ```ts
 * const model = new Dropout(0.5);
 * const modes = new TrainingModes(model);
 * modes.run(() => model.eval());
 * modes.run(() => model.training);   // false
 * model.training;                    // true
 * ```
 * @param model - the module; this task's modes are those that it and all below it have now
 *
 * Differs from PyTorch: has no counterpart there.
 */
export class TrainingModes {
  private readonly modules: readonly Module[];
  /** While this task runs, what the modules had before; else this task's modes. */
  private readonly others: boolean[];
  private running = false;

  constructor(model: Module) {
    this.modules = model.modules();
    this.others = this.modules.map(({ training }) => training);
  }

  /**
   * Runs a function under the modes of this task.
   *
   * @param fn - any function; of an asynchronous one, the part up to its first `await`
   * @returns what `fn` returned
   */
  run<R>(fn: () => R): R {
    if (this.running) return fn();
    this.running = true;
    this.swap();
    try {
      return fn();
    } finally {
      this.swap();
      this.running = false;
    }
  }

  /** A step of a training enters and leaves, so this allocates nothing. */
  private swap(): void {
    const { modules, others } = this;
    for (let i = 0; i < modules.length; i++) {
      const { training } = modules[i];
      modules[i].training = others[i];
      others[i] = training;
    }
  }
}
