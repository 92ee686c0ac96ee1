import type { Backend, Storage } from './backend.js';

/** Smallest and largest value of an int32 storage: what an index check needs to know without reading the device. */
export interface Bounds {
  readonly min: number;
  readonly max: number;
}

/**
 * A storage and how many hold it. Tensors that share elements (a reshape, a detached copy, what the graph saved for a derivative)
 * hold the same `SharedStorage`; the last one to let go releases it. The JavaScript collector cannot do that for memory that it
 * does not see.
 */
export class SharedStorage {
  readonly backend: Backend;
  readonly storage: Storage;
  bounds: Bounds | undefined;
  private holders = 1;

  constructor(backend: Backend, storage: Storage, bounds?: Bounds) {
    this.backend = backend;
    this.storage = storage;
    this.bounds = bounds;
  }

  get released(): boolean {
    return this.holders === 0;
  }

  /** Whether nobody else holds it, so that its owner may write into it. */
  get unique(): boolean {
    return this.holders === 1;
  }

  retain(): this {
    this.holders++;
    return this;
  }

  release(): void {
    if (--this.holders === 0) this.backend.release(this.storage);
  }
}
