/** Backends that compute nothing; the recorder writes down which primitives are called on what. */
import type { Backend, BackendInfo, ReduceOp, Storage, Strided } from '../../backend.js';
import { dtypeOf, type DType, type TypedArray } from '../../dtype.js';
import { BackendError, TraceError } from '../../errors.js';
import { sizeOf, type Shape } from '../../shape.js';
import { SharedStorage } from '../../shared-storage.js';
import { Tensor } from '../../tensor.js';
import type { Call, RecordedStorage } from './recording.js';

/** Holds no memory, so it need not be freed when it is lost. */
export class SymbolStorage extends SharedStorage {
  override watch(): void {}
}

/** A tensor that stands for a value. */
export function symbol(backend: Backend, storage: Storage, shape: Shape, wantsGrad: boolean): Tensor {
  const tensor = new Tensor(new SymbolStorage(backend, storage), shape);
  if (wantsGrad) tensor.requiresGrad = true;
  return tensor;
}

/** What such backends have in common: no memory, and refusals of what cannot be written down. */
export abstract class SymbolicBackend {
  readonly info: BackendInfo;

  /** @param real - the backend for which something is traced; its types are ours */
  constructor(real: Backend) {
    this.info = { ...real.info, name: 'trace', device: 'none: records operations', synchronous: true };
  }

  abstract fill(value: number, size: number, dtype: DType): Storage;

  upload(values: TypedArray): Storage {
    if (values.length === 1) return this.fill(values[0], 1, dtypeOf(values));
    throw new TraceError('the step makes a tensor out of numbers; make it outside and let the step use it');
  }

  read(): Promise<TypedArray> {
    return Promise.reject(this.refusal());
  }

  readSync(): TypedArray {
    throw this.refusal();
  }

  private refusal(): TraceError {
    return new TraceError('the step reads numbers (data, item, toArray), so what it does may depend on them');
  }

  release(): void {}

  memory(): { storages: number; bytes: number } {
    return { storages: 0, bytes: 0 };
  }

  dispose(): void {
    throw new BackendError('the tracing backend cannot be disposed of');
  }

  gather(): Storage {
    throw new TraceError('the step picks by index (gather, indexSelect)');
  }

  scatterAdd(): Storage {
    throw new TraceError('the step adds by index (scatterAdd)');
  }

  /** Refuses what looks for a position. */
  protected checkReduce(op: ReduceOp): asserts op is Exclude<ReduceOp, 'argmax'> {
    if (op === 'argmax') throw new TraceError('the step looks for a position (argmax, max with indices)');
  }

  /** Refuses a copy that changes the type. */
  protected checkCopy({ storage }: Strided, dtype: DType): void {
    if (storage.dtype !== dtype) throw new TraceError(`the step converts ${storage.dtype} to ${dtype}`);
  }
}

/** The arguments of a primitive. */
type Args<P extends Call['primitive']> = Parameters<Backend[P]>;

export class Recorder extends SymbolicBackend implements Backend {
  readonly calls: Call[] = [];
  private storages = 0;

  /** A storage at which the recording begins. */
  end(size: number, dtype: DType): RecordedStorage {
    return { size, dtype, serial: this.storages++ };
  }

  private note(call: Call): Storage {
    this.calls.push(call);
    return call.result;
  }

  fill(...args: Args<'fill'>): Storage {
    return this.note({ primitive: 'fill', args, result: this.end(args[1], args[2]) });
  }

  unary(...args: Args<'unary'>): Storage {
    return this.note({ primitive: 'unary', args, result: this.end(args[1].size, args[1].dtype) });
  }

  binary(...args: Args<'binary'>): Storage {
    const a = args[1];
    const { dtype } = typeof a === 'object' ? a.storage : (args[2] as Strided).storage;
    return this.note({ primitive: 'binary', args, result: this.end(sizeOf(args[3]), dtype) });
  }

  select(...args: Args<'select'>): Storage {
    return this.note({ primitive: 'select', args, result: this.end(sizeOf(args[3]), args[4]) });
  }

  copy(...args: Args<'copy'>): Storage {
    this.checkCopy(args[0], args[2]);
    return this.note({ primitive: 'copy', args, result: this.end(sizeOf(args[1]), args[2]) });
  }

  concat(...args: Args<'concat'>): Storage {
    const parts = args[0];
    const size = parts.reduce((sum, part) => sum + part.run, 0) * args[1];
    return this.note({ primitive: 'concat', args, result: this.end(size, parts[0].storage.dtype) });
  }

  reduce(...args: Args<'reduce'>): Storage {
    this.checkReduce(args[0]);
    return this.note({ primitive: 'reduce', args, result: this.end(args[2] * args[4], args[1].dtype) });
  }

  matmul(...args: Args<'matmul'>): Storage {
    const { batch, m, n } = args[2];
    return this.note({ primitive: 'matmul', args, result: this.end(sizeOf(batch) * m * n, args[0].storage.dtype) });
  }
}
