/**
 * The weights of an ONNX model as a state dict: those of recurrent layers under PyTorch's names,
 * with its order of gates.
 */
import type { HostTensor } from '../host/host-tensor.js';
import { decodeTensor } from '../onnx/decode-tensor.js';
import type { OnnxModel } from '../onnx/decode-model.js';
import { isReal } from '../onnx/element-types.js';
import type { HostArray } from '../onnx/host-array.js';
import type { NodeProto } from '../onnx/schema.generated.js';
import { recurrentLayer } from './recurrent-layer.js';

/** For each gate of PyTorch its place in ONNX. */
const orders: Readonly<Record<string, readonly number[]>> = { RNN: [0], GRU: [1, 0, 2], LSTM: [0, 2, 3, 1] };

/** Where an exporter keeps the path of the module that a node comes from. */
const SCOPES = 'pkg.torch.onnx.name_scopes';

export function weightsOf(model: OnnxModel): Record<string, HostTensor> {
  const { graph } = model;
  const numbers = new Map(
    graph.initializer.map((tensor) => [tensor.name, decodeTensor(tensor, `the initializer '${tensor.name}'`)]),
  );
  const uses = new Map<string, number>();
  for (const node of graph.node) for (const name of node.input) uses.set(name, (uses.get(name) ?? 0) + 1);
  const weights: Record<string, HostTensor> = {};
  const taken = new Set<string>();
  const levels = new Map<string, number>();
  graph.node.forEach((node) => {
    const [w, r, b] = [1, 2, 3].map((i) => numbers.get(node.input[i] ?? ''));
    if (w === undefined || r === undefined || recurrentLayer(node).reasons.length > 0) return;
    const [path, known] = pathOf(node);
    const level = known ?? levels.get(path) ?? 0;
    levels.set(path, level + 1);
    const found = layerOf(node.opType, path, level, w, r, b);
    if (found === undefined || Object.keys(found).some((name) => Object.hasOwn(weights, name))) return;
    Object.assign(weights, found);
    for (const i of [1, 2, 3]) if (uses.get(node.input[i] ?? '') === 1) taken.add(node.input[i]);
  });
  for (const [name, array] of numbers) {
    if (!taken.has(name) && !Object.hasOwn(weights, name)) weights[name] = hostTensor(array);
  }
  return weights;
}

/** The parts of one level in PyTorch's form; nothing where the shapes are no layer's. */
function layerOf(
  operator: string,
  path: string,
  level: number,
  w: HostArray,
  r: HostArray,
  b: HostArray | undefined,
): Record<string, HostTensor> | undefined {
  const order = orders[operator];
  const [directions, rows, hidden] = r.shape;
  if (rows !== order.length * hidden || w.shape[0] !== directions || w.shape[1] !== rows) return undefined;
  const parts: Record<string, HostTensor> = {};
  const add = (kind: string, d: number, { numbers }: HostArray, start: number, columns: number): void => {
    const name = `${path === '' ? '' : `${path}.`}${kind}_l${level}${d === 1 ? '_reverse' : ''}`;
    const block = hidden * columns;
    const all = Array.from(numbers).slice(start, start + rows * columns);
    const data = Float32Array.from(order.flatMap((gate) => all.slice(gate * block, (gate + 1) * block)));
    parts[name] = { shape: kind.startsWith('bias') ? [rows] : [rows, columns], data };
  };
  for (let d = 0; d < directions; d++) {
    add('weight_ih', d, w, d * rows * w.shape[2], w.shape[2]);
    add('weight_hh', d, r, d * rows * hidden, hidden);
    if (b === undefined) continue;
    add('bias_ih', d, b, 2 * d * rows, 1);
    add('bias_hh', d, b, (2 * d + 1) * rows, 1);
  }
  return parts;
}

/** The path of the module that a node comes from, and its level where a name says it. */
function pathOf(node: NodeProto): [path: string, level: number | undefined] {
  const ours = /^(?:(.*)\.)?weight_ih_l(\d+)$/.exec(node.input[1] ?? '');
  if (ours !== null) return [ours[1] ?? '', Number(ours[2])];
  const older = /^\/(.+)\/[A-Z]+(?:_(\d+))?$/.exec(node.name);
  if (older !== null) return [older[1].replaceAll('/', '.'), Number(older[2] ?? 0)];
  const scopes = node.metadataProps.find(({ key }) => key === SCOPES)?.value ?? '';
  const names = [...scopes.matchAll(/'([^']*)'/g)].map(([, name]) => name);
  // The last scope is the operator itself, the one before it the module, by its whole path.
  return [names[names.length - 2] ?? node.opType.toLowerCase(), undefined];
}

function hostTensor({ type, shape, numbers }: HostArray): HostTensor {
  if (!isReal(type)) return { shape: [...shape], data: Int32Array.from(numbers) };
  return {
    shape: [...shape],
    data: type === 'float64' ? Float64Array.from(numbers) : Float32Array.from(numbers),
  };
}
