/**
 * What one trace of a model leaves behind: nodes in ONNX's terms, with sizes as the numbers that
 * they have in this trace.
 */
import type { Shape } from '@rnn/core';

export type IrType = 'float32' | 'float64' | 'int32' | 'int64' | 'bool';

/** A value of a graph. */
export interface IrValue {
  readonly type: IrType;
  readonly shape: Shape;
  /** Its numbers, where they are part of the model. */
  readonly constant?: ArrayLike<number>;
  /** Its name, where it has one of its own: parameters, inputs. */
  readonly name?: string;
}

/**
 * An operand: a value, whole numbers (sizes, places) that may depend on the sizes of the inputs, or
 * nothing.
 */
export type IrOperand = IrValue | readonly number[] | undefined;

export type IrAttribute =
  | number
  | string
  | readonly number[]
  | readonly string[]
  | IrGraph
  | { readonly float: number };

export interface IrNode {
  readonly operator: string;
  readonly inputs: readonly IrOperand[];
  readonly outputs: readonly (IrValue | undefined)[];
  readonly attributes: Readonly<Record<string, IrAttribute>>;
}

export interface IrGraph {
  readonly inputs: readonly IrValue[];
  readonly nodes: readonly IrNode[];
  readonly outputs: readonly IrValue[];
}

export function isGraph(attribute: IrAttribute): attribute is IrGraph {
  return typeof attribute === 'object' && 'nodes' in attribute;
}

export function isNumbers(operand: IrOperand): operand is readonly number[] {
  return Array.isArray(operand);
}

/** Collects the nodes of a graph, and of the graphs inside it. */
export class IrBuilder {
  #nodes: IrNode[] = [];

  /** A node with one result. */
  node(
    operator: string,
    inputs: readonly IrOperand[],
    type: IrType,
    shape: Shape,
    attributes: Readonly<Record<string, IrAttribute>> = {},
  ): IrValue {
    const output: IrValue = { type, shape };
    this.add({ operator, inputs, outputs: [output], attributes });
    return output;
  }

  add(node: IrNode): void {
    this.#nodes.push(node);
  }

  /** Collects the nodes that a function adds, apart from the others. */
  inside<R>(fn: () => R): [result: R, nodes: readonly IrNode[]] {
    const outer = this.#nodes;
    this.#nodes = [];
    try {
      return [fn(), this.#nodes];
    } finally {
      this.#nodes = outer;
    }
  }

  reshaped(x: IrValue, shape: Shape): IrValue {
    if (x.shape.length === shape.length && x.shape.every((size, i) => size === shape[i])) return x;
    return this.node('Reshape', [x, [...shape]], x.type, [...shape]);
  }

  cast(x: IrValue, type: IrType): IrValue {
    if (x.type === type) return x;
    return this.node('Cast', [x], type, x.shape, { to: typeNumbers[type] });
  }

  transposed(x: IrValue, order: readonly number[]): IrValue {
    if (order.every((dim, i) => dim === i)) return x;
    return this.node(
      'Transpose',
      [x],
      x.type,
      order.map((dim) => x.shape[dim]),
      { perm: order },
    );
  }

  /** A dimension summed up, or its largest or smallest number; the dimension goes. */
  reduced(op: 'sum' | 'max' | 'min', x: IrValue, axis: number, opset: number): IrValue {
    const shape = x.shape.filter((_, i) => i !== axis);
    if (op === 'sum') return this.node('ReduceSum', [x, [axis]], x.type, shape, { keepdims: 0 });
    const name = op === 'max' ? 'ReduceMax' : 'ReduceMin';
    return opset < 18
      ? this.node(name, [x], x.type, shape, { axes: [axis], keepdims: 0 })
      : this.node(name, [x, [axis]], x.type, shape, { keepdims: 0 });
  }

  /** Places `start` to `start + count` of one dimension. */
  sliced(x: IrValue, axis: number, start: number, count: number): IrValue {
    if (start === 0 && count === x.shape[axis]) return x;
    const shape = x.shape.map((size, i) => (i === axis ? count : size));
    return this.node('Slice', [x, [start], [start + count], [axis]], x.type, shape);
  }
}

/** The shape of what broadcast values make. */
export function broadcastOf(values: readonly IrValue[]): Shape {
  const rank = Math.max(...values.map(({ shape }) => shape.length));
  return Array.from({ length: rank }, (_, i) =>
    Math.max(...values.map(({ shape }) => shape[i - rank + shape.length] ?? 1)),
  );
}

/** Numbers of `TensorProto.DataType`. */
export const typeNumbers: Readonly<Record<IrType, number>> = { float32: 1, int32: 6, int64: 7, bool: 9, float64: 11 };
