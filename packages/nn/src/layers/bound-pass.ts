/**
 * Passes of a sequence through a layer or a cell that were made before: what they depend on is
 * compared in one place, and one executable runs. For one scan over the sequence as it lies,
 * without lengths, mask, resets and records; where nothing is recorded for `backward`.
 */
import { type Backend, type BoundScan, Tensor } from '@rnn/core';
import { isObserving } from './scan-of.js';

/** A pass that was bound. */
export interface BoundPass {
  readonly scan: BoundScan;
  /** Whether the layer is as it was, so far as the scan does not see it. */
  readonly isAsBefore: () => boolean;
}

/** The last pass of each owner on each backend, which the owner may leave. */
export class BoundPasses<T extends BoundPass> {
  readonly #byOwner = new WeakMap<object, WeakMap<Backend, T>>();

  /** The pass for an input, if there is one that may serve; the input may be anything. */
  of(owner: object, input: unknown): T | undefined {
    if (!(input instanceof Tensor)) return undefined;
    const pass = this.#byOwner.get(owner)?.get(input.backend);
    return pass === undefined || isObserving() || !pass.isAsBefore() ? undefined : pass;
  }

  keep(owner: object, backend: Backend, pass: T): void {
    let byBackend = this.#byOwner.get(owner);
    if (byBackend === undefined) this.#byOwner.set(owner, (byBackend = new WeakMap()));
    byBackend.set(backend, pass);
  }
}
