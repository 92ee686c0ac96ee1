/**
 * What RNN, LSTM and GRU do with the programs of their scans: passes that were made before run
 * again as they are (see `BoundPasses`), and are explained.
 */
import { bindScan, explain, isGradEnabled, Tensor, zeros } from '@rnn/core';
import { BoundPasses, type BoundPass } from './bound-pass.js';
import type { CheckedSequence } from './layer-checks.js';
import type { LayerExplanation } from './layer-explanation.js';
import type { SequenceOptions } from './layer-options.js';
import { learnedOf, partsOf, weightsOf, type LayerFields } from './layer-parts.js';
import type { PassPlan } from './layer-tools.js';

const passes = /* @__PURE__ */ new BoundPasses<BoundPass>();

const fromZeros: readonly Tensor[] = [];

/** Runs a pass that was bound; nothing where it is another call, which may be anything. */
export function runBoundLayer(
  layer: LayerFields,
  input: unknown,
  state: readonly Tensor[] = fromZeros,
): [output: Tensor, states: readonly Tensor[]] | undefined {
  for (let i = 0; i < state.length; i++) if (!(state[i] instanceof Tensor)) return undefined;
  const scan = passes.of(layer, input, state)?.scan;
  if (scan === undefined) return undefined;
  const { outputs, last } = scan.run(input as Tensor, state);
  return [outputs[0], last];
}

/**
 * Binds a pass for the calls that follow, if it is of the kind.
 *
 * @param xs - the sequence as `scan` took it
 * @param initial - the state likewise
 * @param input - the sequence as the layer got it
 * @param state - the state likewise
 */
export function bindLayer(
  layer: LayerFields,
  xs: Tensor,
  initial: readonly Tensor[],
  input: Tensor,
  state: readonly Tensor[] = fromZeros,
): void {
  const { kind, runs, states } = partsOf(layer);
  const [run] = runs;
  const isTurned = layer.batchFirst && input.rank === 3;
  if (runs.length > 1 || isTurned || (state.length === 0 && learnedOf(layer, run) !== undefined)) return;
  const parameters = weightsOf(layer, run);
  const batch = input.rank === 3 ? [input.shape[1]] : [];
  const last = kind.states.map((_, i) => [1, ...batch, states.width(i, 0)]);
  const scan = bindScan(kind.step, xs, initial, { parameters }, { xs: input, batch, state, last });
  if (scan === undefined) return;
  const { inputSize, bias, batchFirst, projSize, learnInitialState } = layer;
  const { weight_ih, weight_hh, bias_ih, bias_hh, weight_hr } = run.names;
  // The weights that the step reads by their names; where one was not there, none may be.
  const names = [weight_ih, weight_hh, ...(bias ? [bias_ih, bias_hh] : []), ...(projSize > 0 ? [weight_hr] : [])];
  const weights = names.map((name) => layer[name]);
  const isAsBefore = (): boolean => {
    if (layer.inputSize !== inputSize || layer.bias !== bias || layer.batchFirst !== batchFirst) return false;
    if (layer.projSize !== projSize || layer.learnInitialState !== learnInitialState) return false;
    for (let i = 0; i < names.length; i++) if (layer[names[i]] !== weights[i]) return false;
    return true;
  };
  passes.keep(layer, input.backend, { scan, isAsBefore });
}

/** Explains every scan of a pass, the upper layers' on zeros in the place of the output below. */
export function explanationsOf(
  layer: LayerFields,
  sequence: CheckedSequence,
  { below, initial, targets, wanted }: PassPlan,
  compile: SequenceOptions['compile'],
): LayerExplanation[] {
  const { kind, runs, states } = partsOf(layer);
  const { batch, lengths, resets, steps } = sequence;
  const { dtype, backend } = layer.weight_ih_l0;
  const requiresGrad =
    isGradEnabled() && (sequence.x.requiresGrad || layer.parameters().some((parameter) => parameter.requiresGrad));
  const inputOf = (level: number): Tensor => {
    if (level === 0) return below;
    const width = states.width(0, level - 1) * (layer.bidirectional ? 2 : 1);
    return zeros([steps, batch ?? 1, width], { dtype, backend, requiresGrad });
  };
  return runs.map((run, i) => ({
    name: run.suffix.slice(1),
    ...explain(kind.step, inputOf(run.layer), initial[i], {
      parameters: weightsOf(layer, run),
      lengths,
      resets: resets?.[run.isReverse ? 'reverse' : 'forward'],
      resetTo: targets?.[i],
      reverse: run.isReverse,
      record: wanted?.[i].taps,
      compile,
    }),
  }));
}
