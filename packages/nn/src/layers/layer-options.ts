import type { CompileMode, Lengths } from '@rnn/core';
import { checkCount, checkFlag, checkNumber } from '@rnn/core/checks';
import { placeOptions, type PlaceOptions } from '../options.js';

/** What `RNN`, `LSTM` and `GRU` have in common. */
export interface LayerOptions extends PlaceOptions {
  /** How many layers stand on top of each other; 1 unless said otherwise. */
  readonly numLayers?: number;
  /** Whether the two biases are added; true unless said otherwise. */
  readonly bias?: boolean;
  /** Input and output are `[B, T, ...]` in the place of `[T, B, ...]`. States are not affected. */
  readonly batchFirst?: boolean;
  /** The share of each layer's output, but for the last layer's, that is dropped in training mode. */
  readonly dropout?: number;
  /** Whether a second network runs from the end to the beginning. */
  readonly bidirectional?: boolean;
}

/** What a forward pass of a layer takes besides. */
export interface SequenceOptions {
  /** Valid steps of each row, from 0 to T. Padding enters neither states nor gradients; outputs past the end are zero. */
  readonly lengths?: Lengths;
  /**
   * Names of inner values that are to be returned for every step, such as `['i', 'c']` for an LSTM. `i` stands for all layers and directions;
   * `i_l1` and `i_l1_reverse` for one.
   */
  readonly record?: readonly string[];
  /**
   * What to do where the step cannot be compiled: `'auto'` (run it by single operations), `'required'` (throw a TraceError that says why) or
   * `'never'` (do not try). What `setCompileMode` says unless given, which is `'auto'`.
   */
  readonly compile?: CompileMode;
}

/** Options that ask for inner values, so that `forward` returns them. */
export type RecordingOptions<Options> = Options & { readonly record: readonly string[] };

/** The names of `LayerOptions`, for `checkOptions`. */
export const layerOptions: readonly string[] = [
  'numLayers',
  'bias',
  'batchFirst',
  'dropout',
  'bidirectional',
  ...placeOptions,
];

/** Options with their defaults filled in. */
export type LayerSettings = Required<Omit<LayerOptions, keyof PlaceOptions>>;

/** Fills in the defaults and refuses what no layer can have. */
export function settingsOf(
  owner: string,
  { numLayers = 1, bias = true, batchFirst = false, dropout = 0, bidirectional = false }: LayerOptions,
): LayerSettings {
  checkCount(owner, 'numLayers', numLayers, 1);
  checkFlag(owner, 'bias', bias);
  checkFlag(owner, 'batchFirst', batchFirst);
  checkNumber(owner, 'dropout', dropout, { from: 0, to: 1 });
  checkFlag(owner, 'bidirectional', bidirectional);
  return { numLayers, bias, batchFirst, dropout, bidirectional };
}
