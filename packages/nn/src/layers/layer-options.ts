import { ArgumentError, type CompileMode } from '@rnn/core';
import { checkCount, checkFlag, checkList, checkNumber, refuse } from '@rnn/core/checks';
import { placeOptions, type PlaceOptions } from '../options.js';
import { rowOptions, type RowOptions } from '../sequences/sequence-rows.js';

/** What `RNN`, `LSTM` and `GRU` have in common. */
export interface LayerOptions extends PlaceOptions {
  /**
   * How many layers stand on top of each other; 1 unless said otherwise, or as many as `hiddenSize`
   * lists.
   */
  readonly numLayers?: number;
  /** Whether the two biases are added; true unless said otherwise. */
  readonly bias?: boolean;
  /** Input and output are `[B, T, ...]` in the place of `[T, B, ...]`. States are not affected. */
  readonly batchFirst?: boolean;
  /**
   * The share of each layer's output, but for the last layer's, that is dropped in training mode.
   */
  readonly dropout?: number;
  /** Whether a second network runs from the end to the beginning. */
  readonly bidirectional?: boolean;
  /**
   * Whether the state before the first step, where none is given, is learned. It begins at zero, as
   * `h0_l0`, `h0_l0_reverse` and so on (and `c0_l0` of an LSTM), each of the size of that state.
   */
  readonly learnInitialState?: boolean;
}

/** What a forward pass of a layer takes besides. */
export interface SequenceOptions extends RowOptions {
  /**
   * Names of inner values that are to be returned for every step, such as `['i', 'c']` for an LSTM.
   * `i` stands for all layers and directions;
   * `i_l1` and `i_l1_reverse` for one.
   */
  readonly record?: readonly string[];
  /**
   * What to do where the step cannot be compiled: `'auto'` (run it by single operations),
   * `'required'` (throw a TraceError that says why) or `'never'` (do not try). What
   * `setCompileMode` says unless given, which is `'auto'`.
   */
  readonly compile?: CompileMode;
}

/** The names of `SequenceOptions`, for `checkOptions`. */
export const sequenceOptions: readonly string[] = /* @__PURE__ */ rowOptions.concat('record', 'compile');

/** Options that ask for inner values, so that `forward` returns them. */
export type RecordingOptions<Options> = Options & { readonly record: readonly string[] };

/** The names of `LayerOptions`, for `checkOptions`. */
export const layerOptions: readonly string[] = /* @__PURE__ */ [
  'numLayers',
  'bias',
  'batchFirst',
  'dropout',
  'bidirectional',
  'learnInitialState',
].concat(placeOptions);

/** Options with their defaults filled in. */
export type LayerSettings = Required<Omit<LayerOptions, keyof PlaceOptions>> & {
  /** Features of each layer's state. */
  readonly sizes: readonly number[];
};

/** Features of each layer's state. */
function sizesOf(
  owner: string,
  hiddenSize: number | readonly number[],
  numLayers: number | undefined,
): readonly number[] {
  if (!isList(hiddenSize)) {
    checkCount(owner, 'hiddenSize', hiddenSize, 1);
    return Array.from({ length: numLayers ?? 1 }, () => hiddenSize);
  }
  checkList(owner, 'hiddenSize', hiddenSize, 'size', 1);
  hiddenSize.forEach((size, layer) => checkCount(owner, `hiddenSize[${layer}]`, size, 1));
  if (numLayers === undefined || numLayers === hiddenSize.length) return [...hiddenSize];
  const expected = `${hiddenSize.length}, as many as hiddenSize lists`;
  refuse(ArgumentError, owner, 'numLayers', { value: numLayers, expected, hint: 'leave it out' });
}

/** Whether each layer has a size of its own. */
export function isList(hiddenSize: number | readonly number[]): hiddenSize is readonly number[] {
  return Array.isArray(hiddenSize);
}

/** Fills in the defaults and refuses what no layer can have. */
export function settingsOf(
  owner: string,
  hiddenSize: number | readonly number[],
  {
    numLayers: given,
    bias = true,
    batchFirst = false,
    dropout = 0,
    bidirectional = false,
    learnInitialState = false,
  }: LayerOptions,
): LayerSettings {
  if (given !== undefined) checkCount(owner, 'numLayers', given, 1);
  const sizes = sizesOf(owner, hiddenSize, given);
  const numLayers = sizes.length;
  checkFlag(owner, 'bias', bias);
  checkFlag(owner, 'batchFirst', batchFirst);
  checkNumber(owner, 'dropout', dropout, { from: 0, to: 1 });
  checkFlag(owner, 'bidirectional', bidirectional);
  checkFlag(owner, 'learnInitialState', learnInitialState);
  return { numLayers, bias, batchFirst, dropout, bidirectional, learnInitialState, sizes };
}
