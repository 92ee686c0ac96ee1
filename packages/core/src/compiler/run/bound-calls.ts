import type { Backend } from '../../backend.js';

const KEPT_AT_MOST = 16;

/** Bound calls by what they belong to and by backend: both may go while the other stays. */
export class BoundCalls<T> {
  private readonly byOwner = new WeakMap<object, WeakMap<Backend, T[]>>();

  /** In the order in which they were bound; `undefined` where there is none. */
  of(owner: object, backend: Backend): readonly T[] | undefined {
    return this.byOwner.get(owner)?.get(backend);
  }

  /** Keeps a call; the oldest one goes where there are many. */
  keep(owner: object, backend: Backend, call: T): void {
    let byBackend = this.byOwner.get(owner);
    if (byBackend === undefined) this.byOwner.set(owner, (byBackend = new WeakMap()));
    let calls = byBackend.get(backend);
    if (calls === undefined) byBackend.set(backend, (calls = []));
    if (calls.length >= KEPT_AT_MOST) calls.shift();
    calls.push(call);
  }
}
