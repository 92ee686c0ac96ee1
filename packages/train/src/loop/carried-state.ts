import { moveTo, type Backend, type Tree } from '@rnn/core';
import { disposeTree, keptTree, leavesOf } from '../tree.js';

/**
 * The state that truncated backpropagation carries from piece to piece: detached, and as it was
 * before a step that is taken back.
 */
export class CarriedState<S extends Tree> {
  /** Before the step under way. */
  private before: S | undefined;
  private now: S | undefined;

  get current(): S | undefined {
    return this.now;
  }

  /** Takes over the state after a piece. */
  next(state: S): void {
    this.replace(keptTree(state));
  }

  /** Takes over a state that an earlier run kept, whose tensors belong to this from now on. */
  resume(state: S | undefined): void {
    if (state !== undefined) for (const tensor of leavesOf(state)) tensor.keep();
    this.replace(state);
    this.commit();
  }

  /** The step is done. */
  commit(): void {
    if (this.before !== this.now) disposeTree(this.before);
    this.before = this.now;
  }

  /** The step is left out: the next one begins where it did. */
  rollback(): void {
    this.replace(this.before);
  }

  /** Brings the state to where the model is. */
  async follow(backend: Backend): Promise<void> {
    if (this.now === undefined) return;
    const strays = leavesOf(this.now).filter((tensor) => tensor.backend !== backend);
    if (strays.length > 0) await moveTo(strays, backend);
  }

  dispose(): void {
    this.replace(undefined);
    this.commit();
  }

  private replace(state: S | undefined): void {
    if (this.now !== this.before) disposeTree(this.now);
    this.now = state;
  }
}
