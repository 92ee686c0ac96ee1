import { listed } from '../describe.js';
import { partsOf, type LayerFields } from './layer-parts.js';

/** What is printed of a recurrent layer. */
export interface DescribedLayer extends LayerFields {
  readonly hiddenSize: number;
  readonly hiddenSizes: readonly number[];
  readonly numLayers: number;
}

/** Sizes and options of RNN, LSTM and GRU as PyTorch prints them. */
export function describeLayer(layer: DescribedLayer): string {
  const { inputSize, hiddenSize, numLayers, projSize, bias, batchFirst, dropout, bidirectional } = layer;
  const sizes = partsOf(layer).states.isConcatenated ? `[${layer.hiddenSizes.join(', ')}]` : hiddenSize;
  const options = listed({
    ...(projSize > 0 && { proj_size: projSize }),
    ...(numLayers > 1 && { num_layers: numLayers }),
    ...(!bias && { bias }),
    ...(batchFirst && { batch_first: batchFirst }),
    ...(dropout > 0 && { dropout }),
    ...(bidirectional && { bidirectional }),
    ...(layer.learnInitialState && { learn_initial_state: true }),
  });
  return [inputSize, sizes, ...(options === '' ? [] : [options])].join(', ');
}
