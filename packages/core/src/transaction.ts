/**
 * Chains of primitives that leave nothing behind when one of them fails, as it does where the
 * memory is at its end.
 */
import type { Backend, Storage } from './backend.js';

/** What makes a storage or gives one back. */
export type Primitives = Pick<
  Backend,
  'upload' | 'fill' | 'unary' | 'binary' | 'select' | 'copy' | 'concat' | 'gather' | 'reduce' | 'matmul' | 'release'
>;

/**
 * Runs a function, and releases every storage that it made when it throws.
 *
 * @param backend - where the storages are
 * @param fn - takes primitives from its argument alone
 * @returns what `fn` returned
 */
export function transaction<R>(backend: Primitives, fn: (primitives: Primitives) => R): R {
  const open = new Transaction(backend);
  try {
    return fn(open);
  } catch (error) {
    open.releaseAll();
    throw error;
  }
}

/** The primitives of a backend, and which of the storages that they made are still there. */
class Transaction implements Primitives {
  private readonly backend: Primitives;
  private readonly made = new Set<Storage>();

  constructor(backend: Primitives) {
    this.backend = backend;
  }

  releaseAll(): void {
    for (const storage of this.made) this.backend.release(storage);
  }

  release(storage: Storage): void {
    this.made.delete(storage);
    this.backend.release(storage);
  }

  upload(...args: Parameters<Primitives['upload']>): Storage {
    return this.note(this.backend.upload(...args));
  }

  fill(...args: Parameters<Primitives['fill']>): Storage {
    return this.note(this.backend.fill(...args));
  }

  unary(...args: Parameters<Primitives['unary']>): Storage {
    return this.note(this.backend.unary(...args));
  }

  binary(...args: Parameters<Primitives['binary']>): Storage {
    return this.note(this.backend.binary(...args));
  }

  select(...args: Parameters<Primitives['select']>): Storage {
    return this.note(this.backend.select(...args));
  }

  copy(...args: Parameters<Primitives['copy']>): Storage {
    return this.note(this.backend.copy(...args));
  }

  concat(...args: Parameters<Primitives['concat']>): Storage {
    return this.note(this.backend.concat(...args));
  }

  gather(...args: Parameters<Primitives['gather']>): Storage {
    return this.note(this.backend.gather(...args));
  }

  reduce(...args: Parameters<Primitives['reduce']>): Storage {
    return this.note(this.backend.reduce(...args));
  }

  matmul(...args: Parameters<Primitives['matmul']>): Storage {
    return this.note(this.backend.matmul(...args));
  }

  private note(storage: Storage): Storage {
    this.made.add(storage);
    return storage;
  }
}
