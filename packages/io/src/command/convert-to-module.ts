/** A model file becomes an ES module, with its types beside it. */
import { readFile } from 'node:fs/promises';
import { FormatError, fromData, type Backend, type Tensor } from '@rnn/core';
import { exportModule } from '../es-module/export-module.js';
import { writeAtomically } from '../files/atomic-write.js';
import { withFile } from '../files/file-error.js';
import type { OnnxValueInfo } from '../onnx/input-value.js';
import { readOnnx } from '../onnx/read-onnx.js';
import type { WrittenFloat } from '../safetensors/encode.js';
import { anyBackend } from './any-backend.js';
import { formatOf } from './formats.js';

/**
 * @param from - an ONNX file whose first input is the sequence, and the others are states
 * @param to - a name that ends in .mjs or .js
 * @param dtype - of the weights
 * @returns what was written, in words
 */
export async function convertToModule(from: string, to: string, dtype: WrittenFloat = 'float32'): Promise<string> {
  const { name } = await formatOf(from);
  if (name !== 'ONNX') {
    throw new FormatError(
      `convert: a file of ${name} holds weights alone, which do not say what to compute; load them into a model and write that with exportModule`,
    );
  }
  if (dtype !== 'float32' && dtype !== 'float16')
    throw new FormatError(`convert: a module has weights of float32 or float16, not ${dtype}`);
  const backend = await anyBackend();
  if (backend === undefined)
    throw new FormatError('convert: the model is run once, and there is no backend; npm install @rnn/backend-cpu');
  const model = readOnnx(await readFile(from), { backend });
  const [first] = model.inputs;
  if (first.shape.length > 1 && first.shape.every((size) => typeof size === 'number')) {
    throw new FormatError(
      `convert: the input '${first.name}' is [${first.shape.join(', ')}], for sequences of one length alone; export the model with dynamic batch and time (dynamic_shapes or dynamic_axes of torch.onnx.export)`,
    );
  }
  const inputs = model.inputs.map((info, i) => exampleOf(info, backend, i === 0 ? 3 : 1));
  const { code, types } = exportModule(model, inputs, { weights: dtype });
  const typesPath = to.replace(/\.(m?)js$/, '.d.$1ts');
  for (const [path, text] of [
    [typesPath, types],
    [to, code],
  ]) {
    await withFile('convert', path, 'written', () => writeAtomically(path, [new TextEncoder().encode(text)]));
  }
  return `${to}, ${typesPath}: ${model.inputs.map((input) => input.name).join(', ')} -> ${model.outputs.map((output) => output.name).join(', ')}`;
}

/**
 * An input with a size in the place of each free dimension: a sequence of some numbers, tokens and
 * states of zeros.
 */
function exampleOf({ dtype, shape }: OnnxValueInfo, backend: Backend, free: number): Tensor {
  const sizes = shape.map((size) => (typeof size === 'number' ? size : free));
  const count = sizes.reduce((product, size) => product * size, 1);
  if (dtype.startsWith('int')) return fromData(new Int32Array(count), sizes, { backend });
  const data = Float32Array.from({ length: count }, (_, i) => (free === 1 ? 0 : Math.sin(i)));
  return fromData(data, sizes, { backend });
}
