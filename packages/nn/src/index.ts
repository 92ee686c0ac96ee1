/**
 * Modules, recurrent cells and layers, losses and initialisation, with the names and the numbers of
 * PyTorch.
 */
import './whole.js';

export { GELU, ReLU, Sigmoid, SiLU, Softmax, Tanh } from './activations.js';
export {
  Attention,
  type AttentionForwardOptions,
  type AttentionOptions,
  type AttentionScore,
} from './attention/attention.js';
export {
  MultiheadAttention,
  type MultiheadAttentionForwardOptions,
  type MultiheadAttentionOptions,
} from './attention/multihead-attention.js';
export { BatchNorm1d, type BatchNorm1dOptions } from './batch-norm.js';
export type { Cell, CellState } from './cells/cell.js';
export { CoupledLSTMCell } from './cells/coupled-lstm-cell.js';
export { GRUCell, type GRUCellOptions } from './cells/gru-cell.js';
export { LayerNormGRUCell } from './cells/layer-norm-gru-cell.js';
export { LayerNormLSTMCell, type LayerNormCellOptions } from './cells/layer-norm-lstm-cell.js';
export { LSTMCell, type LSTMCellOptions } from './cells/lstm-cell.js';
export type { InputGatedCell, InputGatedCellOptions } from './cells/input-gated-cell.js';
export { MGUCell } from './cells/mgu-cell.js';
export { MinGRUCell } from './cells/min-gru-cell.js';
export { MinLSTMCell } from './cells/min-lstm-cell.js';
export type { OneStateCell } from './cells/one-state-cell.js';
export { PeepholeLSTMCell } from './cells/peephole-lstm-cell.js';
export type { CellOptions, RecurrentCell } from './cells/recurrent-cell.js';
export type { LearnedState } from './cells/learned-state.js';
export type { RecurrentDropout } from './cells/recurrent-dropout.js';
export { RNNCell, type RNNCellOptions, type RNNNonlinearity } from './cells/rnn-cell.js';
export { StackedCells, type CellsOf, type StackedState } from './cells/stacked-cells.js';
export type { LSTMState, TwoStateCell } from './cells/two-state-cell.js';
export { ZoneoutCell, type ZoneoutOptions } from './cells/zoneout-cell.js';
export { Conv1d, type Conv1dOptions } from './conv1d.js';
export { dropout, Dropout, type DropoutFunctionOptions, type DropoutOptions } from './dropout.js';
export { embedding, Embedding, type EmbeddingLookupOptions, type EmbeddingOptions } from './embedding.js';
export { Flatten } from './flatten.js';
export { Identity } from './identity.js';
export * as init from './init/index.js';
export { layerNorm, LayerNorm, type LayerNormFunctionOptions, type LayerNormOptions } from './layer-norm.js';
export {
  Bidirectional,
  type BidirectionalForwardOptions,
  type BidirectionalOptions,
  type MergeMode,
} from './layers/bidirectional.js';
export { GRU, type GRUOptions } from './layers/gru.js';
export type { LayerExplanation } from './layers/layer-explanation.js';
export type { LayerOptions, RecordingOptions, SequenceOptions } from './layers/layer-options.js';
export { LRU, type LRUOptions, type LRUState } from './layers/lru.js';
export { LSTM, type LSTMOptions } from './layers/lstm.js';
export type { RecurrentLayer } from './layers/recurrent-layer.js';
export { observeStates, type ObservedStates } from './layers/observe-states.js';
export { Recurrent, type RecurrentForwardOptions, type RecurrentOptions } from './layers/recurrent.js';
export { RNN, type RNNOptions } from './layers/rnn.js';
export { Linear, type LinearOptions } from './linear.js';
export { Module, type BufferOptions } from './module.js';
export type { PlaceOptions } from './options.js';
export { Parameter, type ParameterOptions } from './parameter.js';
export {
  Sequential,
  type SequenceModule,
  type SequentialForwardOptions,
  type SequentialOptions,
  type TensorModule,
} from './sequential.js';
export { lastValid, type BatchOptions } from './sequences/last-valid.js';
export { lengthsMask, type LengthsMaskOptions } from './sequences/lengths-mask.js';
export { maskedMean } from './sequences/masked-mean.js';
export { maskedSoftmax } from './sequences/masked-softmax.js';
export { reverseSequence } from './sequences/reverse-sequence.js';
export {
  PackedSequence,
  packPaddedSequence,
  packSequence,
  padPackedSequence,
  type PackOptions,
  unpackSequence,
  type UnpackOptions,
} from './sequences/packed-sequence.js';
export { padSequence, unpadSequence, type PadOptions } from './sequences/pad-sequence.js';
export type { RowOptions } from './sequences/sequence-rows.js';
export type { StepMarks } from './sequences/step-marks.js';
export { TrainingModes } from './training-modes.js';
export type { HostArray, LoadOptions, LoadReport, StateDict, StateSource } from './state-dict.js';
export {
  bceWithLogits,
  BCEWithLogitsLoss,
  type BCEWithLogitsLossModuleOptions,
  type BCEWithLogitsOptions,
} from './losses/bce-with-logits.js';
export { bceLoss, BCELoss, type BCELossModuleOptions, type BCELossOptions } from './losses/bce.js';
export { ctcLoss, CTCLoss, type CTCLossModuleOptions } from './losses/ctc.js';
export type { CtcTargets } from './losses/ctc-arguments.js';
export {
  ctcBeamDecode,
  ctcGreedyDecode,
  type CTCBeamOptions,
  type CTCGreedyOptions,
  type CTCResult,
} from './losses/ctc-decode.js';
export type { ClassLossModuleOptions, ClassLossOptions } from './losses/class-targets.js';
export {
  crossEntropy,
  CrossEntropyLoss,
  nllLoss,
  NLLLoss,
  type CrossEntropyLossModuleOptions,
  type CrossEntropyOptions,
} from './losses/cross-entropy.js';
export {
  quantileLoss,
  QuantileLoss,
  type QuantileLossModuleOptions,
  type QuantileLossOptions,
} from './losses/quantile.js';
export {
  huberLoss,
  HuberLoss,
  l1Loss,
  L1Loss,
  mseLoss,
  MSELoss,
  smoothL1Loss,
  SmoothL1Loss,
  type HuberLossModuleOptions,
  type HuberLossOptions,
  type SmoothL1LossModuleOptions,
  type SmoothL1LossOptions,
} from './losses/regression.js';
export type { LossForwardOptions, LossModuleOptions, LossOptions, Reduction } from './losses/reduction.js';
