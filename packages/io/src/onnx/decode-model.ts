/**
 * The protobuf of a model: bytes become the messages of ONNX's schema, of which nothing is believed
 * yet.
 */
import { fromBinary } from '@bufbuild/protobuf';
import { FormatError } from '@rnn/core';
import { givenBytes } from '../host/given-bytes.js';
import { looksLike } from '../host/looks-like.js';
import { ModelProtoSchema, type GraphProto, type ModelProto } from './schema.generated.js';

/** A model that has a graph. */
export type OnnxModel = ModelProto & { graph: GraphProto };

/** Graphs in graphs, and messages in messages, that no model comes near. */
const DEPTH_AT_MOST = 64;

/**
 * @param bytes - the file's content
 * @returns the model as the file says
 * @throws FormatError when the bytes are not one
 */
export function decodeModel(bytes: Uint8Array | ArrayBuffer): OnnxModel {
  const view = givenBytes('readOnnx', bytes);
  let model: ModelProto;
  try {
    model = fromBinary(ModelProtoSchema, view, { readUnknownFields: false, recursionLimit: DEPTH_AT_MOST });
  } catch (error) {
    // Whatever the parser stumbles over is a fault of the bytes.
    refuse(view, error instanceof Error ? error.message : String(error), error);
  }
  if (model.graph === undefined || model.opsetImport.length === 0)
    refuse(view, 'there is no graph, or no version of its operators');
  return model as OnnxModel;
}

/** Says what the bytes are, if that can be told, or else where reading them ended. */
function refuse(bytes: Uint8Array, reason: string, cause?: unknown): never {
  const kind = looksLike(bytes, 'readOnnx');
  throw new FormatError(
    `readOnnx: the bytes are not an ONNX model: ${kind === undefined ? reason : `they are ${kind}`}`,
    {
      expected: 'an ONNX model',
      received: kind,
      cause,
    },
  );
}
