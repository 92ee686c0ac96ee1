/**
 * Optimisers, clipping, learning rate schedules, data in batches, metrics, and the training loop.
 */
export { AveragedModel, type AveragedModelOptions, type AveragedModelStateDict } from './averaged-model.js';
export { clipGradNorm, clipGradValue, gradNorm, type ClipGradNormOptions, type GradNormOptions } from './clip-grad.js';
export { BucketLoader, type BucketLoaderOptions } from './data/bucket-loader.js';
export { CharVocabulary } from './data/char-vocabulary.js';
export { collateSequences, type CollateOptions, type PaddedSequences } from './data/collate-sequences.js';
export { DataLoader, type DataLoaderOptions } from './data/data-loader.js';
export type { Dataset } from './data/dataset.js';
export { MinMaxScaler, type MinMaxScalerOptions } from './data/min-max-scaler.js';
export { type Scaler, type ScalerOptions, type ScalerStateDict } from './data/scaler.js';
export { SequenceDataset, type SequenceBatch, type SequenceDatasetOptions } from './data/sequence-dataset.js';
export { SequencePairs, type PairBatch } from './data/sequence-pairs.js';
export { randomSplit, splitInTime, Subset } from './data/split.js';
export { StandardScaler } from './data/standard-scaler.js';
export { TensorDataset, type Column } from './data/tensor-dataset.js';
export { textStreams, type TextStreamOptions, type TextStreams } from './data/text-streams.js';
export { type Vocabulary, type VocabularyOptions, type VocabularyStateDict } from './data/vocabulary.js';
export { windows, type KnownWindowOptions, type WindowOptions } from './data/windows.js';
export { WordVocabulary, type WordVocabularyOptions } from './data/word-vocabulary.js';
export {
  gradientFlow,
  type GradientFlow,
  type GradientFlowOptions,
  type LayerFlow,
} from './diagnosis/gradient-flow.js';
export type { ParameterFlow } from './diagnosis/update-sizes.js';
export { overfitOneBatch, type OverfitOptions, type OverfitReport } from './diagnosis/overfit-one-batch.js';
export type { FlowVerdict } from './diagnosis/verdict.js';
export type { Float16Values, HostArray, HostValues } from './host-array.js';
export type { EarlyStoppingOptions } from './loop/early-stopping.js';
export type { CheckpointOptions } from './loop/checkpoint-options.js';
export type { ClipNormOptions } from './loop/clip-option.js';
export { evaluate, type EvaluateOptions, type Metrics } from './loop/evaluate.js';
export { fit } from './loop/fit.js';
export { fitEvents } from './loop/fit-events.js';
export type { FitCallback, FitEvent } from './loop/fit-event.js';
export type { FitOptions, ValidationOptions } from './loop/fit-options.js';
export type { BestEpoch, EpochRecord, History, StepRecord } from './loop/history.js';
export { NonFiniteError, type NonFinitePolicy, type StepPlace } from './loop/non-finite.js';
export type { CarriedLoss, LossFunction } from './loop/loss-function.js';
export type { Batches } from './loop/pieces.js';
export type { SavedState, SavedTensor, SavedTree } from './loop/saved-state.js';
export type { TbpttOptions } from './loop/tbptt-options.js';
export { Accuracy, type AccuracyOptions } from './metrics/accuracy.js';
export type { ClassUpdateOptions } from './metrics/class-batch.js';
export { F1Score, Precision, Recall, type ClassScoreOptions } from './metrics/class-scores.js';
export { ConfusionMatrix, type ConfusionMatrixOptions } from './metrics/confusion-matrix.js';
export { CharErrorRate, editDistance, WordErrorRate, type Symbols } from './metrics/edit-distance.js';
export {
  MeanAbsoluteError,
  MeanAbsolutePercentageError,
  R2Score,
  RootMeanSquaredError,
} from './metrics/forecast-errors.js';
export type { LengthOptions, Metric } from './metrics/metric.js';
export { persistence, seasonalNaive, type NaiveForecastOptions } from './metrics/naive-forecast.js';
export { BitsPerCharacter, Perplexity } from './metrics/perplexity.js';
export { Adagrad, type AdagradOptions } from './optimizers/adagrad.js';
export { Adam, AdamW, type AdamOptions } from './optimizers/adam.js';
export { Optimizer } from './optimizers/optimizer.js';
export type {
  OptimizerOptions,
  ParamGroup,
  ParamGroupInput,
  Params,
  ScheduledValues,
} from './optimizers/param-group.js';
export { RMSprop, type RMSpropOptions } from './optimizers/rmsprop.js';
export { SGD, type SGDOptions } from './optimizers/sgd.js';
export type { GroupStateDict, OptimizerStateDict, ParamStateDict } from './optimizers/state-dict.js';
export type { Choices, Progress, UpdateRule } from './optimizers/update-rule.js';
export { progressElement } from './progress/progress-element.js';
export { ChainedScheduler, type ChainedSchedulerOptions } from './schedules/chained-scheduler.js';
export { ConstantLR, type ConstantLROptions } from './schedules/constant-lr.js';
export { CosineAnnealingLR, type CosineAnnealingLROptions } from './schedules/cosine-annealing-lr.js';
export {
  CosineAnnealingWarmRestarts,
  type CosineAnnealingWarmRestartsOptions,
} from './schedules/cosine-annealing-warm-restarts.js';
export { CyclicLR, type CyclicLROptions } from './schedules/cyclic-lr.js';
export { ExponentialLR, type ExponentialLROptions } from './schedules/exponential-lr.js';
export { LambdaLR, type LambdaLROptions, type LRFactor } from './schedules/lambda-lr.js';
export { LinearLR, type LinearLROptions } from './schedules/linear-lr.js';
export { LRScheduler, type LRSchedulerOptions, type ScheduledGroup } from './schedules/lr-scheduler.js';
export { MultiStepLR, type MultiStepLROptions } from './schedules/multi-step-lr.js';
export { OneCycleLR, type OneCycleLROptions } from './schedules/one-cycle-lr.js';
export { PolynomialLR, type PolynomialLROptions } from './schedules/polynomial-lr.js';
export { ReduceLROnPlateau, type ReduceLROnPlateauOptions } from './schedules/reduce-lr-on-plateau.js';
export type { ScheduleStateDict } from './schedules/schedule-state.js';
export { SequentialLR, type SequentialLROptions } from './schedules/sequential-lr.js';
export { StepLR, type StepLROptions } from './schedules/step-lr.js';
export type { DecodeOptions } from './seq2seq/decode.js';
export { Seq2Seq, type Seq2SeqForwardOptions, type Seq2SeqOptions } from './seq2seq/seq2seq.js';
export { beamSearch, type BeamSearchOptions } from './sequences/beam-search.js';
export { type Beam } from './sequences/beams.js';
export type { SequenceStep } from './sequences/carried-state.js';
export {
  forecast,
  type Forecast,
  type ForecastOptions,
  type ForecastSampling,
  type KnownAhead,
} from './sequences/forecast.js';
export type { ForecastInterval } from './sequences/intervals.js';
export { generate, type GenerateOptions, type GenerateTextOptions } from './sequences/generate.js';
export type { SamplingOptions } from './sequences/next-token.js';
export type { SavedSession } from './sequences/saved-session.js';
export type { SessionId } from './sequences/session-rows.js';
export { stream, type Stream, type StreamOptions } from './sequences/stream.js';
export { fitInWorker, type FitInWorkerOptions } from './worker/fit-in-worker.js';
export type { HostState, WorkerFit } from './worker/protocol.js';
export { serveFit, type FitSetup } from './worker/serve-fit.js';
export type { AnyWorker } from './worker/threads.js';
