/**
 * Tensors that stand for values on paper, and what the backends have in common that compute
 * nothing: no memory, and refusals of what cannot be written down.
 */
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
} from '../../backend.js';
import { dtypeOf, type DType, type TypedArray } from '../../dtype.js';
import { BackendError, TraceError } from '../../errors.js';
import type { Shape } from '../../shape.js';
import { SharedStorage } from '../../shared-storage.js';
import { Tensor } from '../../tensor.js';

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

export abstract class SymbolicBackend implements Backend {
  readonly info: BackendInfo;

  /** @param real - the backend for which something is traced; its types are ours */
  constructor(real: Backend) {
    this.info = { ...real.info, name: 'trace', device: 'none: records operations', synchronous: true };
  }

  abstract fill(value: number, size: number, dtype: DType): Storage;
  abstract unary(op: UnaryOp, x: Storage): Storage;
  abstract binary(op: BinaryOp, a: Operand, b: Operand, sizes: readonly number[]): Storage;
  abstract select(condition: Strided, a: Operand, b: Operand, sizes: readonly number[], dtype: DType): Storage;
  abstract copy(x: Strided, sizes: readonly number[], dtype: DType): Storage;
  abstract concat(parts: readonly ConcatPart[], outer: number): Storage;
  abstract reduce(op: ReduceOp, x: Storage, outer: number, size: number, inner: number): Storage;
  abstract matmul(a: Matrices, b: Matrices, sizes: MatmulSizes): Storage;

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
}
