/** Checks a file, whatever its kind. */
import { counted } from '../listing.js';
import { readFile } from 'node:fs/promises';
import { FormatError, RnnError, sizeOf } from '@rnn/core';
import { openSafetensors } from '../../files/files.js';
import { decodeModel } from '../../onnx/decode-model.js';
import { decodeWithTypes } from '../../pytorch/read.js';
import { anyBackend } from '../any-backend.js';
import { apart } from '../apart.js';
import { formatOf } from '../formats.js';
import { checkOnnx } from './check-onnx.js';
import { checkTensors, type CheckedTensor } from './check-tensors.js';
import { Findings, type Party, type Report } from './finding.js';
import { vectorOf, type Vector } from './self-test.js';

/**
 * @param file - its path
 * @param vectorFile - inputs and expected outputs of a model, as JSON, beside those of the file
 *   itself
 */
export async function check(file: string, vectorFile: string | undefined): Promise<Report> {
  const format = await formatOf(file);
  const findings = new Findings();
  const readers: Party[] = format.name === 'ONNX' ? ['ONNX', 'ONNX Runtime', '@rnn'] : ['PyTorch', '@rnn'];
  const vector = vectorFile === undefined ? undefined : await vectorFrom(vectorFile);
  if (vector !== undefined && format.name !== 'ONNX') {
    throw new FormatError(`check: a vector needs a model that runs, and a file of ${format.name} holds weights alone`);
  }
  let summary = format.name;
  try {
    if (format.name === 'ONNX') summary = await onnxFile(file, vector, findings);
    else if (format.name === 'safetensors') summary = await safetensorsFile(file, findings);
    else summary = await pytorchFile(file, findings);
  } catch (error) {
    if (!(error instanceof RnnError)) throw error;
    findings.refuse('@rnn', undefined, error.message);
  }
  return { file, summary, findings: findings.list, readers };
}

async function onnxFile(file: string, vector: Vector | undefined, findings: Findings): Promise<string> {
  const bytes = await readFile(file);
  const model = decodeModel(bytes);
  checkOnnx({ bytes, model, backend: await anyBackend(), vector }, findings);
  const [{ version }] = model.opsetImport;
  return `ONNX, opset ${version}, ${model.graph.node.length} nodes, ${model.graph.initializer.length} weights, by ${model.producerName || 'an unnamed program'}`;
}

async function safetensorsFile(path: string, findings: Findings): Promise<string> {
  const file = await openSafetensors(path);
  try {
    const tensors = file.names.map((name): CheckedTensor => {
      const { type, shape, storedAs } = file.info(name);
      return { name, type, shape, identity: storedAs, read: async () => (await file.read(name)).data };
    });
    // Python's save_model notes which names it left out, each with the one that its value stands
    // under.
    for (const [left, first] of Object.entries(file.metadata)) {
      if (!file.names.includes(first) || file.names.includes(left)) continue;
      findings.change(
        'PyTorch',
        left,
        `a missing twin, left out for ${first}: load_model finds it by the model, load_file does not; loadStateDict of a model that ties the two does`,
      );
    }
    await checkTensors(tensors, findings);
    return summaryOf('safetensors', tensors);
  } finally {
    await file.close();
  }
}

async function pytorchFile(path: string, findings: Findings): Promise<string> {
  const { tensors } = apart(decodeWithTypes(await readFile(path)));
  const checked = tensors.map(([name, { type, shape, data }]): CheckedTensor => ({
    name,
    type,
    shape,
    identity: data,
    read: () => Promise.resolve(data),
  }));
  await checkTensors(checked, findings);
  return summaryOf('PyTorch', checked);
}

function summaryOf(format: string, tensors: readonly CheckedTensor[]): string {
  const numbers = tensors.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  return `${format}, ${counted(tensors.length, 'tensor')}, ${counted(numbers, 'number')}`;
}

async function vectorFrom(path: string): Promise<Vector> {
  const text = await readFile(path, 'utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new FormatError(`${path}: the vector is not JSON`, { cause });
  }
  const vector = vectorOf(value);
  if (vector !== undefined) return vector;
  throw new FormatError(
    `${path}: the vector is not { inputs, outputs }, expected tensors by name as { shape, data } in both`,
  );
}
