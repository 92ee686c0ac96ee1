/**
 * Where the parts of a recurrent layer that a small page can do without are put in, so that layers
 * need not import them.
 */
import { ArgumentError, type Tensor } from '@rnn/core';
import { refuse } from '@rnn/core/checks';
import type { DescribedLayer } from './describe-layer.js';
import type { CheckedSequence } from './layer-checks.js';
import type { LayerExplanation } from './layer-explanation.js';
import type { SequenceOptions } from './layer-options.js';
import type { LayerFields } from './layer-parts.js';
import type { RunRecords } from './layer-records.js';

/** What a pass through all layers and directions has of the sequence and for each of them. */
export interface PassPlan {
  /** What the lowest layer runs over, `[T, B, ...]`. */
  readonly below: Tensor;
  /** The state before the first step. */
  readonly initial: readonly (readonly Tensor[])[];
  /** The state at a reset; nothing where it is the one before the first step. */
  readonly targets: readonly (readonly Tensor[])[] | undefined;
  /** What is recorded; nothing where nothing is. */
  readonly wanted: readonly RunRecords[] | undefined;
}

/** What the layers of `@rnn/nn` have beyond those of `@rnn/nn/lean`. */
export interface LayerTools {
  readonly runBound: (
    layer: LayerFields,
    input: unknown,
    state: readonly Tensor[] | undefined,
  ) => [output: Tensor, states: readonly Tensor[]] | undefined;
  readonly bind: (
    layer: LayerFields,
    xs: Tensor,
    initial: readonly Tensor[],
    input: Tensor,
    state: readonly Tensor[] | undefined,
  ) => void;
  /** Sizes and options as PyTorch prints them. */
  readonly described: (layer: DescribedLayer) => string;
  readonly explain: (
    layer: LayerFields,
    sequence: CheckedSequence,
    plan: PassPlan,
    compile: SequenceOptions['compile'],
  ) => LayerExplanation[];
}

let installed: LayerTools | undefined;

/** Puts them in. */
export function installLayerTools(tools: LayerTools): void {
  installed = tools;
}

/** All of them, if they were put in. */
export function installedLayerTools(): LayerTools | undefined {
  return installed;
}

/**
 * The same for a call that cannot do without.
 *
 * @param owner - the layer, for the message
 * @param argument - what asks for them
 * @throws ArgumentError where they were not put in
 */
export function layerTools(owner: string, argument: string): LayerTools {
  if (installed !== undefined) return installed;
  const [received, expected] = ["asked of a layer of '@rnn/nn/lean', which cannot do it", "a layer of '@rnn/nn'"];
  refuse(ArgumentError, owner, argument, { received, expected, hint: "import '@rnn/nn' once" });
}
