/** Checks a model in ONNX's format. */
import { RnnError, type Backend } from '@rnn/core';
import { decodeTensor } from '../../onnx/decode-tensor.js';
import type { OnnxModel } from '../../onnx/decode-model.js';
import { isReal } from '../../onnx/element-types.js';
import { readOnnx } from '../../onnx/read-onnx.js';
import { checkContinuation } from './continuation.js';
import { jsonOf, SELF_TEST_KEY } from './contract.js';
import { checkStates } from './check-states.js';
import type { Findings } from './finding.js';
import { checkContext } from './frame-context.js';
import { checkNodes } from './onnx-rules.js';
import { runnerOf } from './runner.js';
import { checkFrames, checkVector, vectorOf, type Vector } from './self-test.js';

/** How a model is checked. */
export interface OnnxCheck {
  readonly bytes: Uint8Array;
  readonly model: OnnxModel;
  /** What runs it; without one it is only looked at. */
  readonly backend: Backend | undefined;
  /** A vector beside the file's own. */
  readonly vector: Vector | undefined;
}

export function checkOnnx({ bytes, model, backend, vector }: OnnxCheck, findings: Findings): void {
  checkNodes(model, findings);
  checkWeights(model, findings);
  const links = checkStates(model, findings);
  const context = checkContext(model, findings);
  const own = ownVector(model, findings);
  if (backend === undefined) {
    findings.change('@rnn', undefined, 'not run: there is no backend; npm install @rnn/backend-cpu');
    return;
  }
  let module;
  try {
    module = readOnnx(bytes, { backend });
  } catch (error) {
    if (!(error instanceof RnnError)) throw error;
    findings.refuse('@rnn', undefined, error.message.replace('readOnnx: ', ''));
    return;
  }
  findings.keep('@rnn', undefined, `readOnnx reads it: ${model.graph.node.length} nodes`);
  const run = runnerOf(module, backend);
  try {
    checkContinuation(model, module.inputs, links, run, findings);
    for (const each of [own, vector]) {
      if (each === undefined) continue;
      if (context !== undefined) checkFrames(each, context, findings);
      checkVector(each, run, links, context, findings);
    }
  } catch (error) {
    // Whatever an example asks for that the model refuses is a fault of the file.
    if (!(error instanceof RnnError)) throw error;
    findings.wrong('self-test', undefined, error.message);
  } finally {
    module.dispose();
  }
}

function ownVector(model: OnnxModel, findings: Findings): Vector | undefined {
  const vector = vectorOf(jsonOf(model, SELF_TEST_KEY));
  if (vector === undefined && model.metadataProps.some(({ key }) => key === SELF_TEST_KEY)) {
    findings.wrong(
      'self-test',
      undefined,
      `the metadata '${SELF_TEST_KEY}' is not { inputs, outputs } of { shape, data }`,
    );
  }
  return vector;
}

/** What becomes of weights. */
function checkWeights({ graph }: OnnxModel, findings: Findings): void {
  const types = new Map<string, number>();
  for (const tensor of graph.initializer) {
    let numbers;
    try {
      numbers = decodeTensor(tensor, `the initializer '${tensor.name}'`);
    } catch (error) {
      // readOnnx tells what is wrong with it.
      if (error instanceof RnnError) continue;
      throw error;
    }
    types.set(numbers.type, (types.get(numbers.type) ?? 0) + 1);
    if (!isReal(numbers.type) || numbers.shape.length === 0) continue;
    const odd = Array.from(numbers.numbers).filter((number) => !Number.isFinite(number)).length;
    if (odd > 0) findings.wrong('@rnn', tensor.name, `${odd} of ${numbers.numbers.length} numbers are NaN or infinite`);
  }
  for (const type of ['float16', 'bfloat16', 'float64']) {
    const count = types.get(type);
    if (count === undefined) continue;
    const to = type === 'float64' ? 'float32 on a backend without float64: rounded' : 'float32, exactly';
    findings.change('@rnn', `${count} weights`, `${type} becomes ${to}`);
  }
}
