import { checkTraining, NotOffered, type Job, type Library } from '../library.ts';
import type { Numbers, WorkloadNumbers } from '../numbers.ts';
import type { Workload } from '../workload.ts';
import type { TfTensor, TfVariable, Tensorflow } from './tfjs-types.ts';
import { layersJob } from './tfjs-layers.ts';

/**
 * TensorFlow.js on its current backend: by its layers, where they exist, and by the same arithmetic
 * out of its operations.
 */
export function tfjsOf(tf: Tensorflow, version: string): Library {
  return {
    version,
    prepare({ workload, kind }, numbers) {
      if (workload.variant !== undefined) throw new NotOffered('not compared');
      if (kind === 'step') return [stepJob(tf, workload, numbers)];
      if (kind === 'train') return [trainJob(tf, workload, numbers)];
      if (kind === 'forward') return [forwardJob(tf, workload, numbers), layersJob(tf, workload, numbers)];
      throw new NotOffered('not compared');
    },
  };
}

/** The weights of one direction of a layer, of which some may be variables. */
interface Weights {
  readonly weightIh: TfTensor;
  readonly weightHh: TfTensor;
  readonly biasIh: TfTensor;
  readonly biasHh: TfTensor;
}

const tensorOf = (tf: Tensorflow, { values, shape }: Numbers): TfTensor => tf.tensor(values, shape, 'float32');

function weightsOf(numbers: WorkloadNumbers, suffix: string, make: (numbers: Numbers) => TfTensor): Weights {
  const get = (name: string): TfTensor => make(numbers.weights.get(name + suffix) as Numbers);
  return { weightIh: get('weight_ih'), weightHh: get('weight_hh'), biasIh: get('bias_ih'), biasHh: get('bias_hh') };
}

/** One step of a cell: `input` is W_ih x + b_ih. */
function next(
  tf: Tensorflow,
  cell: Workload['cell'],
  { weightHh, biasHh }: Weights,
  input: TfTensor,
  [h, c]: readonly TfTensor[],
): TfTensor[] {
  const recurrent = tf.matMul(h, weightHh, false, true).add(biasHh);
  if (cell === 'rnn') return [input.add(recurrent).tanh()];
  if (cell === 'lstm') {
    const [i, f, g, o] = tf.split(input.add(recurrent), 4, 1);
    const cell = f.sigmoid().mul(c).add(i.sigmoid().mul(g.tanh()));
    return [o.sigmoid().mul(cell.tanh()), cell];
  }
  const [xr, xz, xn] = tf.split(input, 3, 1);
  const [hr, hz, hn] = tf.split(recurrent, 3, 1);
  const z = xz.add(hz).sigmoid();
  const n = xn.add(xr.add(hr).sigmoid().mul(hn)).tanh();
  // (1 - z) n + z h, with one product less.
  return [n.add(z.mul(h.sub(n)))];
}

/**
 * One direction of a layer, `[T, B, features]` to `[T, B, H]`; the input product for all steps at
 * once.
 */
function direction(
  tf: Tensorflow,
  { cell, B, H, T }: Workload,
  weights: Weights,
  x: TfTensor,
  isReverse: boolean,
): TfTensor {
  const features = x.shape[2];
  const inputs = tf.unstack(
    tf
      .matMul(x.reshape([T * B, features]), weights.weightIh, false, true)
      .add(weights.biasIh)
      .reshape([T, B, weights.weightIh.shape[0]]),
  );
  let state = [tf.zeros([B, H]), tf.zeros([B, H])];
  const outputs = new Array<TfTensor>(T);
  for (let n = 0; n < T; n++) {
    const t = isReverse ? T - 1 - n : n;
    state = next(tf, cell, weights, inputs[t], state);
    outputs[t] = state[0];
  }
  return tf.stack(outputs);
}

function forwardJob(tf: Tensorflow, workload: Workload, numbers: WorkloadNumbers): Job {
  const { layers, dirs } = workload;
  const x = tensorOf(tf, numbers.x);
  const stack = Array.from({ length: layers }, (_, layer) =>
    [`_l${layer}`, `_l${layer}_reverse`]
      .slice(0, dirs)
      .map((suffix) => weightsOf(numbers, suffix, (n) => tensorOf(tf, n))),
  );
  const run = (): Float32Array =>
    tf.tidy(() => {
      let current = x;
      for (const directions of stack) {
        const outputs = directions.map((weights, d) => direction(tf, workload, weights, current, d === 1));
        current = outputs.length === 1 ? outputs[0] : tf.concat(outputs, 2);
      }
      return current.dataSync();
    });
  return { variant: 'operations', run, check: () => Float32Array.from(run()), dispose: () => tf.disposeVariables() };
}

function stepJob(tf: Tensorflow, workload: Workload, numbers: WorkloadNumbers): Job {
  const { cell, I, H, stream = 1 } = workload;
  const inputs = Array.from({ length: stream }, (_, n) => numbers.x.values.slice(n * I, (n + 1) * I));
  const weights = weightsOf(numbers, '_l0', (n) => tensorOf(tf, n));
  const zero = (): TfTensor[] => [tf.zeros([1, H]), tf.zeros([1, H])].slice(0, cell === 'lstm' ? 2 : 1);
  let state = zero();
  let n = 0;
  const run = (): Float32Array => {
    const before = state;
    state = tf.tidy(() => {
      const x = tf.tensor(inputs[n++ % stream], [1, I], 'float32');
      return next(tf, cell, weights, tf.matMul(x, weights.weightIh, false, true).add(weights.biasIh), before);
    });
    for (const tensor of before) tensor.dispose();
    return state[0].dataSync();
  };
  return {
    variant: 'operations',
    run,
    check: () => {
      const outputs = new Float32Array(stream * H);
      state = zero();
      n = 0;
      for (let t = 0; t < stream; t++) outputs.set(run(), t * H);
      return outputs;
    },
  };
}

function trainJob(tf: Tensorflow, workload: Workload, numbers: WorkloadNumbers): Job {
  const { lr = 0, loss, vocab = 0, B, T, H } = workload;
  const variables: TfVariable[] = [];
  const variable = (n: Numbers): TfVariable => {
    const made = tf.variable(tensorOf(tf, n));
    variables.push(made);
    return made;
  };
  const x = tensorOf(tf, numbers.x);
  const weights = weightsOf(numbers, '_l0', variable);
  let lossOf: (output: TfTensor) => TfTensor;
  if (loss === 'xent' && numbers.head !== undefined) {
    const [weight, bias] = [variable(numbers.head.weight), variable(numbers.head.bias)];
    const classes = tf.oneHot(tf.tensor(numbers.classes, [T * B], 'int32'), vocab).toFloat();
    lossOf = (output) =>
      tf.losses.softmaxCrossEntropy(classes, tf.matMul(output.reshape([T * B, H]), weight, false, true).add(bias));
  } else {
    const target = tensorOf(tf, numbers.target);
    lossOf = (output) => output.sub(target).square().mean();
  }
  const optimizer = loss === 'xent' ? tf.train.adam(lr, 0.9, 0.999, 1e-8) : tf.train.sgd(lr);
  const run = (): number => {
    const cost = optimizer.minimize(() => lossOf(direction(tf, workload, weights, x, false)), true, variables);
    const [value] = cost.dataSync();
    cost.dispose();
    return value;
  };
  return {
    variant: 'operations',
    run,
    check: () => checkTraining(run, () => variables.map((made) => made.dataSync())),
    dispose: () => tf.disposeVariables(),
  };
}
