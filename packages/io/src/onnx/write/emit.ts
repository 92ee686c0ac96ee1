/**
 * Makes one ONNX graph of several traces: nodes must be the same, sizes become expressions of the
 * inputs' sizes.
 */
import { create } from '@bufbuild/protobuf';
import { ArgumentError } from '@rnn/core';
import {
  AttributeProto_AttributeType as Kind,
  AttributeProtoSchema,
  GraphProtoSchema,
  NodeProtoSchema,
  ValueInfoProtoSchema,
  type AttributeProto,
  type GraphProto,
  type NodeProto,
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
  type IrValue,
} from './ir.js';
import { Constants, FreeNames } from './emit-constants.js';
import { SizeNodes, TracesDiffer, type DynamicDim } from './emit-sizes.js';

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
  readonly #free = new FreeNames();
  readonly #constants = new Constants(this.#free);
  readonly #sizes: SizeNodes;
  /** Names of values, for each trace. */
  readonly #names: readonly Map<IrValue, string>[];

  constructor(dims: readonly DynamicDim[], sizes: readonly (readonly number[])[], traces: number) {
    this.#dims = dims;
    this.#sizes = new SizeNodes(dims, sizes, this.#free, this.#constants);
    this.#names = Array.from({ length: traces }, () => new Map<IrValue, string>());
  }

  whole(graphs: readonly IrGraph[]): GraphProto {
    for (const { name } of [...graphs[0].inputs, ...graphs[0].outputs]) {
      if (name === undefined) continue;
      if (!this.#free.take(name))
        throw new ArgumentError(`writeOnnx: the name '${name}' is given twice`, { argument: 'outputNames' });
    }
    const body = this.#graph(graphs, 'model');
    body.node.unshift(...this.#sizes.nodes);
    body.initializer.push(...this.#constants.initializers);
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
    const dim = this.#sizes.vector(values.map(({ shape }) => shape)).map((size) => {
      if (size?.terms.length === 0) return { value: { case: 'dimValue' as const, value: BigInt(size.summand) } };
      const isDim = size?.terms.length === 1 && size.factor === 1 && size.summand + size.terms[0].plus === 0;
      return isDim ? { value: { case: 'dimParam' as const, value: this.#dims[size.terms[0].dim].name } } : {};
    });
    const tensor = { elemType: typeNumbers[type], shape: { dim } };
    return create(ValueInfoProtoSchema, { name, type: { value: { case: 'tensorType', value: tensor } } });
  }

  #nameOf(values: readonly IrValue[], kind: string): string {
    const name = values[0].name ?? this.#free.like(kind);
    values.forEach((value, i) => this.#names[i].set(value, name));
    return name;
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
      name: this.#free.like(`node_${operator}`),
      input,
      output,
      attribute,
    });
  }

  #operand(operands: readonly IrOperand[], operator: string, position: number): string {
    const [first] = operands;
    if (first === undefined) return '';
    if (isNumbers(first))
      return this.#sizes.list(operands as readonly (readonly number[])[], operator === 'Reshape' && position === 1);
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

  #constant(values: readonly (IrValue & { constant: ArrayLike<number> })[]): string {
    const [{ type, constant, name, shape }] = values;
    const isSame = values.every(
      (value) =>
        value.constant.length === constant.length &&
        (value.constant === constant || sameNumbers(value.constant, constant)),
    );
    if (isSame) return this.#constants.of(type, shape, constant, name);
    return this.#sizes.changing(
      values.map((value) => Array.from(value.constant)),
      type,
    );
  }
}

function encoded(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function sameNumbers(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  for (let i = 0; i < a.length; i++) if (!Object.is(a[i], b[i])) return false;
  return true;
}
