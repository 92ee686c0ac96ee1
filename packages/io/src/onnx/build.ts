/**
 * Makes a model's graphs ready to run. Everything that can be known from the file is checked here: names, attributes, operators. What is
 * wrong is gathered and told at once.
 */
import { FormatError } from '@rnn/core';
import { decodeTensor } from './decode-tensor.js';
import { isReal } from './element-types.js';
import { HOST_LIMIT, type HostArray } from './host-array.js';
import { Node, type Bindings } from './node.js';
import type { Operators } from './operator.js';
import type { Graph, Inputs, Kernel, PlannedNode, Surroundings } from './plan.js';
import type {
  AttributeProto,
  FunctionProto,
  GraphProto,
  ModelProto,
  NodeProto,
  OperatorSetIdProto,
  TensorProto,
} from './schema.generated.js';
import { Value } from './value.js';

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
 * @param makeWeight - called for each weight, once nothing is found wrong with the rest of its graph
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

/** Names that can be seen at a place of a graph. */
interface Names {
  readonly outer: Names | undefined;
  /** A value where it is known before anything runs. */
  readonly known: Map<string, Value | undefined>;
  /** Numbers of weights, which have no value yet. */
  readonly numbers: Map<string, HostArray>;
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
    return this.#body(
      proto.node,
      proto.initializer,
      inputs,
      proto.output.map(({ name }) => name),
      outer,
      bindings,
      roles,
    );
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
      } else define(tensor.name, constant(Value.host(numbers)));
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
    return { inputs, outputs, values, nodes: live, captured: [...captured] };
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

function functionKey(domain: string, name: string, overload: string): string {
  return `${domain === 'ai.onnx' ? '' : domain}:${name}:${overload}`;
}

function isVisible(names: Names | undefined, name: string): boolean {
  for (let at = names; at !== undefined; at = at.outer) if (at.known.has(name)) return true;
  return false;
}

function knownValue(names: Names, name: string): Value | undefined {
  for (let at: Names | undefined = names; at !== undefined; at = at.outer)
    if (at.known.has(name)) return at.known.get(name);
  return undefined;
}

function numbersOf(names: Names, name: string): HostArray | undefined {
  for (let at: Names | undefined = names; at !== undefined; at = at.outer) {
    if (at.known.has(name)) return at.known.get(name)?.host ?? at.numbers.get(name);
  }
  return undefined;
}

function constant(value: Value): Value {
  return value.fix();
}

/** What is known of weights from their uses. */
interface Roles {
  /** Numbers that say what to compute: limits, exponents, fillings. They stay on the host. */
  readonly settings: ReadonlySet<string>;
  /** Weights that are not learned: statistics and initial states. */
  readonly fixed: ReadonlySet<string>;
}

const settings: Readonly<Record<string, readonly number[]>> = {
  Pow: [1],
  Clip: [1, 2],
  Pad: [2],
  OneHot: [2],
  Range: [0, 1, 2],
};
const fixed: Readonly<Record<string, readonly number[]>> = {
  BatchNormalization: [3, 4],
  RNN: [5],
  GRU: [5],
  LSTM: [5, 6],
};

function rolesOf(nodes: readonly NodeProto[]): Roles {
  const namesAt = (table: Readonly<Record<string, readonly number[]>>): Set<string> =>
    new Set(
      nodes.flatMap(({ opType, input }) =>
        Object.hasOwn(table, opType) ? table[opType].map((i) => input[i] ?? '') : [],
      ),
    );
  return { settings: namesAt(settings), fixed: namesAt(fixed) };
}

/** Ends the folding of a node that needs more than the host. */
class NotFoldable extends Error {}

/** Stands around a node whose inputs are all known: there is no device yet. */
const nothing: Surroundings = {
  get backend(): never {
    throw new NotFoldable();
  },
  run(): never {
    throw new NotFoldable();
  },
  runOnce(): never {
    throw new NotFoldable();
  },
  lookUp(): never {
    throw new NotFoldable();
  },
  keep(): never {
    throw new NotFoldable();
  },
};

/** The results of a node, where its inputs are known and small. */
function fold(node: Node, kernel: Kernel, names: Names): readonly (Value | undefined)[] | undefined {
  if (!('run' in kernel)) return undefined;
  const inputs: Inputs = node.inputs.map((name) => (name === '' ? undefined : knownValue(names, name)));
  if (inputs.some((value, i) => node.inputs[i] !== '' && (value === undefined || value.size > HOST_LIMIT)))
    return undefined;
  try {
    const outputs = kernel.run(inputs, nothing);
    return outputs.every((value) => value === undefined || value.isHost)
      ? outputs.map((value) => value && constant(value))
      : undefined;
  } catch (error) {
    // Whatever is wrong shows again when the node runs, if it runs.
    if (error instanceof Error) return undefined;
    throw error;
  }
}

/** Leaves out nodes that nothing needs, and says for each of the others which names end with it. */
function withLastUses<N extends Omit<PlannedNode, 'lastUses'> & { readonly uses: readonly string[] }>(
  nodes: readonly N[],
  outputs: readonly string[],
  inputs: ReadonlySet<string>,
): (N & PlannedNode)[] {
  const made = new Set(nodes.flatMap(({ node }) => node.outputs).filter((name) => name !== ''));
  const needed = new Set(outputs);
  const live: (N & PlannedNode)[] = [];
  for (let i = nodes.length - 1; i >= 0; i--) {
    const planned = nodes[i];
    if (!planned.node.outputs.some((name) => needed.has(name))) continue;
    const lastUses: string[] = [];
    for (const name of planned.node.outputs) if (name !== '' && !needed.has(name)) lastUses.push(name);
    for (const name of planned.uses) {
      if (needed.has(name)) continue;
      needed.add(name);
      if (made.has(name) || inputs.has(name)) lastUses.push(name);
    }
    live.push({ ...planned, lastUses });
  }
  return live.reverse();
}
