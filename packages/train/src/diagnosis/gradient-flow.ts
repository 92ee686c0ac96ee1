import { backward, detach, scope, type Tensor } from '@rnn/core';
import { checkFunction, checkNumber, checkOptions } from '@rnn/core/checks';
import { observeStates, TrainingModes, type Module, type ObservedStates } from '@rnn/nn';
import { checkModel } from '../evaluation.js';
import type { LossFunction } from '../loop/loss-function.js';
import { checkOptimizer, type Optimizer } from '../optimizers/optimizer.js';
import { lossOf } from './loss-of.js';
import { updateSizes, type ParameterFlow } from './update-sizes.js';
import { flowOf, inWords, type FlowVerdict } from './verdict.js';

export interface GradientFlowOptions<M, B> {
  /** The loss of the model on a batch, as for `fit`. */
  readonly loss: LossFunction<M, B>;
  /** With it, `updateRatio` is that of its next step, which is undone afterwards. */
  readonly optimizer?: Optimizer;
  /**
   * Without an optimiser, `updateRatio` is that of a step of SGD at this rate; 0.01 unless given.
   */
  readonly lr?: number;
}

/** How the gradient goes back through one layer in one direction. */
export interface LayerFlow {
  /** The path of the module and the layer, such as `lstm.l0_reverse`. */
  readonly name: string;
  /** The norm of dL/dh_t over all rows and units, for every step in the order of time. */
  readonly norms: readonly number[];
  /** The same for the other tensors of the state, the c of an LSTM: by way of later steps only. */
  readonly memoryNorms: readonly number[];
  /** By how much the norm changes in each step back, in the geometric mean: 1 keeps it. */
  readonly factor: number;
  /** Where the layer ran from the last step to the first. */
  readonly reverse: boolean;
  /**
   * For each gate (and `h` of a tanh layer), the share of values in the outer twentieths of its
   * range, where its derivative is small.
   */
  readonly saturation: Readonly<Record<string, number>>;
  /** Units that are 0 at every step of every row. */
  readonly deadUnits: readonly number[];
  readonly verdict: FlowVerdict;
}

/** What `gradientFlow` found. */
export interface GradientFlow {
  readonly loss: number;
  readonly layers: readonly LayerFlow[];
  readonly parameters: readonly ParameterFlow[];
  /** The worst of the layers: exploding, vanishing, saturated, healthy. */
  readonly verdict: FlowVerdict;
  /** What was found in words, with what to do: a line for each layer that is not healthy. */
  readonly text: string;
}

/**
 * Looks at how the gradient of one batch goes back through time: why a recurrent model does not
 * learn. The model, its gradients and the optimiser stay as they are.
 *
 * @example
 * ```ts
 * const { verdict, text, layers } = await gradientFlow(model, batch, { loss });
 * console.log(text); // lstm.l0: vanishing: the gradient is 1.2e-7 times as large at step 1 as at step 50 ...
 * ```
 * @param model - any module with recurrent layers of `@rnn/nn` in it
 * @param batch - what the loss takes
 * @param options - `loss`; `optimizer`, or `lr` 0.01
 * @returns plain values: the norm of dL/dh_t for every step and layer, gates that are saturated,
 *   units that are dead, how large the updates are, and a verdict
 * @throws ArgumentError when no recurrent layer ran, or an argument is none
 *
 * A gradient vanishes (explodes) when it is less than a hundredth (more than a hundred times) as
 * large at the far end of the sequence as at the near one, or, over at least four steps, shrinks
 * below 0.6 (grows above 1.6) in each. A layer is saturated when more than half of its gate values
 * are, keeping gates (`f` and `z`) left out, as they are meant to stay open. Gates are looked at in
 * `RNN`, `LSTM` and `GRU`; of other cells the states alone.
 *
 * Differs from PyTorch: has no counterpart there. Source: Bengio, Simard and Frasconi 1994;
 * Pascanu, Mikolov and Bengio 2013.
 */
export async function gradientFlow<M extends Module, B>(
  model: M,
  batch: B,
  options: GradientFlowOptions<M, B>,
): Promise<GradientFlow> {
  const owner = 'gradientFlow';
  checkModel(owner, model);
  checkOptions(owner, options, ['loss', 'optimizer', 'lr']);
  const { loss, optimizer, lr = 0.01 } = options;
  checkFunction(owner, 'loss', loss, '(model, batch) => Tensor');
  if (optimizer !== undefined) checkOptimizer(owner, optimizer);
  checkNumber(owner, 'lr', lr, { from: 0 });
  const params = model.namedParameters();
  const earlier = params.map(([, param]) => param.grad);
  const seen: ObservedStates[] = [];
  const modes = new TrainingModes(model);
  for (const [, param] of params) param.grad = undefined;
  try {
    const value = scope(() => {
      const result = modes.run(() => {
        model.train();
        return observeStates(
          (states) => seen.push(states),
          () => lossOf(owner, loss, model, batch),
        );
      });
      backward(result);
      return detach(result);
    });
    const names = new Map(model.namedModules().map(([path, module]): [object, string] => [module, path]));
    const layers: LayerFlow[] = [];
    for (const states of seen) layers.push(await layerFlow(nameOf(names, states), states));
    const parameters = await updateSizes(params, optimizer ?? lr);
    const found = (await value.data())[0];
    value.dispose();
    return { loss: found, layers, parameters, ...inWords(owner, layers) };
  } finally {
    for (const { states, probes, records } of seen)
      for (const tensor of [...states, ...probes, ...Object.values(records)]) {
        tensor.grad?.dispose();
        tensor.dispose();
      }
    params.forEach(([, param], i) => {
      param.grad?.dispose();
      param.grad = earlier[i];
    });
  }
}

function nameOf(names: ReadonlyMap<object, string>, { owner, name }: ObservedStates): string {
  return [names.get(owner) ?? owner.constructor.name, name].filter((part) => part !== '').join('.');
}

/** Keeping gates are to be near 1: that is no fault. */
const gates: readonly string[] = ['i', 'f', 'o', 'r', 'z'];

async function layerFlow(name: string, { states, probes, records, reverse }: ObservedStates): Promise<LayerFlow> {
  const [norms, ...others] = await Promise.all(probes.map(stepNorms));
  const memoryNorms = norms.map((_, t) => Math.hypot(...others.map((other) => other[t])));
  const saturation: Record<string, number> = {};
  for (const [gate, values] of Object.entries(records))
    if (gates.includes(gate)) saturation[gate] = outer(await values.data(), 0.05, 0.95);
  const h = await states[0].data();
  // The h of a tanh layer is its one nonlinearity; where there is none beyond 1, a relu has nothing
  // to saturate.
  const isPlain = 'preactivation' in records && Object.keys(saturation).length === 0;
  if (isPlain && h.some((value) => value < 0)) saturation.h = outer(h, -0.9, 0.9);
  const width = states[0].shape[states[0].rank - 1];
  const isDead = Array.from({ length: width }, () => true);
  h.forEach((value, i) => {
    if (value !== 0) isDead[i % width] = false;
  });
  const deadUnits = isDead.flatMap((dead, unit) => (dead ? [unit] : []));
  const joint = norms.map((norm, t) => Math.hypot(norm, memoryNorms[t]));
  const { factor, verdict } = flowOf(reverse ? joint.reverse() : joint, saturation);
  return {
    name,
    norms,
    memoryNorms: others.length === 0 ? [] : memoryNorms,
    factor,
    reverse,
    saturation,
    deadUnits,
    verdict,
  };
}

/** The norm of a probe's gradient at every step. */
async function stepNorms(probe: Tensor): Promise<number[]> {
  const [steps] = probe.shape;
  const { grad } = probe;
  if (grad === undefined) return Array.from({ length: steps }, () => 0);
  const values = await grad.data();
  const size = values.length / steps;
  // In double precision: the squares of small gradients are no float32.
  return Array.from({ length: steps }, (_, t) => {
    let sum = 0;
    for (let i = t * size; i < (t + 1) * size; i++) sum += values[i] * values[i];
    return Math.sqrt(sum);
  });
}

/**
 * The share of values outside of an interval; those that are exactly 0 stand past the end of a row.
 */
function outer(values: ArrayLike<number>, low: number, high: number): number {
  let [count, all] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    if (values[i] === 0) continue;
    all++;
    if (!(values[i] >= low && values[i] <= high)) count++;
  }
  return all === 0 ? 0 : count / all;
}
