/** What `training` of each module is set to, unless a `TrainingModes` is in force. */
const ownModes = new WeakMap<object, boolean>();

/** The innermost `TrainingModes` in force. */
let current: Map<object, boolean> | undefined;

/**
 * The property `training` of a module. It is an own property of each module, since a trace of a step is compared by own properties: one that
 * was made in training mode must not serve in evaluation mode.
 */
export const trainingProperty: PropertyDescriptor & ThisType<object> = {
  enumerable: true,
  get(): boolean {
    return current?.get(this) ?? ownModes.get(this) ?? true;
  },
  set(training: boolean) {
    if (current === undefined) ownModes.set(this, training);
    else current.set(this, training);
  },
};

/**
 * Training modes that hold for one task only. While `run` runs a function, `train()`, `eval()` and `module.training = ...` write here
 * instead of into the modules, and `module.training` is read from here first. So two tasks that take turns on one model, such as a training
 * and an evaluation beside it, do not see each other's modes.
 *
 * @example
 * ```ts
 * const model = new Dropout(0.5);
 * const modes = new TrainingModes();
 * modes.run(() => model.eval());
 * modes.run(() => model.training);   // false
 * model.training;                    // true
 * ```
 * Differs from PyTorch: has no counterpart there.
 */
export class TrainingModes {
  private readonly modes = new Map<object, boolean>();

  /**
   * Runs a function under these modes.
   *
   * @param fn - any function; of an asynchronous one, the part up to its first `await`
   * @returns what `fn` returned
   */
  run<R>(fn: () => R): R {
    const outer = current;
    current = this.modes;
    try {
      return fn();
    } finally {
      current = outer;
    }
  }
}
