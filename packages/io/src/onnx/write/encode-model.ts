/** Writes a model that was read: its graph, with weights that may have changed. */
import { toBinary } from '@bufbuild/protobuf';
import { decodeTensor } from '../decode-tensor.js';
import { isReal } from '../element-types.js';
import {
  AttributeProto_AttributeType,
  ModelProtoSchema,
  TensorProto_DataType,
  type GraphProto,
  type ModelProto,
} from '../schema.generated.js';

/**
 * @param model - as it was read; its weights are replaced
 * @param numbersOf - other numbers for an initializer, if there are any
 * @returns the file; weights of 16 bits are written as float32
 */
export function encodeModel(model: ModelProto, numbersOf: (name: string) => ArrayLike<number> | undefined): Uint8Array {
  const visit = (graph: GraphProto): void => {
    for (const tensor of graph.initializer) {
      const numbers = numbersOf(tensor.name);
      if (numbers === undefined || !isReal(decodeTensor(tensor, tensor.name).type)) continue;
      const isDouble = tensor.dataType === TensorProto_DataType.DOUBLE;
      const values = isDouble ? Float64Array.from(numbers) : Float32Array.from(numbers);
      tensor.dataType = isDouble ? TensorProto_DataType.DOUBLE : TensorProto_DataType.FLOAT;
      tensor.rawData = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
      tensor.floatData = [];
      tensor.doubleData = [];
      tensor.int32Data = [];
    }
    for (const { attribute } of graph.node) {
      for (const { type, g } of attribute) if (type === AttributeProto_AttributeType.GRAPH && g !== undefined) visit(g);
    }
  };
  if (model.graph !== undefined) visit(model.graph);
  return toBinary(ModelProtoSchema, model);
}
