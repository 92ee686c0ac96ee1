import { BackendError, DTypeError, type DType, type MemoryUse, type Storage, type TypedArray } from '@rnn/core';
import { EXACT, type Device, type DeviceArray } from './device.js';

/** Where the numbers of a storage are. */
type Residence =
  | {
      readonly at: 'device';
      readonly array: DeviceArray;
      /**
       * The same on the host, where it is known anyway, on a device that does not answer at once:
       * after `await t.data()`, so that a tensor can then be moved to another backend; and whole
       * numbers that were uploaded, since losses look at class numbers.
       */
      host?: TypedArray;
    }
  /**
   * Whole numbers of which some are beyond what float32, which is all that a device stores, has:
   * kept, but not to compute with.
   */
  | { readonly at: 'host'; readonly values: Int32Array }
  | { readonly at: 'nowhere' };

const nothing: Residence = { at: 'nowhere' };

/** A storage of this backend. */
export class GpuStorage implements Storage {
  readonly dtype: DType;
  readonly size: number;
  place: Residence;
  isReleased = false;

  constructor(dtype: DType, size: number, place: Residence) {
    this.dtype = dtype;
    this.size = size;
    this.place = place;
  }
}

/** The live storages of one backend. */
export class Memory {
  readonly device: Device;
  private live = 0;
  private liveBytes = 0;
  private isDisposed = false;

  constructor(device: Device) {
    this.device = device;
  }

  /** Makes a storage of a kernel's result; from now on it is freed with the storage. */
  wrap(dtype: DType, array: DeviceArray): GpuStorage {
    return this.add(dtype, array.size, { at: 'device', array });
  }

  upload(values: TypedArray): GpuStorage {
    this.refuseDisposed();
    const { length } = values;
    if (values instanceof Float32Array) {
      return this.add('float32', length, length === 0 ? nothing : { at: 'device', array: this.device.upload(values) });
    }
    if (!(values instanceof Int32Array)) throw noFloat64();
    if (length === 0) return this.add('int32', 0, nothing);
    if (!isExact(values)) return this.add('int32', length, { at: 'host', values: values.slice() });
    const array = this.device.upload(Float32Array.from(values));
    const host = this.device.isSynchronous ? undefined : values.slice();
    return this.add('int32', length, { at: 'device', array, ...(host && { host }) });
  }

  /** The elements of a live storage that is not empty. */
  arrayOf(storage: Storage): DeviceArray {
    const { place } = this.known(storage);
    if (place.at === 'device') return place.array;
    throw tooLarge('an int32 tensor to compute with holds');
  }

  async read(storage: Storage): Promise<TypedArray> {
    const { dtype, place } = this.known(storage);
    if (place.at !== 'device') return onHost(dtype, place);
    const values = typed(dtype, await this.device.read(place.array));
    if (!this.device.isSynchronous) place.host = values.slice();
    return values;
  }

  readSync(storage: Storage): TypedArray {
    const { dtype, place } = this.known(storage);
    if (place.at !== 'device') return onHost(dtype, place);
    return place.host?.slice() ?? typed(dtype, this.device.readSync(place.array));
  }

  release(storage: Storage): void {
    // A tensor may outlive its backend, and a finalizer may not throw: what was freed with
    // everything else is free.
    if (this.isDisposed || !(storage instanceof GpuStorage) || storage.isReleased) return;
    storage.isReleased = true;
    this.live--;
    this.liveBytes -= storage.size * 4;
    if (storage.place.at === 'device') this.device.release(storage.place.array);
    storage.place = nothing;
  }

  use(): MemoryUse {
    return { storages: this.live, bytes: this.liveBytes };
  }

  async dispose(): Promise<void> {
    this.isDisposed = true;
    this.live = 0;
    this.liveBytes = 0;
    await this.device.dispose();
  }

  private add(dtype: DType, size: number, place: Residence): GpuStorage {
    this.live++;
    this.liveBytes += size * 4;
    return new GpuStorage(dtype, size, place);
  }

  private known(storage: Storage): GpuStorage {
    this.refuseDisposed();
    if (!(storage instanceof GpuStorage)) {
      throw new BackendError(
        'gpu: received a storage of another backend; move the tensor here with .to(backend). If you did not call the backend yourself, please report this',
      );
    }
    if (storage.isReleased) {
      throw new BackendError(`gpu: a storage of ${storage.size} elements was used after its release`);
    }
    return storage;
  }

  private refuseDisposed(): void {
    if (!this.isDisposed) return;
    throw new BackendError('gpu: this backend was disposed of, and its tensors with it; make a new one with gpu()');
  }
}

function isExact(values: Int32Array): boolean {
  return values.every((value) => value > -EXACT && value < EXACT);
}

/** What a device holds as numbers of a type; see `kernels/functions.ts` for how int32 is stored. */
function typed(dtype: DType, values: Float32Array): TypedArray {
  if (dtype !== 'int32') return values;
  const whole = new Int32Array(values.length);
  values.forEach((value, i) => {
    if (Number.isNaN(value)) throw tooLarge('an int32 result is made of, or is one of,');
    whole[i] = value === Infinity ? 2 ** 31 - 1 : value;
  });
  return whole;
}

function tooLarge(what: string): BackendError {
  return new BackendError(
    `gpu: ${what} numbers beyond ±${EXACT - 1}, of which float32, the only type of this device, does not have all; ` +
      "compute on another backend (tensor.to(backend)), or with .to('float32') tensors",
    { expected: `whole numbers up to ±${EXACT - 1}` },
  );
}

function onHost(dtype: DType, place: Residence): TypedArray {
  if (place.at === 'host') return place.values.slice();
  return dtype === 'int32' ? new Int32Array(0) : new Float32Array(0);
}

/** The error for a type that is not stored here. */
export function noFloat64(): DTypeError {
  return new DTypeError(
    "gpu: float64 is not stored here; convert with .to('float32'), or use @rnn/backend-cpu for float64",
    { argument: 'dtype', expected: 'float32 or int32', received: 'float64' },
  );
}
