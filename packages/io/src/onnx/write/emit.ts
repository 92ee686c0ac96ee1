/** Makes one ONNX graph of several traces: nodes must be the same, sizes become expressions of the inputs' sizes. */
import { create } from '@bufbuild/protobuf';
import { ArgumentError } from '@rnn/core';
import {
  AttributeProto_AttributeType as Kind,
  AttributeProtoSchema,
  GraphProtoSchema,
  NodeProtoSchema,
  TensorProtoSchema,
  ValueInfoProtoSchema,
  type AttributeProto,
  type GraphProto,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from '../schema.generated.js';
import {
  isGraph,
  isNumbers,
  typeNumbers,
  type IrAttribute,
  type IrGraph,
  type IrNode,
  type IrOperand,
  type IrType,
  type IrValue,
} from './ir.js';
import { sizeOfNumbers, type Size } from './sizes.js';

/** A dimension that may have any size. */
export interface DynamicDim {
  readonly name: string;
  /** An input that has it, and where. */
  readonly input: string;
  readonly axis: number;
}

/** Traces whose graphs are not one and the same: what was tried as dynamic decides about the graph. */
class TracesDiffer extends Error {}

/**
 * @param graphs - of all traces
 * @param dims - the dynamic dimensions
 * @param sizes - their sizes in each trace
 */
export function emitGraph(
  graphs: readonly IrGraph[],
  dims: readonly DynamicDim[],
  sizes: readonly (readonly number[])[],
): GraphProto {
  return new Emitter(dims, sizes, graphs.length).whole(graphs);
}

class Emitter {
  readonly #dims: readonly DynamicDim[];
  readonly #sizes: readonly (readonly number[])[];
  /** Names of values, for each trace. */
  readonly #names: readonly Map<IrValue, string>[];
  readonly #taken = new Set<string>();
  readonly #counts = new Map<string, number>();
  readonly #initializers: TensorProto[] = [];
  readonly #constants = new Map<string, string>();
  /** Nodes that compute sizes: in front of all others. */
  readonly #front: NodeProto[] = [];
  readonly #known = new Map<string, string>();

  constructor(dims: readonly DynamicDim[], sizes: readonly (readonly number[])[], traces: number) {
    this.#dims = dims;
    this.#sizes = sizes;
    this.#names = Array.from({ length: traces }, () => new Map<IrValue, string>());
  }

  whole(graphs: readonly IrGraph[]): GraphProto {
    for (const { name } of [...graphs[0].inputs, ...graphs[0].outputs]) {
      if (name === undefined) continue;
      if (this.#taken.has(name))
        throw new ArgumentError(`writeOnnx: the name '${name}' is given twice`, { argument: 'outputNames' });
      this.#taken.add(name);
    }
    const body = this.#graph(graphs, 'model');
    body.node.unshift(...this.#front);
    body.initializer.push(...this.#initializers);
    return body;
  }

  #graph(graphs: readonly IrGraph[], name: string): GraphProto {
    const input = graphs[0].inputs.map((_, i) =>
      this.#bind(
        graphs.map(({ inputs }) => inputs[i]),
        'in',
      ),
    );
    const [{ nodes }] = graphs;
    if (graphs.some((graph) => graph.nodes.length !== nodes.length))
      throw new TracesDiffer('the number of operations changes');
    // Outputs have their names before the nodes that make them are written.
    const output = graphs[0].outputs.map((_, i) =>
      this.#bind(
        graphs.map(({ outputs }) => outputs[i]),
        'out',
      ),
    );
    const node = nodes.map((_, k) => this.#node(graphs.map((graph) => graph.nodes[k])));
    return create(GraphProtoSchema, { name, node, input, output });
  }

  /** Names a value and describes it. */
  #bind(values: readonly IrValue[], kind: string): ValueInfoProto {
    const [{ type }] = values;
    const name = this.#nameOf(values, kind);
    const dim = this.#vector(values.map(({ shape }) => shape)).map((size) => {
      if (size?.terms.length === 0) return { value: { case: 'dimValue' as const, value: BigInt(size.summand) } };
      const isDim = size?.terms.length === 1 && size.factor === 1 && size.summand + size.terms[0].plus === 0;
      return isDim ? { value: { case: 'dimParam' as const, value: this.#dims[size.terms[0].dim].name } } : {};
    });
    const tensor = { elemType: typeNumbers[type], shape: { dim } };
    return create(ValueInfoProtoSchema, { name, type: { value: { case: 'tensorType', value: tensor } } });
  }

  #nameOf(values: readonly IrValue[], kind: string): string {
    const name = values[0].name ?? this.#free(kind);
    values.forEach((value, i) => this.#names[i].set(value, name));
    return name;
  }

  #free(kind: string): string {
    for (;;) {
      const count = (this.#counts.get(kind) ?? 0) + 1;
      this.#counts.set(kind, count);
      const name = `${kind}_${count}`;
      if (this.#taken.has(name)) continue;
      this.#taken.add(name);
      return name;
    }
  }

  #node(nodes: readonly IrNode[]): NodeProto {
    const [{ operator, inputs, outputs, attributes }] = nodes;
    for (const node of nodes) {
      if (node.operator !== operator || node.inputs.length !== inputs.length) {
        throw new TracesDiffer(`${operator} in one trace is ${node.operator} in another`);
      }
    }
    const input = inputs.map((_, i) =>
      this.#operand(
        nodes.map((node) => node.inputs[i]),
        operator,
        i,
      ),
    );
    const attribute = Object.keys(attributes).map((name) =>
      this.#attribute(
        name,
        nodes.map((node) => node.attributes[name]),
      ),
    );
    const output = outputs.map((value, i) => {
      if (value === undefined) return '';
      const known = this.#names[0].get(value);
      return (
        known ??
        this.#nameOf(
          nodes.map((node) => node.outputs[i] as IrValue),
          operator,
        )
      );
    });
    return create(NodeProtoSchema, {
      opType: operator,
      name: this.#free(`node_${operator}`),
      input,
      output,
      attribute,
    });
  }

  #operand(operands: readonly IrOperand[], operator: string, position: number): string {
    const [first] = operands;
    if (first === undefined) return '';
    if (isNumbers(first))
      return this.#sizesName(operands as readonly (readonly number[])[], operator === 'Reshape' && position === 1);
    const values = operands as readonly IrValue[];
    if (first.constant !== undefined)
      return this.#constant(values as readonly (IrValue & { constant: ArrayLike<number> })[]);
    const name = this.#names[0].get(first);
    if (name === undefined || values.some((value, i) => this.#names[i].get(value) !== name)) {
      throw new TracesDiffer(`an operand of ${operator} is another value in another trace`);
    }
    return name;
  }

  #attribute(name: string, all: readonly IrAttribute[]): AttributeProto {
    const [first] = all;
    if (isGraph(first))
      return create(AttributeProtoSchema, { name, type: Kind.GRAPH, g: this.#graph(all as readonly IrGraph[], name) });
    if (all.some((other) => JSON.stringify(other) !== JSON.stringify(first)))
      throw new TracesDiffer(`the attribute ${name} changes`);
    if (typeof first === 'number') return create(AttributeProtoSchema, { name, type: Kind.INT, i: BigInt(first) });
    if (typeof first === 'string') return create(AttributeProtoSchema, { name, type: Kind.STRING, s: encoded(first) });
    if ('float' in first) return create(AttributeProtoSchema, { name, type: Kind.FLOAT, f: first.float });
    const list = first as readonly (number | string)[];
    return typeof list[0] === 'string'
      ? create(AttributeProtoSchema, { name, type: Kind.STRINGS, strings: list.map((text) => encoded(String(text))) })
      : create(AttributeProtoSchema, { name, type: Kind.INTS, ints: list.map(BigInt) });
  }

  // --- constants ------------------------------------------------------------------------------------------------
  #constant(values: readonly (IrValue & { constant: ArrayLike<number> })[]): string {
    const [{ type, constant, name, shape }] = values;
    const isSame = values.every(
      (value) =>
        value.constant.length === constant.length &&
        (value.constant === constant || sameNumbers(value.constant, constant)),
    );
    if (!isSame)
      return this.#changing(
        values.map((value) => Array.from(value.constant)),
        type,
      );
    const key = `${type} [${shape.join()}] ${name ?? Array.from(constant).join()}`;
    let found = this.#constants.get(key);
    if (found === undefined) {
      const isFree = name !== undefined && !this.#taken.has(name);
      found = isFree ? name : this.#free(name ?? 'constant');
      this.#taken.add(found);
      this.#constants.set(key, found);
      this.#initializers.push(tensorProto(found, type, shape, constant));
    }
    return found;
  }

  /** Numbers that change with the sizes: a size itself, as in a mean, or the places of a dimension. */
  #changing(lists: readonly (readonly number[])[], type: IrType): string {
    const to = { name: 'to', type: Kind.INT, i: BigInt(typeNumbers[type]) };
    const isCount = lists.every((list) => list.every((number, i) => number === i));
    const numbers = isCount ? lists.map((list) => list.length) : lists.map(([number]) => number);
    const size = sizeOfNumbers(numbers, this.#sizes);
    if (size === undefined || !(isCount || lists.every((list) => list.length === 1))) {
      throw new TracesDiffer('forward makes a tensor out of numbers that change with the sizes of the inputs');
    }
    const name = this.#sizeName(size);
    if (!isCount) return this.#sizeNode('Cast', [name], [to]);
    const scalar = (number: number): string => this.#constant([{ type: 'int64', shape: [], constant: [number] }]);
    const places = this.#sizeNode('Range', [scalar(0), this.#sizeNode('Squeeze', [name]), scalar(1)]);
    return this.#sizeNode('Cast', [places], [to]);
  }

  // --- sizes ----------------------------------------------------------------------------------------------------
  /** What the numbers of a vector are; nothing for one that is no expression of the sizes. */
  #vector(vectors: readonly (readonly number[])[]): (Size | undefined)[] {
    const [first] = vectors;
    if (vectors.some((vector) => vector.length !== first.length))
      throw new TracesDiffer('the number of dimensions changes');
    return first.map((_, i) =>
      sizeOfNumbers(
        vectors.map((vector) => vector[i]),
        this.#sizes,
      ),
    );
  }

  /** A vector of sizes; one dynamic size of a reshape is left to be found. */
  #sizesName(vectors: readonly (readonly number[])[], isReshape: boolean): string {
    const sizes = this.#vector(vectors);
    const isFixed = (size: Size | undefined): size is Size => size?.terms.length === 0;
    const dynamic = sizes.filter((size) => !isFixed(size));
    if (dynamic.length === 0) return this.#numbers(sizes.map((size) => size?.summand ?? 0));
    if (isReshape && dynamic.length === 1 && sizes.every((size) => !isFixed(size) || size.summand !== 0)) {
      return this.#numbers(sizes.map((size) => (isFixed(size) ? size.summand : -1)));
    }
    const key = JSON.stringify(sizes);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const parts = sizes.map((size, i) => {
      if (size !== undefined) return isFixed(size) ? this.#numbers([size.summand]) : this.#sizeName(size);
      const numbers = vectors.map((vector) => vector[i]).join(' or ');
      throw new TracesDiffer(`the size ${numbers} does not follow from the inputs' sizes`);
    });
    const name =
      parts.length === 1 ? parts[0] : this.#sizeNode('Concat', parts, [{ name: 'axis', type: Kind.INT, i: 0n }]);
    this.#known.set(key, name);
    return name;
  }

  #numbers(list: readonly number[]): string {
    return this.#constant([{ type: 'int64', shape: [list.length], constant: list }]);
  }

  /** A single size, as a vector of one. */
  #sizeName({ factor, terms, summand }: Size): string {
    const key = JSON.stringify([factor, terms, summand]);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const plus = (name: string, number: number): string =>
      number === 0 ? name : this.#sizeNode('Add', [name, this.#numbers([number])]);
    const product = terms
      .map(({ dim, plus: extra }) => plus(this.#dimName(dim), extra))
      .reduce((a, b) => this.#sizeNode('Mul', [a, b]));
    const name = plus(factor === 1 ? product : this.#sizeNode('Mul', [product, this.#numbers([factor])]), summand);
    this.#known.set(key, name);
    return name;
  }

  #dimName(dim: number): string {
    const key = `dim ${dim}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const { input, axis } = this.#dims[dim];
    const shape = this.#sizeNode('Shape', [input]);
    const name = this.#sizeNode('Gather', [shape, this.#numbers([axis])]);
    this.#known.set(key, name);
    return name;
  }

  #sizeNode(
    opType: string,
    input: readonly string[],
    attribute: readonly { name: string; type: Kind; i: bigint }[] = [],
  ): string {
    const output = this.#free(`size_${opType}`);
    this.#front.push(
      create(NodeProtoSchema, {
        opType,
        name: this.#free(`node_${opType}`),
        input: [...input],
        output: [output],
        attribute: attribute.map((init) => create(AttributeProtoSchema, init)),
      }),
    );
    return output;
  }
}

function encoded(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function sameNumbers(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  for (let i = 0; i < a.length; i++) if (!Object.is(a[i], b[i])) return false;
  return true;
}

/** Numbers as little-endian bytes. */
function tensorProto(name: string, type: IrType, shape: readonly number[], numbers: ArrayLike<number>): TensorProto {
  const width = type === 'float64' || type === 'int64' ? 8 : type === 'bool' ? 1 : 4;
  const rawData = new Uint8Array(numbers.length * width);
  const view = new DataView(rawData.buffer);
  for (let i = 0; i < numbers.length; i++) {
    const [at, number] = [i * width, numbers[i]];
    if (type === 'float32') view.setFloat32(at, number, true);
    else if (type === 'float64') view.setFloat64(at, number, true);
    else if (type === 'int64') view.setBigInt64(at, BigInt(number), true);
    else if (type === 'int32') view.setInt32(at, number, true);
    else view.setUint8(at, number);
  }
  return create(TensorProtoSchema, { name, dataType: typeNumbers[type], dims: shape.map(BigInt), rawData });
}
