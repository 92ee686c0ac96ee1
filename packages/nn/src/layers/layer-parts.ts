import type { Step, Tensor } from '@rnn/core';
import { besideOf } from '../beside.js';
import type { StepWeights } from '../cells/recurrent-cell.js';
import type { Parameter } from '../parameter.js';
import type { LayerRun } from './layer-runs.js';
import type { LayerStates } from './layer-states.js';

/** One layer's step in one direction: the state is a list, the output its first tensor. */
type LayerStep = Step<Tensor, readonly Tensor[], Tensor, StepWeights>;

/** What tells RNN, LSTM and GRU apart. */
export interface LayerKind {
  readonly name: string;
  /** How many weights are stacked. */
  readonly gates: number;
  /** Names of the tensors of the state, the hidden state first. */
  readonly states: readonly string[];
  /** Names of the values that the step taps. */
  readonly taps: readonly string[];
  /** Depends on its arguments alone, so that it is traced once for all layers. */
  readonly step: LayerStep;
}

/** What a layer has beside its fields. */
export interface LayerParts {
  readonly kind: LayerKind;
  readonly runs: readonly LayerRun[];
  readonly states: LayerStates;
}

/** What is beside a layer. */
export function partsOf(layer: object): LayerParts {
  return besideOf(layer) as LayerParts;
}

/** The fields of a layer by which a sequence goes through it. */
export interface LayerFields {
  readonly [weight: `weight_${string}`]: Parameter;
  readonly [bias: `bias_${string}`]: Parameter;
  readonly [state: `h0_${string}` | `c0_${string}`]: Parameter;
  readonly inputSize: number;
  readonly bias: boolean;
  readonly batchFirst: boolean;
  readonly dropout: number;
  readonly bidirectional: boolean;
  readonly projSize: number;
  readonly learnInitialState: boolean;
  readonly training: boolean;
  parameters(): Parameter[];
}

/** The learned state before the first step, if there is one. */
export function learnedOf(layer: LayerFields, { suffix }: LayerRun): Parameter[] | undefined {
  if (!layer.learnInitialState) return undefined;
  return partsOf(layer).kind.states.map((name) => layer[`${name as 'h0' | 'c0'}${suffix as `_${string}`}`]);
}

/** The weights of one layer and direction. */
export function weightsOf(layer: LayerFields, { names }: LayerRun): StepWeights {
  return {
    weight_ih: layer[names.weight_ih],
    weight_hh: layer[names.weight_hh],
    bias_ih: layer.bias ? layer[names.bias_ih] : undefined,
    bias_hh: layer.bias ? layer[names.bias_hh] : undefined,
    weight_hr: layer.projSize > 0 ? layer[names.weight_hr] : undefined,
  };
}
