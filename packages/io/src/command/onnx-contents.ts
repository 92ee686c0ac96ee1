/** What a listing shows of an ONNX model. */
import { sizeOf } from '@rnn/core';
import { widthOf } from '../onnx/decode-tensor.js';
import type { OnnxModel } from '../onnx/decode-model.js';
import { elementType } from '../onnx/element-types.js';
import { infoOf, outputInfoOf } from '../onnx/read-onnx.js';
import type { OnnxValueInfo } from '../onnx/input-value.js';
import type { GraphProto, TensorProto } from '../onnx/schema.generated.js';
import { contractOf, STATE_KEY } from './check/contract.js';
import type { Contents } from './contents.js';

export function contentsOf(model: OnnxModel): Contents {
  const { graph, metadataProps, opsetImport, producerName } = model;
  const tensors = initializersOf(graph).map(({ name, dims, dataType }) => {
    const type = elementType(dataType, `the initializer '${name}'`);
    const shape = dims.map(Number);
    return { name, type, shape, bytes: sizeOf(shape) * widthOf(type) };
  });
  const weights = new Set(graph.initializer.map(({ name }) => name));
  const form = ({ dtype, shape }: OnnxValueInfo): string => `${dtype} [${shape.join(', ')}]`;
  const named = (info: OnnxValueInfo): [string, string] => [info.name, form(info)];
  const inputs = graph.input.filter(({ name }) => !weights.has(name)).map((info) => named(infoOf(info)));
  const outputs = graph.output.map((info) => named(outputInfoOf(info)));
  const counts = new Map<string, number>();
  countOperators(graph, counts);
  const operators = [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
  const links = contractOf(model) ?? [];
  const state = links.map(({ input, output, initial }): [string, string] => [
    output,
    `goes into ${input}, which is ${initial} before the first call`,
  ]);
  return {
    format: 'ONNX',
    tensors,
    metadata: [
      ...(producerName === '' ? [] : [['producer', producerName] as const]),
      ...opsetImport.map(({ domain, version }) => [`opset of ${domain || 'ai.onnx'}`, String(version)] as const),
      ...metadataProps
        .filter(({ key }) => key !== STATE_KEY || links.length === 0)
        .map(({ key, value }) => [key, value] as const),
    ],
    parts: [
      { title: 'inputs', notes: inputs },
      { title: 'outputs', notes: outputs },
      { title: 'operators', notes: operators.map(([name, count]) => [name, String(count)]) },
      { title: 'state', notes: state },
    ],
  };
}

/** Weights of a graph and of the graphs in it. */
function initializersOf(graph: GraphProto): TensorProto[] {
  const inner = graph.node.flatMap(({ attribute }) => attribute.flatMap(({ g }) => (g === undefined ? [] : [g])));
  return [...graph.initializer, ...inner.flatMap(initializersOf)];
}

function countOperators(graph: GraphProto, counts: Map<string, number>): void {
  for (const { opType, attribute } of graph.node) {
    counts.set(opType, (counts.get(opType) ?? 0) + 1);
    for (const { g } of attribute) if (g !== undefined) countOperators(g, counts);
  }
}
