import type { Backend, DType, Storage, Strided, TypedArray } from '@rnn/core';
import { hostArrayOf } from '../plain/rounding.js';
import type { Walk } from './walk.js';

/** Storages for one example, all of them released at its end. */
export class Workbench {
  readonly backend: Backend;
  private readonly storages: Storage[] = [];

  constructor(backend: Backend) {
    this.backend = backend;
  }

  /** Takes a kernel's result into care. */
  own(storage: Storage): Storage {
    this.storages.push(storage);
    return storage;
  }

  upload(dtype: DType, values: ArrayLike<number>): Storage {
    return this.own(this.backend.upload(hostArrayOf(dtype, values)));
  }

  strided(dtype: DType, values: ArrayLike<number>, { offset, strides }: Walk): Strided {
    return { storage: this.upload(dtype, values), offset, strides };
  }

  /** Reads a kernel's result. */
  read(storage: Storage): Promise<TypedArray> {
    return this.backend.read(storage);
  }

  /** Releases one storage early. */
  release(storage: Storage): void {
    this.storages.splice(this.storages.indexOf(storage), 1);
    this.backend.release(storage);
  }

  releaseAll(): void {
    for (const storage of this.storages.splice(0)) this.backend.release(storage);
  }
}

/** Runs something with a workbench and clears it afterwards. */
export async function atWorkbench<T>(backend: Backend, fn: (bench: Workbench) => Promise<T>): Promise<T> {
  const bench = new Workbench(backend);
  try {
    return await fn(bench);
  } finally {
    bench.releaseAll();
  }
}
