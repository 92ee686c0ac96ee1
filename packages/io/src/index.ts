/**
 * Models in and out of bytes. Nothing here needs Node, executes code from a file, or believes a
 * size before it is checked.
 */
export { FormatError } from '@rnn/core';
export { exportModule, type ExportedModule, type ExportModuleOptions } from './es-module/export-module.js';
export { type ScalerLike, type VocabularyLike } from './es-module/data-of.js';
export { type OnnxInput, type OnnxValueInfo } from './onnx/input-value.js';
export { OnnxModule, type OnnxTensors } from './onnx/onnx-module.js';
export { readOnnx, type ReadOnnxOptions } from './onnx/read-onnx.js';
export { writeOnnx, type WriteOnnxOptions } from './onnx/write/write-onnx.js';
export {
  readCheckpoint,
  writeCheckpoint,
  type CheckpointParts,
  type Resettable,
  type Stateful,
} from './checkpoint/checkpoint.js';
export { toHost, type FloatType, type HostTensor, type ReadOptions, type TensorSource } from './host/host-tensor.js';
export { decodePyTorch, readPyTorch, type PyTorchValue } from './pytorch/read.js';
export { type ElementType } from './safetensors/element-types.js';
export { type WrittenFloat } from './safetensors/encode.js';
export { openSafetensors, type ByteSource, type SafetensorsFile, type TensorInfo } from './safetensors/open.js';
export { decodeSafetensors, readSafetensors, type Metadata } from './safetensors/read.js';
export { writeSafetensors, type WriteOptions } from './safetensors/write.js';
