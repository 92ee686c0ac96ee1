import type { Job } from '../library.ts';
import type { Numbers, WorkloadNumbers } from '../numbers.ts';
import type { Workload } from '../workload.ts';
import type { TfLayer, TfTensor, Tensorflow } from './tfjs-types.ts';

const LAYER = { rnn: 'simpleRNN', lstm: 'lstm', gru: 'gru' } as const;

/**
 * Inference by the layers API. Its kernels are `[features, gates * H]` with gates in PyTorch's
 * order (the GRU's z and r change places), and it has one bias. Its GRU resets the state before the
 * product and so computes another function, at the same cost.
 */
export function layersJob(tf: Tensorflow, workload: Workload, numbers: WorkloadNumbers): Job {
  const { cell, B, I, H, T, layers, dirs } = workload;
  const model = tf.sequential();
  for (let n = 0; n < layers; n++) {
    const batchInputShape = n === 0 ? [B, T, I] : undefined;
    const options = { units: H, returnSequences: true, ...(cell === 'rnn' ? {} : { recurrentActivation: 'sigmoid' }) };
    const one: TfLayer = tf.layers[LAYER[cell]](dirs === 1 ? { ...options, batchInputShape } : options);
    const layer = dirs === 1 ? one : tf.layers.bidirectional({ layer: one, mergeMode: 'concat', batchInputShape });
    model.add(layer);
    layer.setWeights(
      [`_l${n}`, `_l${n}_reverse`].slice(0, dirs).flatMap((suffix) => weightsOf(tf, workload, numbers, suffix)),
    );
  }
  // The layers want the batch first.
  const x = tf.tidy(() => tf.tensor(numbers.x.values, [T, B, I], 'float32').transpose([1, 0, 2]));
  const run = (): Float32Array => tf.tidy(() => model.predict(x).dataSync());
  const check = (): Float32Array => tf.tidy(() => Float32Array.from(model.predict(x).transpose([1, 0, 2]).dataSync()));
  const note =
    cell === 'gru' ? 'the GRU layer resets the state before the product: another function of the same size' : undefined;
  return { variant: 'layers', note, run, check };
}

/** Kernel, recurrent kernel and bias of one direction. */
function weightsOf(tf: Tensorflow, { cell, H }: Workload, { weights }: WorkloadNumbers, suffix: string): TfTensor[] {
  const get = (name: string): TfTensor => {
    const { values, shape } = weights.get(name + suffix) as Numbers;
    const tensor = tf.tensor(values, shape, 'float32');
    if (cell !== 'gru') return tensor;
    const matrix = tensor.reshape([3, H, values.length / (3 * H)]);
    const [r, z, n] = tf.split(matrix, 3, 0);
    return tf.concat([z, r, n], 0).reshape(shape);
  };
  return [get('weight_ih').transpose(), get('weight_hh').transpose(), get('bias_ih').add(get('bias_hh'))];
}
