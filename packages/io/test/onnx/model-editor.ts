/** Changes models in ways that make them wrong, and makes small ones of the file's own terms. */
import { create, fromBinary, toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import {
  AttributeProto_AttributeType as Kind,
  AttributeProtoSchema,
  type GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  type AttributeProto,
  type GraphProto,
  type ModelProto,
} from '../../src/onnx/schema.generated.js';

export type Model = ModelProto & { graph: GraphProto };

/** The bytes of a model after a change. */
export function edited(bytes: Uint8Array, change: (model: Model) => unknown): Uint8Array {
  const model = fromBinary(ModelProtoSchema, bytes) as Model;
  change(model);
  return toBinary(ModelProtoSchema, model);
}

export function attributeOf(name: string, init: MessageInitShape<typeof AttributeProtoSchema>): AttributeProto {
  return create(AttributeProtoSchema, { ...init, name });
}

/** x [2, 3, T] -> a convolution of width 3 -> an RNN with its state handed on. */
export function convolutional(padding: number): Uint8Array {
  const numbers = (name: string, dims: number[]): MessageInitShape<typeof GraphProtoSchema>['initializer'] => [
    {
      name,
      dims: dims.map(BigInt),
      dataType: 1,
      floatData: Array.from({ length: dims.reduce((a, b) => a * b) }, (_, i) => Math.sin(i + name.length)),
    },
  ];
  const info = (
    name: string,
    dims: (number | string)[],
  ): NonNullable<MessageInitShape<typeof GraphProtoSchema>['input']>[number] => ({
    name,
    type: {
      value: {
        case: 'tensorType',
        value: {
          elemType: 1,
          shape: {
            dim: dims.map((size) => ({
              value:
                typeof size === 'number'
                  ? { case: 'dimValue', value: BigInt(size) }
                  : { case: 'dimParam', value: size },
            })),
          },
        },
      },
    },
  });
  const ints = (name: string, list: number[]): AttributeProto =>
    attributeOf(name, { type: Kind.INTS, ints: list.map(BigInt) });
  const model = create(ModelProtoSchema, {
    irVersion: 8n,
    opsetImport: [{ domain: '', version: 17n }],
    graph: {
      name: 'g',
      input: [info('x', [2, 3, 'T']), info('h', [1, 2, 4])],
      output: [info('y', ['T2', 1, 2, 4]), info('hn', [1, 2, 4])],
      initializer: [
        ...(numbers('K', [5, 3, 3]) ?? []),
        ...(numbers('W', [1, 4, 5]) ?? []),
        ...(numbers('R', [1, 4, 4]) ?? []),
      ],
      node: [
        create(NodeProtoSchema, {
          opType: 'Conv',
          input: ['x', 'K'],
          output: ['f'],
          attribute: [ints('pads', [padding, padding]), ints('kernel_shape', [3])],
        }),
        create(NodeProtoSchema, {
          opType: 'Transpose',
          input: ['f'],
          output: ['s'],
          attribute: [ints('perm', [2, 0, 1])],
        }),
        create(NodeProtoSchema, {
          opType: 'RNN',
          input: ['s', 'W', 'R', '', '', 'h'],
          output: ['y', 'hn'],
          attribute: [attributeOf('hidden_size', { type: Kind.INT, i: 4n })],
        }),
      ],
    },
  });
  return toBinary(ModelProtoSchema, model);
}
