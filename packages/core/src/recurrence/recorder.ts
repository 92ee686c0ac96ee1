/** A backend that computes nothing: it writes down which primitives are called on what. */
import type {
  Backend,
  BackendInfo,
  BinaryOp,
  ConcatPart,
  Matrices,
  MatmulSizes,
  Operand,
  ReduceOp,
  Storage,
  Strided,
  UnaryOp,
} from '../backend.js';
import { dtypeOf, type DType, type TypedArray } from '../dtype.js';
import { BackendError, TraceError } from '../errors.js';
import { sizeOf } from '../shape.js';
import type { Call, RecordedStorage } from './recording.js';

/** `Omit` for each member of a union. */
type Without<T, K extends string> = T extends unknown ? Omit<T, K> : never;

export class Recorder implements Backend {
  readonly info: BackendInfo;
  readonly calls: Call[] = [];
  private storages = 0;

  /** @param real - the backend for which a step is recorded; its types are ours */
  constructor(real: Backend) {
    this.info = { ...real.info, name: 'trace', device: 'none: records operations', synchronous: true };
  }

  /** A storage at which the recording begins. */
  end(size: number, dtype: DType): RecordedStorage {
    return { size, dtype, serial: this.storages++ };
  }

  private add(size: number, dtype: DType, call: Without<Call, 'result'>): RecordedStorage {
    const result = this.end(size, dtype);
    this.calls.push({ ...call, result });
    return result;
  }

  // --- memory ---------------------------------------------------------------------------------------------------
  upload(values: TypedArray): Storage {
    if (values.length === 1) return this.fill(values[0], 1, dtypeOf(values));
    throw new TraceError('the step makes a tensor out of numbers; make it outside and let the step use it');
  }

  fill(value: number, size: number, dtype: DType): Storage {
    return this.add(size, dtype, { kind: 'fill', value });
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

  // --- elementwise ----------------------------------------------------------------------------------------------
  unary(op: UnaryOp, x: Storage): Storage {
    return this.add(x.size, x.dtype, { kind: 'unary', op, x });
  }

  binary(op: BinaryOp, a: Operand, b: Operand, sizes: readonly number[]): Storage {
    const { dtype } = typeof a === 'object' ? a.storage : (b as Strided).storage;
    return this.add(sizeOf(sizes), dtype, { kind: 'binary', op, a, b, sizes });
  }

  select(condition: Strided, a: Operand, b: Operand, sizes: readonly number[], dtype: DType): Storage {
    return this.add(sizeOf(sizes), dtype, { kind: 'select', condition, a, b, sizes });
  }

  // --- moving data ----------------------------------------------------------------------------------------------
  copy(x: Strided, sizes: readonly number[], dtype: DType): Storage {
    if (x.storage.dtype !== dtype) throw new TraceError(`the step converts ${x.storage.dtype} to ${dtype}`);
    return this.add(sizeOf(sizes), dtype, { kind: 'copy', x, sizes });
  }

  concat(parts: readonly ConcatPart[], outer: number): Storage {
    const size = parts.reduce((sum, part) => sum + part.run, 0) * outer;
    return this.add(size, parts[0].storage.dtype, { kind: 'concat', parts, outer });
  }

  gather(): Storage {
    throw new TraceError('the step picks by index (gather, indexSelect)');
  }

  scatterAdd(): Storage {
    throw new TraceError('the step adds by index (scatterAdd)');
  }

  // --- contracting ----------------------------------------------------------------------------------------------
  reduce(op: ReduceOp, x: Storage, outer: number, size: number, inner: number): Storage {
    if (op === 'argmax') throw new TraceError('the step looks for a position (argmax, max with indices)');
    return this.add(outer * inner, x.dtype, { kind: 'reduce', op, x, outer, size, inner });
  }

  matmul(a: Matrices, b: Matrices, sizes: MatmulSizes): Storage {
    const { batch, m, n } = sizes;
    return this.add(sizeOf(batch) * m * n, a.storage.dtype, { kind: 'matmul', a, b, sizes });
  }
}
