import type { Backend } from '../../backend.js';

const KEPT_AT_MOST = 16;

/** Calls that were bound, those of each backend apart: it may go while what is bound stays. */
export class BoundCalls<T> {
  private readonly byBackend = new WeakMap<Backend, T[]>();

  /** In the order in which they were bound; `undefined` where there is none. */
  of(backend: Backend): readonly T[] | undefined {
    return this.byBackend.get(backend);
  }

  /** Keeps a call; the oldest one goes where there are many. */
  keep(backend: Backend, call: T): void {
    let calls = this.byBackend.get(backend);
    if (calls === undefined) this.byBackend.set(backend, (calls = []));
    if (calls.length >= KEPT_AT_MOST) calls.shift();
    calls.push(call);
  }
}
