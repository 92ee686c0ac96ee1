/**
 * The pass of a sequence through a layer that was made before: what the layer reads of itself is
 * compared in one place, and one executable runs. For a single layer in one direction, without
 * lengths, mask, resets and records; where nothing is recorded for `backward`.
 */
import { bindScan, Tensor, type BoundScan } from '@rnn/core';
import { learnedOf, partsOf, weightsOf, type LayerFields } from './layer-parts.js';
import { isObserving } from './scan-of.js';

/** What a pass through a layer depends on, besides its tensors. */
interface BoundPass {
  readonly scan: BoundScan;
  readonly inputSize: number;
  readonly bias: boolean;
  readonly batchFirst: boolean;
  readonly projSize: number;
  readonly learnInitialState: boolean;
  /** The weights that the step reads by their names; where one was not there, none may be. */
  readonly weights: readonly (readonly [name: `weight_${string}` | `bias_${string}`, weight: Tensor | undefined])[];
}

/** By the layer and the backend, which the layer may leave. */
const passes = new WeakMap<object, WeakMap<object, BoundPass>>();

const zeros: readonly Tensor[] = [];

/** Runs a pass that was bound; nothing where it is another call, which may be anything. */
export function runBoundPass(
  layer: LayerFields,
  input: unknown,
  state: readonly Tensor[] = zeros,
): [output: Tensor, states: readonly Tensor[]] | undefined {
  if (!(input instanceof Tensor)) return undefined;
  const pass = passes.get(layer)?.get(input.backend);
  if (pass === undefined || isObserving() || !isAsBefore(layer, pass)) return undefined;
  for (let i = 0; i < state.length; i++) if (!(state[i] instanceof Tensor)) return undefined;
  const xs = [input] as const;
  if (!pass.scan.serves(xs, state)) return undefined;
  const { outputs, last } = pass.scan.run(xs, state);
  return [outputs[0], last];
}

function isAsBefore(layer: LayerFields, pass: BoundPass): boolean {
  if (layer.inputSize !== pass.inputSize || layer.bias !== pass.bias || layer.batchFirst !== pass.batchFirst)
    return false;
  if (layer.projSize !== pass.projSize || layer.learnInitialState !== pass.learnInitialState) return false;
  const { weights } = pass;
  for (let i = 0; i < weights.length; i++) if (layer[weights[i][0]] !== weights[i][1]) return false;
  return true;
}

/**
 * Binds a pass for the calls that follow, if it is of the kind.
 *
 * @param xs - the sequence as `scan` took it
 * @param initial - the state likewise
 * @param input - the sequence as the layer got it
 * @param state - the state likewise
 */
export function bindPass(
  layer: LayerFields,
  xs: Tensor,
  initial: readonly Tensor[],
  input: Tensor,
  state: readonly Tensor[] = zeros,
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
  const names = [weight_ih, weight_hh, ...(bias ? [bias_ih, bias_hh] : []), ...(projSize > 0 ? [weight_hr] : [])];
  const weights = names.map((name) => [name, layer[name]] as const);
  let ofLayer = passes.get(layer);
  if (ofLayer === undefined) passes.set(layer, (ofLayer = new WeakMap()));
  ofLayer.set(input.backend, { scan, inputSize, bias, batchFirst, projSize, learnInitialState, weights });
}
