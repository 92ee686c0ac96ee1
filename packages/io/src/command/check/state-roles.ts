/**
 * Which inputs and outputs of a model are states of its recurrent nodes: followed through whatever
 * only moves numbers.
 */
import type { GraphProto, NodeProto } from '../../onnx/schema.generated.js';

/** A state by where it belongs: a node, and which of its states. */
export type Role = string;

export interface StateRoles {
  /** By input: the states that it is before the first step. */
  readonly inputs: ReadonlyMap<string, ReadonlySet<Role>>;
  /** By output: the states that it is after the last step. */
  readonly outputs: ReadonlyMap<string, ReadonlySet<Role>>;
  /** Outputs that are an input, unchanged. */
  readonly copies: ReadonlyMap<string, string>;
  /** What a role is called: `h`, `c`, or the number of a Scan's or Loop's state. */
  readonly nameOf: (role: Role) => string;
  /** The node of a role. */
  readonly nodeOf: (role: Role) => NodeProto;
}

const moving: ReadonlySet<string> = new Set(
  'Identity Squeeze Unsqueeze Reshape Transpose Slice Gather Split Concat Expand Cast Flatten'.split(' '),
);
const recurrent: ReadonlySet<string> = new Set(['RNN', 'GRU', 'LSTM']);

/** The states of a node: places of its inputs and outputs. */
function statesOf(node: NodeProto): { readonly input: number; readonly output: number; readonly name: string }[] {
  if (recurrent.has(node.opType)) {
    const h = { input: 5, output: 1, name: 'h' };
    return node.opType === 'LSTM' ? [h, { input: 6, output: 2, name: 'c' }] : [h];
  }
  const body = node.attribute.find(({ name }) => name === 'body')?.g;
  if (body === undefined) return [];
  if (node.opType === 'Scan') {
    const sequences = Number(node.attribute.find(({ name }) => name === 'num_scan_inputs')?.i ?? 0n);
    const count = Math.max(0, node.input.length - sequences);
    return Array.from({ length: count }, (_, i) => ({ input: i, output: i, name: String(i) }));
  }
  if (node.opType !== 'Loop') return [];
  return Array.from({ length: Math.max(0, node.input.length - 2) }, (_, i) => ({
    input: i + 2,
    output: i,
    name: String(i),
  }));
}

export function stateRoles(graph: GraphProto): StateRoles {
  const nodes = graph.node;
  const roleOf = (node: number, name: string): Role => `${node} ${name}`;
  // What reaches a name from the inputs by moves alone.
  const origins = new Map<string, Set<string>>(graph.input.map(({ name }) => [name, new Set([name])]));
  // Of which last states a name consists.
  const ends = new Map<string, Set<Role>>();
  const inputs = new Map<string, Set<Role>>();
  const union = <T>(map: ReadonlyMap<string, ReadonlySet<T>>, names: readonly string[]): Set<T> =>
    new Set(names.flatMap((name) => [...(map.get(name) ?? [])]));
  nodes.forEach((node, at) => {
    for (const { input, output, name } of statesOf(node)) {
      const role = roleOf(at, name);
      for (const origin of origins.get(node.input[input] ?? '') ?? []) {
        const roles = inputs.get(origin) ?? new Set();
        inputs.set(origin, roles.add(role));
      }
      const result = node.output[output] ?? '';
      if (result !== '') ends.set(result, new Set([role]));
    }
    if (!moving.has(node.opType)) return;
    const from = node.opType === 'Concat' ? node.input : node.input.slice(0, 1);
    for (const result of node.output) {
      origins.set(result, union(origins, from));
      ends.set(result, union(ends, from));
    }
  });
  const outputs = new Map(graph.output.map(({ name }) => [name, union(ends, [name])]));
  const copies = new Map<string, string>();
  for (const { name } of graph.output) {
    const [first, ...others] = origins.get(name) ?? [];
    if (first !== undefined && others.length === 0 && union(ends, [name]).size === 0) copies.set(name, first);
  }
  return {
    inputs,
    outputs,
    copies,
    nameOf: (role) => role.split(' ')[1],
    nodeOf: (role) => nodes[Number(role.split(' ')[0])],
  };
}
