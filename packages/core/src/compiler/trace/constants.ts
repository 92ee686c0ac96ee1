/**
 * Calls of primitives on values that are the same for all rows, or are sums over them: each is
 * repeated once a run, on real storages.
 */
import type { Backend, Operand, Storage } from '../../backend.js';
import type { DType } from '../../dtype.js';
import { sizeOf } from '../../shape.js';
import type { Graph } from '../ir/graph.js';
import { holding, type TraceStorage } from './rows.js';

export class TraceConstants {
  private readonly graph: Graph;

  constructor(graph: Graph) {
    this.graph = graph;
  }

  /** What a key says of a storage. */
  name(storage: Storage): string {
    const { value, size } = storage as TraceStorage;
    return value.operation.kind === 'number' ? `${value.id}(${size})` : String(value.id);
  }

  /**
   * A call of a primitive on values that are the same for all rows, or are sums over them: done
   * once a run.
   */
  primitive(
    key: string,
    size: number,
    dtype: DType,
    storages: readonly Storage[],
    call: (backend: Backend, storages: readonly Storage[]) => Storage,
  ): Storage {
    const values = storages.map((storage) => (storage as TraceStorage).value);
    const domain = values.some((value) => value.domain === 'reduced') ? 'reduced' : 'constant';
    const sizes = storages.map((storage) => storage.size);
    // A number has the size that this use of it needs.
    const value = this.graph.primitive(domain, size, dtype, `${key} ${domain}`, values, (backend, inputs) => {
      const made: Storage[] = [];
      const real = inputs.map((input, i) => {
        if (input.size === sizes[i]) return input;
        const { operation } = values[i];
        const filled = backend.fill(operation.kind === 'number' ? operation.value : NaN, sizes[i], dtype);
        made.push(filled);
        return filled;
      });
      const result = call(backend, real);
      for (const storage of made) backend.release(storage);
      return result;
    });
    return holding(value, size);
  }

  /** The same for a primitive that walks strided operands. */
  elementwise(
    op: string,
    operands: readonly Operand[],
    sizes: readonly number[],
    dtype: DType,
    call: (backend: Backend, operands: readonly Operand[]) => Storage,
  ): Storage {
    const storages: Storage[] = [];
    const places = operands.map((operand) => (typeof operand === 'object' ? storages.push(operand.storage) - 1 : -1));
    const words = operands.map((x) =>
      typeof x === 'number' ? `(${x})` : `${this.name(x.storage)}+${x.offset}[${x.strides.join()}]`,
    );
    return this.primitive(
      `${op} ${words.join(' ')} : [${sizes.join()}]`,
      sizeOf(sizes),
      dtype,
      storages,
      (backend, real) =>
        call(
          backend,
          operands.map((x, i) => (typeof x === 'number' ? x : { ...x, storage: real[places[i]] })),
        ),
    );
  }
}
