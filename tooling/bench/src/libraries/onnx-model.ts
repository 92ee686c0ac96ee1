import type { Numbers, WorkloadNumbers } from '../numbers.ts';
import { gatesOf, type Workload } from '../workload.ts';
import { loadPeer } from './peer.ts';

/** The classes of `onnx-proto` that are used; a message's fields are a plain object. */
interface OnnxProto {
  readonly onnx: {
    readonly ModelProto: { encode(model: object): { finish(): Uint8Array } };
  };
}

/** Numbers of `TensorProto.DataType` and `AttributeProto.AttributeType`. */
const FLOAT = 1;
const INT64 = 7;
const ATTRIBUTE = { int: 2, string: 3, ints: 7 } as const;

/** Where ONNX has PyTorch's gates: i, f, g, o become i, o, f, g, and r, z, n become z, r, n. */
const GATE_ORDER = { rnn: [0], lstm: [0, 3, 1, 2], gru: [1, 0, 2] } as const;

const OPERATOR = { rnn: 'RNN', lstm: 'LSTM', gru: 'GRU' } as const;

const integer = (name: string, i: number): object => ({ name, type: ATTRIBUTE.int, i });
const integers = (name: string, ints: readonly number[]): object => ({ name, type: ATTRIBUTE.ints, ints });
const text = (name: string, value: string): object => ({
  name,
  type: ATTRIBUTE.string,
  s: new TextEncoder().encode(value),
});

function constant(name: string, dims: readonly number[], values: Float32Array | BigInt64Array): object {
  const rawData = new Uint8Array(values.buffer);
  return { name, dims, dataType: values instanceof Float32Array ? FLOAT : INT64, rawData };
}

/** An input or output of the graph, in float32. */
function port(name: string, shape: readonly number[]): object {
  return { name, type: { tensorType: { elemType: FLOAT, shape: { dim: shape.map((dimValue) => ({ dimValue })) } } } };
}

/** Rows of a stacked weight in ONNX's order of gates. */
function reordered({ values }: Numbers, order: readonly number[]): Float32Array {
  const size = values.length / order.length;
  const out = new Float32Array(values.length);
  order.forEach((gate, position) => out.set(values.subarray(gate * size, (gate + 1) * size), position * size));
  return out;
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const out = new Float32Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/**
 * The workload as an ONNX model: input `X` `[T, B, I]`, output `Y` `[T, B, dirs * H]`.
 *
 * @param isStep - one step with the state going in (`H0`, `C0`) and out (`H1`, `C1`), `[1, 1, H]`
 *   each, instead of the whole sequence
 */
export async function onnxModel(
  workload: Workload,
  { weights }: WorkloadNumbers,
  isStep: boolean,
): Promise<Uint8Array> {
  const { cell, B, I, H, T, layers, dirs } = workload;
  const rows = gatesOf(workload) * H;
  const order = GATE_ORDER[cell];
  const nodes: object[] = [];
  const constants: object[] = [];
  const inputs = [port('X', [T, B, I])];
  const state = [1, B, H];
  if (isStep) inputs.push(port('H0', state), ...(cell === 'lstm' ? [port('C0', state)] : []));
  let current = 'X';
  for (let layer = 0; layer < layers; layer++) {
    const suffixes = [`_l${layer}`, `_l${layer}_reverse`].slice(0, dirs);
    const parts = (name: string): Float32Array[] =>
      suffixes.map((suffix) => reordered(weights.get(name + suffix) as Numbers, order));
    const below = layer === 0 ? I : dirs * H;
    const [biasIh, biasHh] = [parts('bias_ih'), parts('bias_hh')];
    constants.push(
      constant(`W${layer}`, [dirs, rows, below], joined(parts('weight_ih'))),
      constant(`R${layer}`, [dirs, rows, H], joined(parts('weight_hh'))),
      constant(`B${layer}`, [dirs, 2 * rows], joined(suffixes.flatMap((_, d) => [biasIh[d], biasHh[d]]))),
      constant(`S${layer}`, [3], BigInt64Array.of(BigInt(T), BigInt(B), BigInt(dirs * H))),
    );
    nodes.push(
      {
        opType: OPERATOR[cell],
        input: [
          current,
          `W${layer}`,
          `R${layer}`,
          `B${layer}`,
          ...(isStep ? ['', 'H0', ...(cell === 'lstm' ? ['C0'] : [])] : []),
        ],
        output: [`Y${layer}`, ...(isStep ? ['H1', ...(cell === 'lstm' ? ['C1'] : [])] : [])],
        attribute: [
          integer('hidden_size', H),
          text('direction', dirs === 2 ? 'bidirectional' : 'forward'),
          ...(cell === 'gru' ? [integer('linear_before_reset', 1)] : []),
        ],
      },
      // [T, dirs, B, H] becomes [T, B, dirs, H], then [T, B, dirs * H].
      { opType: 'Transpose', input: [`Y${layer}`], output: [`Z${layer}`], attribute: [integers('perm', [0, 2, 1, 3])] },
      { opType: 'Reshape', input: [`Z${layer}`, `S${layer}`], output: [layer === layers - 1 ? 'Y' : `X${layer + 1}`] },
    );
    current = `X${layer + 1}`;
  }
  const outputs = isStep
    ? [port('H1', state), ...(cell === 'lstm' ? [port('C1', state)] : [])]
    : [port('Y', [T, B, dirs * H])];
  const graph = {
    name: workload.id,
    node: isStep ? nodes.slice(0, 1) : nodes,
    initializer: constants,
    input: inputs,
    output: outputs,
  };
  const { onnx } = await loadPeer<OnnxProto>('onnx-proto');
  return onnx.ModelProto.encode({ irVersion: 8, opsetImport: [{ domain: '', version: 17 }], graph }).finish();
}
