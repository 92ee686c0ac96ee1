/**
 * What a traced step computes, as a graph of values. A value is `batched` (different for each row
 * of the batch and each step), `constant` (made of weights and constants alone), or `reduced` (a
 * sum over all rows, and so over all steps: the gradient of a constant).
 */
import type { Backend, BinaryOp, Storage, UnaryOp } from '../../backend.js';
import type { DType } from '../../dtype.js';
import { mapOperands, printInstruction, type BlockSizes, type InstructionBody } from '../../instruction.js';

type Domain = 'constant' | 'batched' | 'reduced';

/** Another value, or a plain number. */
export type Argument = Value | number;

/** How a value is made. */
export type Operation =
  // where things come from
  | { readonly kind: 'input'; readonly name: string } // batched: the input of this step, or an adjoint that comes from behind
  | { readonly kind: 'state'; readonly name: string } // batched: carried from step to step
  | { readonly kind: 'constant'; readonly index: number } // batched: a captured tensor that has a row for each of the batch, at all steps the same
  | { readonly kind: 'captured'; readonly index: number } // constant: a tensor of a real backend that the step used
  | { readonly kind: 'number'; readonly value: number } // constant
  // of a row: the instructions of a program
  | InstructionBody<Value, Argument>
  // over rows: reduced
  | { readonly kind: 'sumRows'; readonly x: Value }
  // the sum over rows and k of products a[block, m, k] b[block, k, n]: [blocks, m, n]
  | ({ readonly kind: 'productRows'; readonly a: Value; readonly b: Value } & BlockSizes)
  // of constant or reduced values: one call of a primitive; where rows can do the same, also as an
  // instruction
  | {
      readonly kind: 'primitive';
      /** The same for the same call on the same inputs. */
      readonly words: string;
      readonly inputs: readonly Value[];
      readonly call: PrimitiveCall;
      readonly instruction: InstructionBody<Value, Argument> | undefined;
    };

/** Repeats a call of a primitive on real storages. */
type PrimitiveCall = (backend: Backend, inputs: readonly Storage[]) => Storage;

/** One value of a graph. */
export interface Value {
  readonly id: number;
  readonly domain: Domain;
  /** Features of a row; elements of a constant or reduced value. */
  readonly width: number;
  readonly dtype: DType;
  readonly operation: Operation;
  /** Whether it depends on what is carried from step to step. */
  readonly carried: boolean;
  /** Whether it is a row value that is the same at all steps: made of per-row constants alone. */
  readonly steady: boolean;
  /**
   * Says the same for the same computation, with the ids of what it reads: the graph's structure in
   * words.
   */
  readonly key: string;
}

/** The values that a value is made of. */
export function argumentsOf({ operation }: Pick<Value, 'operation'>): Value[] {
  switch (operation.kind) {
    case 'input':
    case 'state':
    case 'constant':
    case 'captured':
    case 'number':
      return [];
    case 'sumRows':
      return [operation.x];
    case 'productRows':
      return [operation.a, operation.b];
    case 'primitive':
      return [...operation.inputs];
    default: {
      const values: Value[] = [];
      const note = (value: Value): Value => {
        values.push(value);
        return value;
      };
      const operand = (x: Argument): Argument => (typeof x === 'object' ? note(x) : x);
      mapOperands(operation, { row: note, matrix: note, operand });
      return values;
    }
  }
}

/**
 * What some values are made of, themselves included, in an order in which it can be computed; not
 * what lies behind a given value.
 */
export function closure(results: Iterable<Value>, isGiven: (value: Value) => boolean): Value[] {
  const seen = new Set<Value>();
  const stack = [...results];
  for (let value = stack.pop(); value !== undefined; value = stack.pop()) {
    if (seen.has(value)) continue;
    seen.add(value);
    if (!isGiven(value)) stack.push(...argumentsOf(value));
  }
  return [...seen].sort((a, b) => a.id - b.id);
}

/** Makes values, each computation once: asking for the same again gives the same value. */
export class Graph {
  private readonly known = new Map<string, Value>();

  /** All values in the order in which they were made. */
  values(): Iterable<Value> {
    return this.known.values();
  }

  add(domain: Domain, width: number, dtype: DType, operation: Operation): Value {
    const key = `${print(operation)} : ${width} ${dtype} ${domain}`;
    const known = this.known.get(key);
    if (known !== undefined) return known;
    const read = argumentsOf({ operation });
    const carried = operation.kind === 'state' || read.some((argument) => argument.carried);
    const rows = read.filter((argument) => argument.domain === 'batched');
    const steady =
      operation.kind === 'constant' || (domain === 'batched' && rows.length > 0 && rows.every((x) => x.steady));
    const value: Value = { id: this.known.size, domain, width, dtype, operation, carried, steady, key };
    this.known.set(key, value);
    return value;
  }

  number(value: number, dtype: DType): Value {
    return this.add('constant', 1, dtype, { kind: 'number', value });
  }

  unary(op: UnaryOp, x: Value): Value {
    if (op === 'neg' && x.operation.kind === 'unary' && x.operation.op === 'neg') return x.operation.x;
    return this.add('batched', x.width, x.dtype, { kind: 'unary', op, x });
  }

  binary(op: BinaryOp, a: Argument, b: Argument, width: number, dtype: DType): Value {
    const kept = unchanged(op, a, b);
    if (kept !== undefined && kept.domain === 'batched' && kept.width === width) return kept;
    const sum = op === 'add' ? (this.addToProduct(a, b, width) ?? this.addToProduct(b, a, width)) : undefined;
    if (sum !== undefined) return sum;
    return this.add('batched', width, dtype, { kind: 'binary', op, a, b });
  }

  /**
   * `x W + term` as a product that starts from `term`. What is not carried moves together:
   * `(x Wx + b) + (h Wh + c)` becomes `h Wh + (x Wx + (b + c))`, of which all but one product is
   * done before the loop.
   */
  private addToProduct(product: Argument, term: Argument, width: number): Value | undefined {
    if (typeof product !== 'object' || typeof term !== 'object' || product.operation.kind !== 'matmul')
      return undefined;
    if (product.width !== width || term.width !== width || (!product.carried && term.domain === 'batched'))
      return undefined;
    if (term.carried && term.operation.kind === 'matmul' && !isCarried(term.operation.init)) return undefined; // the other way round
    const { x, weight, transposed, init } = product.operation;
    return this.matmul(x, weight, transposed, width, init === undefined ? term : this.sum(init, term));
  }

  /** The sum of two terms that a product starts from. */
  private sum(a: Value, b: Value): Value {
    const { width, dtype } = a;
    if (a.domain === 'batched' || b.domain === 'batched') return this.binary('add', a, b, width, dtype);
    const dense = (storage: Storage) => ({ storage, offset: 0, strides: [1] });
    return this.add('constant', width, dtype, {
      kind: 'primitive',
      words: `add ${a.id} ${b.id}`,
      inputs: [a, b],
      call: (backend, [x, y]) => backend.binary('add', dense(x), dense(y), [width]),
      instruction: { kind: 'binary', op: 'add', a, b },
    });
  }

  fill(number: number, width: number, dtype: DType): Value {
    return this.add('batched', width, dtype, { kind: 'fill', number });
  }

  select(condition: Value, a: Argument, b: Argument, width: number, dtype: DType): Value {
    return this.add('batched', width, dtype, { kind: 'select', condition, a, b });
  }

  /** Features of a row (or of a fixed row, for every row) walked with strides. */
  copy(x: Value, offset: number, sizes: readonly number[], strides: readonly number[]): Value {
    const width = sizes.reduce((product, size) => product * size, 1);
    const range = sizes.length === 1 && strides[0] === 1;
    if (range && offset === 0 && width === x.width && x.domain === 'batched') return x;
    if (range && x.operation.kind === 'copy' && x.operation.sizes.length === 1 && x.operation.strides[0] === 1) {
      return this.copy(x.operation.x, x.operation.offset + offset, sizes, strides);
    }
    return this.add('batched', width, x.dtype, { kind: 'copy', x, offset, sizes, strides });
  }

  concat(parts: readonly Value[]): Value {
    if (parts.length === 1) return parts[0];
    const width = parts.reduce((sum, part) => sum + part.width, 0);
    return this.add('batched', width, parts[0].dtype, { kind: 'concat', parts });
  }

  reduce(op: 'sum' | 'max' | 'min', x: Value, outer: number, size: number, inner: number): Value {
    return this.add('batched', outer * inner, x.dtype, { kind: 'reduce', op, x, outer, size, inner });
  }

  matmul(x: Value, weight: Value, transposed: boolean, width: number, init?: Value): Value {
    return this.add('batched', width, x.dtype, { kind: 'matmul', x, weight, transposed, init });
  }

  /** Products of blocks inside a row; see `BlockSizes`. */
  product(a: Value, b: Value, sizes: BlockSizes): Value {
    const width = sizes.blocks * sizes.m * sizes.n;
    return this.add('batched', width, a.dtype, { kind: 'product', a, b, ...sizes });
  }

  /** The sum over rows. That of products of two row values is a product over all rows. */
  sumRows(x: Value): Value {
    const { operation } = x;
    if (operation.kind === 'product' && operation.b.domain === 'batched')
      return this.productRows(operation.a, operation.b, operation);
    // The sum over blocks of outer products, and over rows: one more dimension to contract.
    if (operation.kind === 'reduce' && operation.op === 'sum' && operation.outer === 1) {
      const inner = operation.x.operation;
      if (
        inner.kind === 'product' &&
        inner.b.domain === 'batched' &&
        inner.k === 1 &&
        operation.size === inner.blocks &&
        operation.inner === inner.m * inner.n
      ) {
        const { a, b, m, n, blocks, aStrides, bStrides } = inner;
        return this.productRows(a, b, {
          blocks: 1,
          m,
          k: blocks,
          n,
          aStrides: [0, aStrides[1], aStrides[0]],
          bStrides: [0, bStrides[0], bStrides[2]],
        });
      }
    }
    return this.add('reduced', x.width, x.dtype, { kind: 'sumRows', x });
  }

  productRows(a: Value, b: Value, { blocks, m, k, n, aStrides, bStrides }: BlockSizes): Value {
    const sizes = { blocks, m, k, n, aStrides, bStrides };
    return this.add('reduced', blocks * m * n, a.dtype, { kind: 'productRows', a, b, ...sizes });
  }

  primitive(
    domain: 'constant' | 'reduced',
    size: number,
    dtype: DType,
    words: string,
    inputs: readonly Value[],
    call: PrimitiveCall,
  ): Value {
    return this.add(domain, size, dtype, { kind: 'primitive', words, inputs, call, instruction: undefined });
  }
}

/** An operation in words, with the ids of what it reads. */
function print(operation: Operation): string {
  const id = (value: Value): string => String(value.id);
  switch (operation.kind) {
    case 'input':
    case 'state':
      return `${operation.kind} ${operation.name}`;
    case 'constant':
    case 'captured':
      return `${operation.kind} ${operation.index}`;
    case 'number':
      return `number ${show(operation.value)}`;
    case 'sumRows':
      return `sumRows ${operation.x.id}`;
    case 'productRows':
      return `sumRows ${print({ ...operation, kind: 'product' })}`;
    case 'primitive':
      return operation.words;
    default:
      return printInstruction(operation, id, show);
  }
}

function isCarried(value: Value | undefined): boolean {
  return value?.carried === true;
}

function show(argument: Argument): string {
  if (typeof argument === 'object') return String(argument.id);
  return `(${Object.is(argument, -0) ? '-0' : argument})`;
}

/** The operand that a neutral element leaves as it is: x + 0, x - 0, x * 1, x / 1. */
function unchanged(op: BinaryOp, a: Argument, b: Argument): Value | undefined {
  if (typeof a === 'object' && b === (op === 'add' || op === 'sub' ? 0 : op === 'mul' || op === 'div' ? 1 : undefined))
    return a;
  if (typeof b === 'object' && a === (op === 'add' ? 0 : op === 'mul' ? 1 : undefined)) return b;
  return undefined;
}
