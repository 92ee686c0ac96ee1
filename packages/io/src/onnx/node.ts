/**
 * One node of a graph as an operator sees it: its attributes, checked, and the means to complain in
 * its name.
 */
import { FormatError } from '@rnn/core';
import { decodeTensor } from './decode-tensor.js';
import type { HostArray } from './host-array.js';
import type { Graph } from './plan.js';
import { AttributeProto_AttributeType as Kind, type AttributeProto, type NodeProto } from './schema.generated.js';

/** Attributes of a function's call, for the nodes of its body that refer to them. */
export type Bindings = ReadonlyMap<string, AttributeProto>;

export class Node {
  readonly operator: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Version of the operator set that the graph was written for. */
  readonly opset: number;
  readonly #name: string;
  readonly #attributes = new Map<string, AttributeProto>();
  readonly #prepare: (attribute: AttributeProto) => Graph;
  readonly #constants: (name: string) => HostArray | undefined;

  /**
   * @param proto - what the file says
   * @param opset - the version of its domain
   * @param bindings - of the function that the node is part of
   * @param prepare - makes a graph of an attribute ready to run
   * @param constants - the numbers of a name, where the model itself has them
   */
  constructor(
    proto: NodeProto,
    opset: number,
    bindings: Bindings,
    prepare: (attribute: AttributeProto) => Graph,
    constants: (name: string) => HostArray | undefined,
  ) {
    this.operator = proto.opType;
    this.domain = proto.domain === 'ai.onnx' ? '' : proto.domain;
    this.inputs = proto.input;
    this.outputs = proto.output;
    this.opset = opset;
    this.#name = proto.name;
    this.#prepare = prepare;
    this.#constants = constants;
    for (const attribute of proto.attribute) {
      const bound = attribute.refAttrName === '' ? attribute : bindings.get(attribute.refAttrName);
      if (bound === undefined) continue;
      if (this.#attributes.has(attribute.name)) this.fail(`the attribute ${attribute.name} comes twice`);
      this.#attributes.set(attribute.name, bound);
    }
  }

  /** The operator and the node's name, for messages. */
  get title(): string {
    const name = this.#name === '' ? this.outputs.find((output) => output !== '') : this.#name;
    return `${this.operator} '${name ?? ''}'`;
  }

  /** Refuses the node. */
  fail(what: string): never {
    throw new FormatError(`readOnnx: ${this.title}: ${what}`);
  }

  get attributes(): Bindings {
    return this.#attributes;
  }

  has(name: string): boolean {
    return this.#attributes.has(name);
  }

  int(name: string, byDefault: number): number;
  int(name: string): number | undefined;
  int(name: string, byDefault?: number): number | undefined {
    const attribute = this.#of(name, Kind.INT);
    return attribute === undefined ? byDefault : Number(attribute.i);
  }

  flag(name: string): boolean {
    return this.int(name, 0) !== 0;
  }

  ints(name: string): number[] | undefined {
    return this.#of(name, Kind.INTS)?.ints.map(Number);
  }

  float(name: string, byDefault: number): number;
  float(name: string): number | undefined;
  float(name: string, byDefault?: number): number | undefined {
    return this.#of(name, Kind.FLOAT)?.f ?? byDefault;
  }

  floats(name: string): number[] | undefined {
    return this.#of(name, Kind.FLOATS)?.floats;
  }

  text(name: string, byDefault: string): string {
    const attribute = this.#of(name, Kind.STRING);
    return attribute === undefined ? byDefault : this.#decoded(attribute.s);
  }

  texts(name: string): string[] | undefined {
    return this.#of(name, Kind.STRINGS)?.strings.map((bytes) => this.#decoded(bytes));
  }

  /** One of some words. */
  choice<T extends string>(name: string, byDefault: T, choices: readonly T[]): T {
    const word = this.text(name, byDefault);
    const found = choices.find((choice) => choice === word);
    return found ?? this.fail(`${name} is '${word}', expected ${choices.map((choice) => `'${choice}'`).join(' or ')}`);
  }

  tensor(name: string): HostArray | undefined {
    const proto = this.#of(name, Kind.TENSOR)?.t;
    return proto && decodeTensor(proto, `attribute ${name} of ${this.title}`);
  }

  /** A graph, ready to run. */
  graph(name: string): Graph {
    const attribute = this.#of(name, Kind.GRAPH);
    return attribute?.g === undefined ? this.fail(`the graph ${name} is missing`) : this.#prepare(attribute);
  }

  /** The numbers of an input, where the model itself has them. */
  constant(input: number): HostArray | undefined {
    const name = this.inputs[input];
    return name === undefined || name === '' ? undefined : this.#constants(name);
  }

  #of(name: string, kind: Kind): AttributeProto | undefined {
    const attribute = this.#attributes.get(name);
    // Files of the first versions leave the type out.
    if (attribute === undefined || attribute.type === kind || attribute.type === Kind.UNDEFINED) return attribute;
    return this.fail(`the attribute ${name} is of type ${attribute.type}, expected ${kind}`);
  }

  #decoded(bytes: Uint8Array): string {
    return new TextDecoder().decode(bytes);
  }
}
