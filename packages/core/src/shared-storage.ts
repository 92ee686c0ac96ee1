import type { Backend, Storage } from './backend.js';

/**
 * Limits of the values of an int32 storage: what an index check needs to know without reading the
 * device.
 */
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
 * Backstop: frees a storage whose last holder was garbage-collected without calling `release`. What
 * a scope owns cannot be lost that way, and most tensors never leave one, so a storage is
 * registered when a tensor on it escapes all scopes.
 */
const registry = new FinalizationRegistry<Place>(({ backend, storage }) => backend.release(storage));

/**
 * Storages that escaped since the event loop last turned. Registering one takes longer than many an
 * operation, most are released before the turn ends (the graph of a training step is), and until
 * then the collector calls nobody: so only those that are still held are registered.
 */
let escaped: SharedStorage[] = [];
/**
 * How many there may be before those released meanwhile are taken out: twice as many as were still
 * held the last time.
 */
let most = 1024;

function registerLater(storage: SharedStorage): void {
  if (escaped.length === 0) void Promise.resolve().then(registerEscaped);
  else if (escaped.length >= most) {
    escaped = escaped.filter((one) => one.isHeld);
    most = Math.max(1024, escaped.length * 2);
  }
  escaped.push(storage);
}

function registerEscaped(): void {
  const all = escaped;
  escaped = [];
  most = 1024;
  for (const storage of all) if (storage.isHeld) storage.register();
}

/**
 * A storage and how many hold it. Tensors that share elements (a reshape, a detached copy, what the
 * graph saved for a derivative) hold the same `SharedStorage`; the last one to let go releases it.
 * The JavaScript collector cannot do that for memory that it does not see.
 */
export class SharedStorage {
  readonly backend: Backend;
  readonly storage: Storage;
  bounds: Bounds | undefined;
  private holders: number;
  private hasEscaped: boolean;
  private isRegistered: boolean;

  constructor(backend: Backend, storage: Storage, bounds?: Bounds) {
    this.backend = backend;
    this.storage = storage;
    this.bounds = bounds;
    this.holders = 1;
    this.hasEscaped = false;
    this.isRegistered = false;
  }

  /**
   * Notes that no scope owns one of its holders, so that the collector may find the storage without
   * any.
   */
  watch(): void {
    if (this.hasEscaped) return;
    this.hasEscaped = true;
    registerLater(this);
  }

  /** Whether anything holds it. */
  get isHeld(): boolean {
    return this.holders > 0;
  }

  /** @internal Registers it with the collector. */
  register(): void {
    this.isRegistered = true;
    registry.register(this, { backend: this.backend, storage: this.storage }, this);
  }

  retain(): this {
    this.holders++;
    return this;
  }

  release(): void {
    if (--this.holders > 0) return;
    if (this.isRegistered) registry.unregister(this);
    this.backend.release(this.storage);
  }
}
