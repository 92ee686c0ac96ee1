import type { Backend, Storage } from './backend.js';

/** Limits of the values of an int32 storage: what an index check needs to know without reading the device. */
export interface Bounds {
  readonly min: number;
  readonly max: number;
  /**
   * Whether both limits occur. A part of a tensor inherits the limits of the whole, which accept
   * what they accept, but prove nothing when an index is out of range: the part may lack it.
   */
  readonly isTight: boolean;
}

/** The limits that a part, or a choice, of values with these limits has. */
export function boundsOfPart(bounds: Bounds | undefined): Bounds | undefined {
  return bounds?.isTight ? { ...bounds, isTight: false } : bounds;
}

/** A storage and where it lies. */
interface Place {
  readonly backend: Backend;
  readonly storage: Storage;
}

/**
 * The last net under the memory: frees a storage whose holders were all collected without having let go. What a scope looks after cannot
 * be lost that way, and most tensors never leave one; so a storage comes under the net when a tensor on it escapes all scopes.
 */
const net = new FinalizationRegistry<Place>(({ backend, storage }) => backend.release(storage));

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
  private isWatched = false;

  constructor(backend: Backend, storage: Storage, bounds?: Bounds) {
    this.backend = backend;
    this.storage = storage;
    this.bounds = bounds;
  }

  /** Puts the storage under the net. */
  watch(): void {
    if (this.isWatched) return;
    this.isWatched = true;
    net.register(this, { backend: this.backend, storage: this.storage }, this);
  }

  retain(): this {
    this.holders++;
    return this;
  }

  release(): void {
    if (--this.holders > 0) return;
    if (this.isWatched) net.unregister(this);
    this.backend.release(this.storage);
  }
}
