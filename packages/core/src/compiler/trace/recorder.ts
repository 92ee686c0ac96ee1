/** A backend that computes nothing: it writes down which primitives are called on what. */
import type {
  BinaryOp,
  ConcatPart,
  Matrices,
  MatmulSizes,
  Operand,
  ReduceOp,
  Storage,
  Strided,
  UnaryOp,
} from '../../backend.js';
import type { DType } from '../../dtype.js';
import { TraceError } from '../../errors.js';
import { sizeOf } from '../../shape.js';
import type { Call, RecordedStorage } from './recording.js';
import { SymbolicBackend } from './symbolic-backend.js';

/** `Omit` for each member of a union. */
type Without<T, K extends string> = T extends unknown ? Omit<T, K> : never;

export class Recorder extends SymbolicBackend {
  readonly calls: Call[] = [];
  private storages = 0;

  /** A storage at which the recording begins. */
  end(size: number, dtype: DType): RecordedStorage {
    return { size, dtype, serial: this.storages++ };
  }

  private add(size: number, dtype: DType, call: Without<Call, 'result'>): RecordedStorage {
    const result = this.end(size, dtype);
    this.calls.push({ ...call, result });
    return result;
  }

  fill(value: number, size: number, dtype: DType): Storage {
    return this.add(size, dtype, { kind: 'fill', value });
  }

  // --- elementwise
  // ----------------------------------------------------------------------------------------------
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

  // --- moving data
  // ----------------------------------------------------------------------------------------------
  copy(x: Strided, sizes: readonly number[], dtype: DType): Storage {
    if (x.storage.dtype !== dtype) throw new TraceError(`the step converts ${x.storage.dtype} to ${dtype}`);
    return this.add(sizeOf(sizes), dtype, { kind: 'copy', x, sizes });
  }

  concat(parts: readonly ConcatPart[], outer: number): Storage {
    const size = parts.reduce((sum, part) => sum + part.run, 0) * outer;
    return this.add(size, parts[0].storage.dtype, { kind: 'concat', parts, outer });
  }

  // --- contracting
  // ----------------------------------------------------------------------------------------------
  reduce(op: ReduceOp, x: Storage, outer: number, size: number, inner: number): Storage {
    this.checkReduce(op);
    return this.add(outer * inner, x.dtype, { kind: 'reduce', op, x, outer, size, inner });
  }

  matmul(a: Matrices, b: Matrices, sizes: MatmulSizes): Storage {
    const { batch, m, n } = sizes;
    return this.add(sizeOf(batch) * m * n, a.storage.dtype, { kind: 'matmul', a, b, sizes });
  }
}
