/** Storages of a traced model. */
import type { DType, Storage } from '@rnn/core';
import type { Flow, FlowValue, Matrix } from './flow.js';

/**
 * Steps of the sequence that a model is traced on: a prime, so that no number of features is a
 * multiple of it.
 */
export const STEPS = 65_537;

/**
 * A storage that depends on the input, is a number everywhere, or holds numbers of the model on the
 * model's own backend.
 */
export interface FlowStorage extends Storage {
  readonly value: FlowValue | undefined;
  readonly number: number | undefined;
  readonly inner: Storage | undefined;
}

/** Gives names to states, each once. */
export interface Naming {
  /** Of a scan that begins now, with so many tensors. */
  ofScan(count: number, reverse: boolean): readonly string[];
  /** Of what is kept over time besides. */
  own(name: string): string;
}

/** What writes storages into a flow. */
export interface FlowWriter {
  readonly flow: Flow;
  /** The value of a storage, which for a constant may be one number for all. */
  valueOf(storage: Storage): FlowValue;
  /** A storage for a value. */
  made(value: FlowValue, size: number, dtype: DType): FlowStorage;
  /** A constant as the matrix `[n, k]` of a product. */
  matrixOf(storage: Storage, rows: number, columns: number, isTransposed: boolean): Matrix;
  readonly names: Naming;
}
