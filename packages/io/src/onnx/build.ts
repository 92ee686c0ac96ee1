/**
 * Makes a model's graphs ready to run. Everything that can be known from the file is checked here:
 * names, attributes, operators. What is wrong is gathered and told at once.
 */
import { FormatError } from '@rnn/core';
import { decodeTensor } from './decode-tensor.js';
import { elementType, isReal } from './element-types.js';
import { fold } from './fold.js';
import type { HostArray } from './host-array.js';
import { withLastUses } from './last-uses.js';
import { isVisible, numbersOf, type Names } from './names.js';
import { Node, type Bindings } from './node.js';
import type { Operators } from './operator.js';
import type { DeclaredOutput, Graph, Kernel, PlannedNode } from './plan.js';
import type {
  AttributeProto,
  FunctionProto,
  GraphProto,
  ModelProto,
  NodeProto,
  OperatorSetIdProto,
  TensorProto,
  ValueInfoProto,
} from './schema.generated.js';
import { Value } from './value.js';
import { rolesOf, type Roles } from './weight-roles.js';

/** More nodes than any model has: functions that call one another could ask for any number. */
const NODES_AT_MOST = 250_000;

/** Makes the value of a weight. */
export type MakeWeight = (name: string, numbers: HostArray, isTrained: boolean) => Value;

/** What a model consists of, ready to run. */
export interface Built {
  readonly graph: Graph;
  /** Everything in it that is known before it runs. */
  readonly constants: readonly Value[];
}

/**
 * Builds a model.
 *
 * @param model - as the file says
 * @param operators - the operator table
 * @param makeWeight - called for each weight, once nothing is found wrong with the rest of its
 *   graph
 * @returns the model's graph
 * @throws FormatError that lists everything that is missing or wrong
 */
export function buildModel(model: ModelProto, operators: Operators, makeWeight: MakeWeight): Built {
  const { graph } = model;
  if (graph === undefined) throw new FormatError('readOnnx: the model has no graph', { expected: 'a graph' });
  const versions = versionsOf(model.opsetImport);
  const opset = versions.get('') ?? 0;
  if (opset < 7) {
    throw new FormatError(
      `readOnnx: the model uses version ${opset} of ONNX's operators, expected 7 or later (convert it with onnx.version_converter)`,
      { expected: 'version 7 or later', received: String(opset) },
    );
  }
  const builder = new Builder(model, operators, versions);
  const names = graph.input.map(({ name }) => name).filter((name) => !graph.initializer.some((t) => t.name === name));
  const built = builder.graph(graph, names, undefined, new Map());
  builder.finish();
  for (const make of builder.weights) make(makeWeight);
  return { graph: built, constants: builder.constants };
}

/** Versions of operator sets by domain. */
function versionsOf(imports: readonly OperatorSetIdProto[]): Map<string, number> {
  return new Map(imports.map(({ domain, version }) => [domain === 'ai.onnx' ? '' : domain, Number(version)]));
}

class Builder {
  readonly weights: ((makeWeight: MakeWeight) => void)[] = [];
  readonly constants: Value[] = [];
  readonly #operators: Operators;
  #versions: ReadonlyMap<string, number>;
  readonly #functions: ReadonlyMap<string, FunctionProto>;
  readonly #calls: FunctionProto[] = [];
  readonly #missing: string[] = [];
  readonly #wrong: FormatError[] = [];
  #nodes = 0;

  constructor(model: ModelProto, operators: Operators, versions: ReadonlyMap<string, number>) {
    this.#operators = operators;
    this.#versions = versions;
    this.#functions = new Map(model.functions.map((fn) => [functionKey(fn.domain, fn.name, fn.overload), fn]));
  }

  /** Tells all that was found missing or wrong. */
  finish(): void {
    if (this.#missing.length === 0 && this.#wrong.length === 0) return;
    if (this.#missing.length === 0 && this.#wrong.length === 1) throw this.#wrong[0];
    const received = this.#missing.join(', ');
    const missing = received === '' ? [] : [`operators that are not supported: ${received}`];
    const wrong = this.#wrong.map(({ message }) => message.replace('readOnnx: ', ''));
    throw new FormatError(`readOnnx: ${[...missing, ...wrong].join('; ')}`, {
      code: this.#missing.length > 0 ? 'ERR_ONNX_OPERATOR' : 'ERR_FORMAT',
      expected: 'operators of the table in the package’s documentation',
      received,
    });
  }

  /** Makes a graph ready. */
  graph(proto: GraphProto, inputs: readonly string[], outer: Names | undefined, bindings: Bindings): Graph {
    const roles = rolesOf(proto.node);
    const graph = this.#body(
      proto.node,
      proto.initializer,
      inputs,
      proto.output.map(({ name }) => name),
      outer,
      bindings,
      roles,
    );
    return { ...graph, declared: proto.output.map(declaredOutput) };
  }

  #body(
    nodes: readonly NodeProto[],
    initializers: readonly TensorProto[],
    inputs: readonly string[],
    outputs: readonly string[],
    outer: Names | undefined,
    bindings: Bindings,
    roles: Roles,
  ): Graph {
    const names: Names = { outer, known: new Map(), numbers: new Map() };
    const values = new Map<string, Value>();
    const define = (name: string, value: Value | undefined): void => {
      if (names.known.has(name))
        throw new FormatError(`readOnnx: the name '${name}' is given twice`, { received: name });
      names.known.set(name, value);
      if (value === undefined) return;
      values.set(name, value);
      this.constants.push(value);
    };
    for (const name of inputs) define(name, undefined);
    for (const tensor of initializers) {
      const numbers = decodeTensor(tensor, `the initializer '${tensor.name}'`);
      if (isReal(numbers.type) && numbers.shape.length > 0 && !roles.settings.has(tensor.name)) {
        define(tensor.name, undefined);
        names.numbers.set(tensor.name, numbers);
        const isTrained = !roles.fixed.has(tensor.name);
        this.weights.push((makeWeight) => values.set(tensor.name, makeWeight(tensor.name, numbers, isTrained)));
      } else define(tensor.name, Value.host(numbers).fix());
    }
    const planned: (Omit<PlannedNode, 'lastUses'> & { readonly uses: readonly string[] })[] = [];
    for (const proto of nodes) {
      if (++this.#nodes > NODES_AT_MOST) {
        throw new FormatError(`readOnnx: the model has more than ${NODES_AT_MOST} nodes, functions written out`);
      }
      const graphs: Graph[] = [];
      const found = this.#node(proto, names, bindings, graphs);
      for (const name of proto.input) {
        if (name === '' || isVisible(names, name)) continue;
        throw new FormatError(
          `readOnnx: ${found?.node.title ?? proto.opType}: its input '${name}' is not made before it`,
          {
            received: name,
          },
        );
      }
      const folded = found && fold(found.node, found.kernel, names);
      proto.output.forEach((name, i) => {
        if (name !== '') define(name, folded?.[i]);
      });
      if (found === undefined || folded !== undefined) continue;
      const captured = graphs.flatMap((graph) => graph.captured);
      planned.push({ ...found, captured, uses: [...found.node.inputs, ...captured].filter((name) => name !== '') });
    }
    for (const name of outputs) {
      if (isVisible(names, name)) continue;
      throw new FormatError(`readOnnx: no node makes the output '${name}'`, { received: name });
    }
    const live = withLastUses(planned, outputs, new Set(inputs));
    const own = (name: string): boolean => names.known.has(name);
    const captured = new Set([...live.flatMap((node) => node.uses), ...outputs].filter((name) => !own(name)));
    return { inputs, outputs, values, nodes: live, captured: [...captured], declared: [] };
  }

  /** A node with its kernel; nothing for one that is missing or wrong. */
  #node(
    proto: NodeProto,
    names: Names,
    bindings: Bindings,
    graphs: Graph[],
  ): { readonly node: Node; readonly kernel: Kernel } | undefined {
    const domain = proto.domain === 'ai.onnx' ? '' : proto.domain;
    const fn = this.#functions.get(functionKey(domain, proto.opType, proto.overload));
    const prepare = (attribute: AttributeProto): Graph => {
      const inner = attribute.g as GraphProto;
      const graph = this.graph(
        inner,
        inner.input.map(({ name }) => name),
        names,
        bindings,
      );
      graphs.push(graph);
      return graph;
    };
    const node = new Node(proto, this.#versions.get(domain) ?? 0, bindings, prepare, (name) => numbersOf(names, name));
    const key = domain === '' ? proto.opType : `${domain}.${proto.opType}`;
    const operator = Object.hasOwn(this.#operators, key) ? this.#operators[key] : undefined;
    try {
      if (operator !== undefined) return { node, kernel: operator(node) };
      if (fn !== undefined) return { node, kernel: this.#call(fn, node) };
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      this.#wrong.push(error);
      return undefined;
    }
    this.#missing.push(`${domain === '' ? '' : `${domain}.`}${node.title}`);
    return undefined;
  }

  /** A call of one of the model's own functions: its body with the attributes of the call. */
  #call(fn: FunctionProto, node: Node): Kernel {
    if (this.#calls.includes(fn)) node.fail('the function calls itself');
    const absent = new Set(fn.input.filter((_, i) => (node.inputs[i] ?? '') === ''));
    const defaults = fn.attributeProto.map((attribute): [string, AttributeProto] => [attribute.name, attribute]);
    const bindings = new Map([...defaults, ...node.attributes]);
    const nodes = fn.node.map((inner) => {
      const input = inner.input.map((name) => (absent.has(name) ? '' : name));
      return Object.assign(Object.create(inner) as NodeProto, { input });
    });
    const versions = this.#versions;
    this.#versions = new Map([...versions, ...versionsOf(fn.opsetImport)]);
    this.#calls.push(fn);
    try {
      const present = fn.input.filter((name) => !absent.has(name));
      const graph = this.#body(nodes, [], present, fn.output, undefined, bindings, rolesOf(nodes));
      const positions = present.map((name) => fn.input.indexOf(name));
      return {
        *steps(inputs, around) {
          return yield* around.runOnce(
            graph,
            positions.map((i) => inputs[i] as Value),
          );
        },
      };
    } finally {
      this.#versions = versions;
      this.#calls.pop();
    }
  }
}

/** What the file says of an output of a graph. */
function declaredOutput({ name, type }: ValueInfoProto): DeclaredOutput | undefined {
  if (type?.value.case !== 'tensorType' || type.value.value.shape === undefined) return undefined;
  const { elemType, shape } = type.value.value;
  if (elemType === 0) return undefined;
  return {
    type: elementType(elemType, `'${name}'`),
    shape: shape.dim.map(({ value }) => (value.case === 'dimValue' ? Number(value.value) : undefined)),
  };
}

function functionKey(domain: string, name: string, overload: string): string {
  return `${domain === 'ai.onnx' ? '' : domain}:${name}:${overload}`;
}
