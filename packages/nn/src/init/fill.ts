import { fromData, scope, type Generator, type Tensor } from '@rnn/core';
import { checkFloating, checkOptions, checkTensor, generatorOf } from '@rnn/core/checks';

/** What every random initialisation takes. */
export interface InitOptions {
  /** Where the draws come from; the one that `manualSeed` seeds unless said otherwise. */
  readonly generator?: Generator;
}

/** Host arrays that can be drawn into. */
export type FloatArray = Float32Array | Float64Array;

/**
 * Puts values that are computed on the host into a tensor; they are the same on every backend.
 *
 * @param operation - for the message
 * @param tensor - a leaf of a floating type
 * @param options - `generator`
 * @param draw - fills the array, whose type and length are the tensor's
 * @param known - every option that the caller reads
 * @returns the tensor
 */
export function fillFrom(
  operation: string,
  tensor: Tensor,
  options: InitOptions,
  draw: (out: FloatArray, generator: Generator) => void,
  known: readonly string[] = ['generator'],
): Tensor {
  checkTensor(operation, 'tensor', tensor);
  checkOptions(operation, options, known);
  const generator = generatorOf(operation, options.generator);
  checkFloating(operation, 'tensor', tensor);
  const out = tensor.dtype === 'float64' ? new Float64Array(tensor.size) : new Float32Array(tensor.size);
  draw(out, generator);
  scope(() => void tensor.copy_(fromData(out, tensor.shape, { backend: tensor.backend })));
  return tensor;
}
