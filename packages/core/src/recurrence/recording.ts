/**
 * A step as it was called once on symbols: every primitive that it called, and how its results hang in the autograd graph. It is data, so
 * that it can be compared with another call, performed again on real storages, and turned into programs.
 */
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
} from '../backend.js';
import type { DerivativeRule } from '../grad-node.js';
import { mergeDims, type Shape } from '../shape.js';
import type { Tensor } from '../tensor.js';

/** A storage that exists on paper only. `serial` counts the storages of a recording. */
export interface RecordedStorage extends Storage {
  readonly serial: number;
}

/** One call of a primitive. */
export type Call = { readonly result: RecordedStorage } & (
  | { readonly kind: 'fill'; readonly value: number }
  | { readonly kind: 'unary'; readonly op: UnaryOp; readonly x: Storage }
  | {
      readonly kind: 'binary';
      readonly op: BinaryOp;
      readonly a: Operand;
      readonly b: Operand;
      readonly sizes: readonly number[];
    }
  | {
      readonly kind: 'select';
      readonly condition: Strided;
      readonly a: Operand;
      readonly b: Operand;
      readonly sizes: readonly number[];
    }
  | { readonly kind: 'copy'; readonly x: Strided; readonly sizes: readonly number[] }
  | { readonly kind: 'concat'; readonly parts: readonly ConcatPart[]; readonly outer: number }
  | {
      readonly kind: 'reduce';
      readonly op: ReduceOp;
      readonly x: Storage;
      readonly outer: number;
      readonly size: number;
      readonly inner: number;
    }
  | { readonly kind: 'matmul'; readonly a: Matrices; readonly b: Matrices; readonly sizes: MatmulSizes }
);

/** Where a gradient goes: to a result of an earlier node, or to an end (an input, a state, a captured tensor, in this order). */
export type RecordedEdge =
  | { readonly kind: 'node'; readonly node: number; readonly index: number }
  | { readonly kind: 'end'; readonly end: number };

/** A value of the step: its storage, its shape, and its place in the autograd graph. */
export interface RecordedValue {
  readonly storage: RecordedStorage;
  readonly shape: Shape;
  readonly edge: RecordedEdge | undefined;
}

/** A recorded operation: see `GradNode`. */
export interface RecordedNode {
  readonly name: string;
  readonly inputs: readonly (RecordedEdge | undefined)[];
  readonly resultCount: number;
  readonly rule: DerivativeRule<Tensor>;
  readonly saved: readonly RecordedValue[];
  /** Whether the rule is a user's, of which the recording cannot say what it does. */
  readonly isCustom: boolean;
}

export interface Recording {
  /** Rows of the batch in this call. */
  readonly rows: number;
  readonly inputs: readonly RecordedStorage[];
  readonly states: readonly RecordedStorage[];
  readonly captured: readonly RecordedStorage[];
  readonly drawn: readonly RecordedStorage[];
  readonly calls: readonly Call[];
  /** In an order in which each comes after those that it refers to. */
  readonly nodes: readonly RecordedNode[];
  readonly outputs: readonly RecordedValue[];
  readonly next: readonly RecordedValue[];
  /** Whether the step returned its output by itself, not in a list. */
  readonly isSingle: boolean;
}

/**
 * A recording in words: the same for two calls that did the same, whatever tensors they captured.
 *
 * @param recording - of a call with `recording.rows` rows
 * @param as - the number of rows to speak of: every size, offset and stride that is a multiple of the recording's rows is scaled to it. Two
 *   calls with different numbers of rows did the same if they say the same of one number
 */
export function describe(recording: Recording, as: number = recording.rows): string {
  const scale =
    as === recording.rows ? undefined : (n: number) => (n % recording.rows === 0 ? (n / recording.rows) * as : n);
  const scaled = (n: number): number => (scale === undefined ? n : scale(n));
  const name = (storage: Storage): number => (storage as RecordedStorage).serial;
  const walk = (sizes: readonly number[], operands: readonly Operand[]): string => {
    let strides = operands.filter((x) => typeof x === 'object').map((x) => x.strides);
    let merged = sizes;
    // Where a single element is walked, its strides say nothing.
    if (scale !== undefined || (sizes.length === 1 && sizes[0] === 1))
      ({ sizes: merged, strides } = mergeDims(
        sizes.map(scaled),
        strides.map((list) => list.map(scaled)),
      ));
    let next = 0;
    const words = operands.map((x) =>
      typeof x === 'number' ? number(x) : `${name(x.storage)}+${scaled(x.offset)}[${strides[next++].join()}]`,
    );
    return `${words.join(' ')} : ${merged.join()}`;
  };
  const matrices = ({ storage, batchStrides, transposed }: Matrices): string =>
    `${name(storage)}${transposed ? 'T' : ''}[${batchStrides.map(scaled).join()}]`;
  const edge = (to: RecordedEdge | undefined): string =>
    to === undefined ? '-' : to.kind === 'end' ? `e${to.end}` : `${to.node}.${to.index}`;
  const value = ({ storage, shape, edge: place }: RecordedValue): string =>
    `${name(storage)}(${shape.map(scaled).join()})${edge(place)}`;
  const end = (storage: RecordedStorage): string => `${storage.serial}:${scaled(storage.size)}${storage.dtype}`;

  const lines: string[] = [];
  for (const ends of [recording.inputs, recording.states, recording.captured, recording.drawn])
    lines.push(ends.map(end).join());
  for (const call of recording.calls) {
    switch (call.kind) {
      case 'fill':
        lines.push(`fill ${number(call.value)} ${scaled(call.result.size)}${call.result.dtype}`);
        break;
      case 'unary':
        lines.push(`${call.op} ${name(call.x)}`);
        break;
      case 'binary':
        lines.push(`${call.op} ${walk(call.sizes, [call.a, call.b])}`);
        break;
      case 'select':
        lines.push(`select ${walk(call.sizes, [call.condition, call.a, call.b])}`);
        break;
      case 'copy':
        lines.push(`copy ${walk(call.sizes, [call.x])}`);
        break;
      case 'concat':
        lines.push(
          `concat ${call.parts.map(({ storage, run }) => `${name(storage)}*${scaled(run)}`).join(' ')} ${scaled(call.outer)}`,
        );
        break;
      case 'reduce':
        lines.push(`${call.op} ${name(call.x)} over ${[call.outer, call.size, call.inner].map(scaled).join()}`);
        break;
      case 'matmul': {
        const { batch, m, k, n } = call.sizes;
        lines.push(`matmul ${matrices(call.a)} ${matrices(call.b)} ${[...batch, m, k, n].map(scaled).join()}`);
      }
    }
  }
  for (const node of recording.nodes)
    lines.push(`${node.name}(${node.inputs.map(edge).join()})${node.saved.map(value).join('|')}`);
  lines.push(recording.outputs.map(value).join('|'), recording.next.map(value).join('|'), String(recording.isSingle));
  return lines.join('\n');
}

function number(value: number): string {
  return `(${Object.is(value, -0) ? '-0' : value})`;
}
