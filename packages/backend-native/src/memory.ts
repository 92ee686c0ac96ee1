import { BackendError, MemoryLimitError } from '@rnn/core';
import type { DType, MemoryUse, Storage } from '@rnn/core';
import type { Channel, Shortage } from './channel.js';

/** A storage is a place in memory, until it is released. */
export class NativeStorage implements Storage {
  readonly dtype: DType;
  readonly size: number;
  /** Address of the first element; 0 after the release. */
  at: number;

  constructor(dtype: DType, size: number, at: number) {
    this.dtype = dtype;
    this.size = size;
    this.at = at;
  }
}

export function bytesOf(dtype: DType): 4 | 8 {
  return dtype === 'float64' ? 8 : 4;
}

/**
 * Counts live storages, and says so when there is no room for another one. The engine has the
 * memory itself.
 */
export class Memory {
  /** Bytes that the engine may take. */
  readonly limit: number;
  private live = 0;
  private liveBytes = 0;
  private disposed = false;
  /**
   * Live bytes before the memory first grew since the event loop turned; `undefined` if it has not
   * grown since.
   */
  private bytesAtTurn: number | undefined;

  constructor(limit: number) {
    this.limit = limit;
  }

  /** Takes in the result of the operation that just ran. */
  keep(dtype: DType, size: number, at: number): NativeStorage {
    this.live++;
    this.liveBytes += size * bytesOf(dtype);
    return new NativeStorage(dtype, size, at);
  }

  /** The address of a live storage. */
  addressOf(storage: Storage): number {
    if (this.disposed) this.refuseDisposed();
    if (!(storage instanceof NativeStorage)) {
      throw new BackendError(
        'native: received a storage of another backend; move the tensor here with .to(backend). If you did not call the backend yourself, please report this',
      );
    }
    if (storage.at === 0) {
      throw new BackendError(
        `native: a ${storage.dtype} storage of ${storage.size} elements was used after its release. Tensors never do that: it is a mistake in the code that called the backend`,
      );
    }
    return storage.at;
  }

  /**
   * Ends a storage's life; returns its address, or 0 if everything was freed already: a tensor may
   * well outlive its backend.
   */
  release(storage: Storage): number {
    if (this.disposed) return 0;
    const at = this.addressOf(storage);
    (storage as NativeStorage).at = 0;
    this.live--;
    this.liveBytes -= storage.size * bytesOf(storage.dtype);
    return at;
  }

  use(): MemoryUse {
    this.refuseDisposed();
    return { storages: this.live, bytes: this.liveBytes };
  }

  dispose(): void {
    this.disposed = true;
  }

  refuseDisposed(): void {
    if (this.disposed) {
      throw new BackendError(
        'native: this backend was disposed of, and its tensors with it; make a new one with native()',
      );
    }
  }

  /**
   * Remembers that memory grew until the event loop turns: before it does, no tensor is collected.
   */
  watch(channel: Channel): void {
    channel.onGrowth = () => {
      if (this.bytesAtTurn !== undefined) return;
      this.bytesAtTurn = this.liveBytes;
      setTimeout(() => (this.bytesAtTurn = undefined), 0).unref();
    };
  }

  refused({ needed, reserved }: Shortage): MemoryLimitError {
    // The collector's callbacks come between turns of the event loop, whatever the program no
    // longer reaches.
    const unturned =
      this.bytesAtTurn === undefined
        ? ''
        : `The event loop has not turned since tensors had ${this.bytesAtTurn} bytes, and until it does no tensor is freed that merely is not held any more: run each step in scope(() => ...), or await in the loop. Else free `;
    return new MemoryLimitError(
      `native: ${needed} bytes more are needed; ${this.live} storages hold ${this.liveBytes} bytes, the memory has ${reserved} of at most ${this.limit} bytes. ` +
        `${unturned === '' ? 'Free ' : unturned}tensors (scope, dispose), take smaller batches or shorter sequences, or raise maxBytes`,
      { argument: 'maxBytes', expected: `at most ${this.limit} bytes`, received: `${reserved} and ${needed} more` },
    );
  }
}
