/**
 * Passes of a sequence through a layer or a cell that were made before: what they depend on is
 * compared in one place, and one executable runs. For one scan over the sequence as it lies,
 * without lengths, mask, resets and records; also where it is recorded for `backward`.
 */
import { type Backend, type BoundScan, Tensor } from '@rnn/core';
import { isObserving } from './scan-of.js';

/** A pass that was bound. */
export interface BoundPass {
  readonly scan: BoundScan;
  /** Whether the layer is as it was, so far as the scan does not see it. */
  readonly isAsBefore: () => boolean;
}

/** So many passes are kept: what alternates is training and evaluation, and a few shapes. */
const KEPT_AT_MOST = 4;

/** The passes of each owner on each backend, which the owner may leave. */
export class BoundPasses<T extends BoundPass> {
  readonly #byOwner = new WeakMap<object, WeakMap<Backend, T[]>>();

  /**
   * The pass that serves for an input, which may be anything, and a state.
   *
   * @param state - as `BoundScan` takes it; left out, it is not compared
   */
  of(owner: object, input: unknown, state?: readonly Tensor[]): T | undefined {
    if (!(input instanceof Tensor)) return undefined;
    const kept = this.#byOwner.get(owner)?.get(input.backend);
    if (kept === undefined || isObserving()) return undefined;
    for (let i = 0; i < kept.length; i++) {
      const pass = kept[i];
      if (pass.isAsBefore() && pass.scan.serves(input, state)) return pass;
    }
    return undefined;
  }

  /** Keeps a pass; the one that was bound first goes where there are many. */
  keep(owner: object, backend: Backend, pass: T): void {
    let byBackend = this.#byOwner.get(owner);
    if (byBackend === undefined) this.#byOwner.set(owner, (byBackend = new WeakMap()));
    const kept = byBackend.get(backend);
    if (kept === undefined) byBackend.set(backend, [pass]);
    else {
      if (kept.length >= KEPT_AT_MOST) kept.shift();
      kept.push(pass);
    }
  }
}
