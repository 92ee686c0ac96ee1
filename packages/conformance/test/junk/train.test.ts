import { Generator, ones, zeros, type Tensor } from '@rnn/core';
import { Linear, RNN } from '@rnn/nn';
import * as train from '@rnn/train';
import * as csv from '@rnn/train/csv';
import { describe } from 'vitest';
import {
  classesOf,
  describeJunk,
  functionsOf,
  home,
  junkNames,
  methodsOf,
  type Example,
  type JunkName,
} from './junk.js';

const flag: JunkName[] = ['truth value'];
const anyNumber: JunkName[] = ['NaN', 'Infinity', 'fraction'];

const model = () => new Linear(2, 1);
const params = () => model().parameters();
const sgd = () => new train.SGD(params(), { momentum: 0.5 });
const data = () => new train.TensorDataset(ones([4, 2]), ones([4, 1]));
/** Looks at no batch: what is in one is between the data and the loss. */
const loss = (m: Linear): Tensor => m.forward(ones([1, 2])).sum();
/** A state is compared with the schedule's own by kind. */
const plainValues: JunkName[] = [...anyNumber, 'text', 'number as text', 'truth value', 'list'];

const recurrent = () => new RNN(2, 1);
const recurrentLoss = (m: RNN): Tensor => m.forward(ones([2, 1, 2]))[0].sum();
const seq2seq = () => new train.Seq2Seq({ sourceTokens: 3, targetTokens: 3, bos: 1, eos: 2, hiddenSize: 2 });
const symbols = () => zeros([2, 2], { dtype: 'int32' });
const batches = () => [[ones([1, 2])]];
const withGradients = () => {
  const list = params();
  for (const param of list) param.grad = param.detach();
  return list;
};

const optimizers: Record<string, object> = {
  SGD: { momentum: 0.5, dampening: 0, weightDecay: 0, nesterov: true },
  Adam: { betas: [0.9, 0.99], eps: 1e-8, weightDecay: 0, amsgrad: true },
  AdamW: { betas: [0.9, 0.99], eps: 1e-8, weightDecay: 0, amsgrad: true },
  RMSprop: { alpha: 0.9, eps: 1e-8, weightDecay: 0, momentum: 0, centered: true },
  Adagrad: { lrDecay: 0, weightDecay: 0, initialAccumulatorValue: 0, eps: 1e-10 },
};
type Class = new (...values: unknown[]) => unknown;
const classes = train as unknown as Record<string, Class>;
const flags = ['nesterov', 'amsgrad', 'centered', 'maximize', 'cycleMomentum', 'threePhase'];

const schedules: Record<string, object> = {
  ConstantLR: { factor: 0.5, totalIters: 2, lastEpoch: -1 },
  LinearLR: { startFactor: 0.5, endFactor: 1, totalIters: 2, lastEpoch: -1 },
  PolynomialLR: { totalIters: 2, power: 1, lastEpoch: -1 },
  MultiStepLR: { milestones: [1, 2], gamma: 0.5, lastEpoch: -1 },
  CosineAnnealingWarmRestarts: { t0: 2, tMult: 1, etaMin: 0, lastEpoch: -1 },
  CyclicLR: {
    baseLr: 0.1,
    maxLr: 1,
    stepSizeUp: 2,
    stepSizeDown: 2,
    mode: 'triangular',
    gamma: 1,
    cycleMomentum: true,
    baseMomentum: 0.8,
    maxMomentum: 0.9,
    lastEpoch: -1,
  },
  LambdaLR: { lrLambda: (epoch: number): number => 1 / (1 + epoch), lastEpoch: -1 },

  StepLR: { stepSize: 2, gamma: 0.5, lastEpoch: -1 },
  ExponentialLR: { gamma: 0.5, lastEpoch: -1 },
  CosineAnnealingLR: { tMax: 3, etaMin: 0, lastEpoch: -1 },
  OneCycleLR: {
    maxLr: 1,
    totalSteps: 5,
    pctStart: 0.3,
    annealStrategy: 'cos',
    cycleMomentum: true,
    baseMomentum: 0.8,
    maxMomentum: 0.9,
    divFactor: 25,
    finalDivFactor: 10,
    threePhase: false,
    lastEpoch: -1,
  },
  ReduceLROnPlateau: {
    mode: 'min',
    factor: 0.1,
    patience: 1,
    threshold: 0,
    thresholdMode: 'rel',
    cooldown: 0,
    minLr: 0,
    eps: 0,
  },
};

/** Those whose options may be left out. */
const withDefaults = ['ReduceLROnPlateau', 'ConstantLR', 'LinearLR', 'PolynomialLR'];

const flagsOf = (at: number): Record<string, readonly JunkName[]> =>
  Object.fromEntries(flags.map((name) => [`${at}.${name}`, flag]));

/** A text is a list of letters, and any list one of symbols. */
const texts: JunkName[] = ['text', 'number as text', 'list', 'list of null'];
const errorMeasures = ['MeanAbsoluteError', 'RootMeanSquaredError', 'MeanAbsolutePercentageError', 'R2Score'];
const withoutOptions = [...errorMeasures, 'Perplexity', 'BitsPerCharacter', 'CharErrorRate', 'WordErrorRate'];
const metric = (name: string) =>
  new classes[name](...(withoutOptions.includes(name) || name === 'Accuracy' ? [] : [3])) as {
    update(...values: never[]): void;
  };

const examples: Example[] = [
  ...Object.entries(optimizers).map(([name, options]): Example => ({
    name: `new ${name}`,
    call: (...values: never[]) => new classes[name](...values),
    args: () => [params(), { lr: 0.1, maximize: false, ...options }],
    required: 1,
    accepts: { 0: [], '0[0]': ['tensor elsewhere', 'disposed tensor'], ...flagsOf(1) },
  })),
  {
    name: 'Optimizer.addParamGroup',
    call: (group: never) => sgd().addParamGroup(group),
    args: () => [{ params: params(), lr: 0.1 }],
    accepts: { '0.params': ['list', 'tensor elsewhere', 'disposed tensor', 'map'] },
  },
  { name: 'Optimizer.step', call: (closure: never) => sgd().step(closure), args: () => [() => 1], required: 0 },
  { name: 'Optimizer.moveTo', call: (backend: never) => sgd().moveTo(backend), args: () => [home] },
  {
    name: 'Optimizer.loadStateDict',
    call: (dict: never) => sgd().loadStateDict(dict),
    args: () => [sgd().stateDict()],
    accepts: { '0.state': ['object', 'map', 'promise'] },
  },
  ...Object.entries(schedules).flatMap(([name, options]): Example[] => [
    {
      name: `new ${name}`,
      call: (...values: never[]) => new classes[name](...values),
      args: () => [sgd(), options],
      required: withDefaults.includes(name) ? 1 : 2,
      accepts: { ...flagsOf(1), '1.milestones': ['list'] },
    },
    {
      name: `${name}.loadStateDict`,
      call: (dict: never) => (new classes[name](sgd(), options) as train.StepLR).loadStateDict(dict),
      args: () => [(new classes[name](sgd(), options) as train.StepLR).stateDict()],
      accepts: { '0.*': plainValues },
    },
  ]),
  {
    name: 'ReduceLROnPlateau.step',
    call: (metric: never) => new train.ReduceLROnPlateau(sgd()).step(metric),
    args: () => [1],
    accepts: { 0: anyNumber },
  },
  {
    name: 'gradNorm',
    call: train.gradNorm,
    args: () => [withGradients(), { normType: 2 }],
    required: 1,
    accepts: {
      0: ['list', 'map', 'tensor elsewhere', 'disposed tensor'],
      '0[0]': ['tensor elsewhere', 'disposed tensor'],
      '1.normType': ['Infinity'],
    },
  },
  {
    name: 'clipGradNorm',
    call: train.clipGradNorm,
    args: () => [withGradients(), 1, { normType: 2, errorIfNonfinite: true }],
    required: 2,
    accepts: {
      0: ['list', 'map', 'tensor elsewhere', 'disposed tensor'],
      '0[0]': ['tensor elsewhere', 'disposed tensor'],
      '2.normType': ['Infinity'],
      '2.errorIfNonfinite': flag,
    },
  },
  {
    name: 'clipGradValue',
    call: train.clipGradValue,
    args: () => [withGradients(), 1],
    accepts: {
      0: ['list', 'map', 'tensor elsewhere', 'disposed tensor'],
      '0[0]': ['tensor elsewhere', 'disposed tensor'],
    },
  },
  {
    name: 'collateSequences',
    call: train.collateSequences,
    args: () => [[[1, 2], [3]], { batchFirst: true, paddingValue: 0, backend: home }],
    required: 1,
    accepts: { '0[0]': ['list'], '1.batchFirst': flag, '1.paddingValue': anyNumber },
  },
  {
    name: 'windows',
    call: train.windows,
    args: () => [[1, 2, 3, 4], 2, 1, { batchFirst: true, stride: 1, target: 0, everyStep: true }],
    required: 2,
    accepts: { '0[0]': anyNumber, '3.batchFirst': flag, '3.everyStep': flag, '3.target': [] },
  },
  {
    name: 'new DataLoader',
    call: (...v: never[]) => new train.DataLoader(...(v as unknown as [never])),
    args: () => [data(), { batchSize: 2, shuffle: true, dropLast: true, generator: new Generator(1), backend: home }],
    required: 1,
    accepts: { '1.shuffle': flag, '1.dropLast': flag },
  },
  {
    name: 'new BucketLoader',
    call: (...v: never[]) => new train.BucketLoader(...(v as unknown as [never, never])),
    args: () => [
      data(),
      { lengths: [1, 2, 3, 4], batchSize: 2, shuffle: true, pool: 2, generator: new Generator(1), backend: home },
    ],
    accepts: { '1.shuffle': flag },
  },
  {
    name: 'new TensorDataset',
    call: (...v: never[]) => new train.TensorDataset(...v),
    args: () => [ones([2, 1]), [1, 2]],
    accepts: {
      0: ['tensor elsewhere', 'disposed tensor'],
      1: ['tensor elsewhere', 'disposed tensor'],
      '1[0]': anyNumber,
    },
  },
  {
    name: 'TensorDataset.batch',
    call: (...v: never[]) => data().batch(...(v as unknown as [number[]])),
    args: () => [[0, 1], home],
    required: 1,
  },
  {
    name: 'new SequenceDataset',
    call: (...v: never[]) => new train.SequenceDataset(...(v as unknown as [never, never])),
    args: () => [[[1, 2], [3]], [0, 1], { batchFirst: true, paddingValue: 0, targetPadding: 0 }],
    required: 2,
    accepts: {
      1: ['tensor elsewhere', 'disposed tensor'],
      '0[0]': ['list'],
      '1[0]': anyNumber,
      '2.batchFirst': flag,
      '2.paddingValue': anyNumber,
      '2.targetPadding': anyNumber,
    },
  },
  {
    name: 'SequenceDataset.batch',
    call: (...v: never[]) => new train.SequenceDataset([[1, 2], [3]], [0, 1]).batch(...(v as unknown as [number[]])),
    args: () => [[0, 1], home],
    required: 1,
  },
  {
    name: 'evaluate',
    call: train.evaluate,
    args: () => [model(), batches(), { loss, metrics: (m: Linear) => ({ sum: loss(m) }), yieldEvery: 20 }],
    accepts: {
      1: ['list of null'],
      '1[0]': junkNames,
      '2.loss': ['function'],
      '2.metrics': ['function'],
      '2.yieldEvery': ['Infinity'],
    },
  },
  {
    name: 'fit',
    call: train.fit,
    args: () => {
      const m = model();
      const optimizer = new train.SGD(m.parameters());
      return [
        m,
        batches(),
        {
          loss,
          optimizer,
          epochs: 1,
          clipNorm: { maxNorm: 1, normType: 2, errorIfNonfinite: false },
          accumulate: 1,
          warmup: 2,
          averaged: new train.AveragedModel(m),
          callbacks: [() => 1],
          logEvery: 1,
          yieldEvery: 20,
          scheduleEvery: 'epoch',
          onStep: () => 1,
          onEpoch: () => 1,
          onNonFinite: 'throw',
          validation: { data: batches() },
          earlyStopping: { patience: 1 },
          signal: new AbortController().signal,
        },
      ];
    },
    accepts: {
      1: ['list of null'],
      '1[0]': junkNames,
      '2.logEvery': ['Infinity'],
      '2.yieldEvery': ['Infinity'],
      '2.onStep': ['function'],
      '2.onEpoch': ['function'],
      '2.callbacks': ['list'],
    },
  },
  {
    name: 'fitEvents',
    // The training begins when the first event is asked for.
    call: async (...v: never[]) => {
      for await (const _ of train.fitEvents(...(v as unknown as [Linear, never, never])));
    },
    args: () => {
      const m = model();
      return [m, batches(), { loss, optimizer: new train.SGD(m.parameters()), epochs: 1 }];
    },
    accepts: { 1: ['list of null'], '1[0]': junkNames },
  },
  {
    name: 'fitInWorker',
    // A worker that answers at once.
    call: train.fitInWorker,
    args: () => {
      const port = new EventTarget();
      const answer = (message: unknown): unknown =>
        port.dispatchEvent(Object.assign(new Event('message'), { data: { ...(message as object), ...done } }));
      const worker = Object.assign(port, { postMessage: answer, terminate: () => 0 });
      const done = { type: 'done', result: { history: {}, state: {} } };
      return [worker, { args: 1, onEvent: () => 1, signal: new AbortController().signal }];
    },
    required: 1,
    accepts: { '1.args': junkNames, '1.onEvent': ['function'] },
  },
  {
    name: 'progressElement',
    call: train.progressElement,
    args: () => [{ value: 0, max: 1 }, { textContent: '' }],
    required: 1,
    accepts: { '0.value': junkNames, '0.max': junkNames, '1.textContent': junkNames },
  },
  {
    name: 'new AveragedModel',
    call: (...v: never[]) => new train.AveragedModel(...(v as unknown as [Linear])),
    args: () => [model(), { decay: 0.9 }],
    required: 1,
  },
  {
    name: 'generate',
    call: (...v: never[]) => train.generate(...(v as unknown as [RNN, number[]])),
    args: () => [recurrent(), [1], { temperature: 1, topK: 2, topP: 0.5, maxTokens: 1, seed: 1, stop: 1 }],
    required: 2,
    accepts: { '2.maxTokens': ['Infinity'], '2.stop': ['function'], '2.step': ['function'] },
  },
  {
    name: 'beamSearch',
    call: train.beamSearch,
    args: () => [
      recurrent(),
      [1],
      {
        maxTokens: 1,
        beams: 1,
        stop: 1,
        lengthPenalty: 0,
        step: () => [ones([1, 1, 2]), ones([1])],
      },
    ],
  },
  {
    name: 'generate with a vocabulary',
    call: (...v: never[]) => train.generate(...(v as unknown as [RNN, string, { vocabulary: train.Vocabulary }])),
    args: () => [recurrent(), 'a', { vocabulary: new train.CharVocabulary('ab'), maxTokens: 1, stop: 'b' }],
    accepts: { '2.maxTokens': ['Infinity'], '2.stop': ['function'] },
  },
  {
    name: 'forecast',
    call: train.forecast,
    args: () => [
      new RNN(1, 1),
      [1, 2, 3],
      2,
      { target: 0, horizon: 1, batchFirst: false, sampling: { paths: 2, noise: 1, seed: 1 }, levels: [0.5] },
    ],
    required: 3,
    accepts: { '1[0]': anyNumber, '3.batchFirst': flag, '3.levels': ['list'] },
  },
  {
    name: 'new Seq2Seq',
    call: (options: never) => new train.Seq2Seq(options),
    args: () => [
      {
        sourceTokens: 3,
        targetTokens: 3,
        bos: 1,
        eos: 2,
        hiddenSize: 2,
        embeddingSize: 2,
        cell: 'GRU',
        numLayers: 1,
        bidirectional: true,
        attention: 'dot',
        dropout: 0.5,
      },
    ],
    accepts: { '0.bidirectional': flag, '0.attention': flag },
  },
  {
    name: 'Seq2Seq.forward',
    call: (...v: never[]) => seq2seq().forward(...(v as unknown as [Tensor, Tensor])),
    args: () => [symbols(), symbols(), { lengths: [2, 1], teacherForcing: 0.5, generator: new Generator(1) }],
    required: 2,
    accepts: { '2.lengths': ['tensor elsewhere'] },
  },
  {
    name: 'Seq2Seq.decode',
    call: (...v: never[]) => seq2seq().decode(...(v as unknown as [Tensor])),
    args: () => [symbols(), { lengths: [2, 1], maxTokens: 2, beams: 2, lengthPenalty: 1 }],
    required: 1,
    accepts: { '1.lengths': ['tensor elsewhere'] },
  },
  {
    name: 'new SequencePairs',
    call: (...v: never[]) => new train.SequencePairs(...(v as unknown as [number[][], number[][]])),
    args: () => [[[1, 2], [3]], [[0], [1, 2]], { batchFirst: true, paddingValue: 0, targetPadding: 0 }],
    required: 2,
    accepts: {
      '0[0]': ['list'],
      '1[0]': ['list'],
      '2.batchFirst': flag,
      '2.paddingValue': anyNumber,
      '2.targetPadding': anyNumber,
    },
  },
  {
    name: 'stream',
    call: (...v: never[]) => train.stream(...(v as unknown as [RNN])),
    args: () => [recurrent(), { step: (m: RNN, x: Tensor, state?: Tensor) => m.forward(x, state) }],
    required: 1,
    accepts: { '1.step': ['function'] },
  },
  {
    name: 'Stream.push',
    call: (x: never) => train.stream(recurrent()).push(x),
    args: () => [[1, 2]],
    accepts: { '0[0]': anyNumber },
  },
  {
    name: 'Stream.step',
    call: (...v: never[]) => train.stream(recurrent()).step(...(v as unknown as [string[], number[][]])),
    args: () => [
      ['a', 'b'],
      [
        [1, 2],
        [3, 4],
      ],
    ],
    accepts: { '0[0]': ['text', 'number as text', ...anyNumber], '1[0]': [] },
  },
  {
    name: 'Stream.restore',
    call: (saved: never) => train.stream(recurrent()).restore(saved),
    args: () => [[{ shape: [1, 1], dtype: 'float32', data: [1] }]],
  },
  {
    name: 'gradientFlow',
    call: train.gradientFlow,
    args: () => {
      const m = recurrent();
      return [m, [1], { loss: recurrentLoss, optimizer: new train.SGD(m.parameters()), lr: 0.1 }];
    },
    accepts: { 1: junkNames, '1[0]': junkNames },
  },
  {
    name: 'overfitOneBatch',
    call: train.overfitOneBatch,
    args: () => [recurrent(), [1], { loss: recurrentLoss, steps: 2, lr: 0.1, target: 0 }],
    accepts: { 1: junkNames, '1[0]': junkNames, '2.target': ['fraction'] },
  },
  { name: 'editDistance', call: train.editDistance, args: () => ['ab', 'b'], accepts: { 0: texts, 1: texts } },
  ...(['persistence', 'seasonalNaive'] as const).map((name): Example => ({
    name,
    call: train[name],
    args: () => [ones([3, 2, 1]), ...(name === 'persistence' ? [] : [2]), 2, { batchFirst: false, target: 0 }],
    required: name === 'persistence' ? 1 : 2,
    accepts: { 0: ['tensor elsewhere'], '2.batchFirst': flag, '3.batchFirst': flag },
  })),
  {
    name: 'new Accuracy',
    call: (options: never) => new train.Accuracy(options),
    args: () => [{ topK: 1, ignoreIndex: -100 }],
    required: 0,
  },
  ...(['Precision', 'Recall', 'F1Score', 'ConfusionMatrix'] as const).map((name): Example => ({
    name: `new ${name}`,
    call: (...values: never[]) => new classes[name](...values),
    args: () => [
      3,
      { ignoreIndex: -100, ...(name === 'ConfusionMatrix' ? { normalize: 'all' } : { average: 'macro' }) },
    ],
    required: 1,
  })),
  ...['Accuracy', 'Precision', 'Recall', 'F1Score', 'ConfusionMatrix'].map((name): Example => ({
    name: `${name}.update`,
    call: (...values: never[]) => metric(name).update(...values),
    args: () => [ones([2, 3]), [0, 2], { classDim: 1 }],
    required: 2,
    accepts: { 0: ['tensor elsewhere'], 1: ['tensor elsewhere'] },
  })),
  ...errorMeasures.map((name): Example => ({
    name: `${name}.update`,
    call: (...values: never[]) => metric(name).update(...values),
    args: () => [ones([2, 3]), ones([2, 3]), { lengths: [2, 1, 0], batchFirst: false }],
    required: 2,
    accepts: { 0: ['tensor elsewhere'], 1: ['tensor elsewhere'] },
  })),
  ...['Perplexity', 'BitsPerCharacter'].map((name): Example => ({
    name: `${name}.update`,
    call: (...values: never[]) => metric(name).update(...values),
    args: () => [ones([2, 3]), { lengths: [2, 1, 0], batchFirst: false }],
    required: 1,
    accepts: { 0: ['tensor elsewhere'] },
  })),
  ...['CharErrorRate', 'WordErrorRate'].map((name): Example => ({
    name: `${name}.update`,
    call: (...values: never[]) => metric(name).update(...values),
    args: () => [['ab'], ['b']],
    accepts: { '0[0]': texts, '1[0]': texts },
  })),
  {
    name: 'new Subset',
    call: (...v: never[]) => new train.Subset(...(v as unknown as [never, number[]])),
    args: () => [data(), [0, 1]],
  },
  {
    name: 'randomSplit',
    call: train.randomSplit,
    args: () => [data(), [3, 1], { generator: new Generator(1) }],
    required: 2,
  },
  {
    name: 'splitInTime',
    call: train.splitInTime,
    args: () => [[1, 2, 3, 4], [3, 1], { overlap: 1 }],
    required: 2,
    accepts: { '0[0]': anyNumber },
  },
  {
    name: 'textStreams',
    call: train.textStreams,
    args: () => [
      [0, 1, 2, 3, 4, 5],
      { rows: 2, steps: 2, documentEnd: 3, batchFirst: true, dropLast: true, backend: home },
    ],
    accepts: { '1.batchFirst': flag, '1.dropLast': flag },
  },
  {
    name: 'new CharVocabulary',
    call: (...v: never[]) => new train.CharVocabulary(...v),
    args: () => [['ab'], { specials: ['<pad>'], unknown: '<pad>', minCount: 1 }],
    required: 0,
    accepts: { 0: [...texts, 'map'], '0[0]': texts, '1.specials': ['list'], '1.unknown': ['text', 'number as text'] },
  },
  {
    name: 'new WordVocabulary',
    call: (...v: never[]) => new train.WordVocabulary(...v),
    args: () => [
      ['a b'],
      { specials: ['<pad>'], maxWords: 3, minCount: 1, tokenize: (text: string) => text.split(' ') },
    ],
    required: 0,
    accepts: { 0: [...texts, 'map'], '0[0]': texts, '1.specials': ['list'], '1.unknown': ['text', 'number as text'] },
  },
  {
    name: 'Vocabulary.indexOf',
    call: (token: never) => new train.CharVocabulary('ab').indexOf(token),
    args: () => ['a'],
  },
  { name: 'Vocabulary.encode', call: (text: never) => new train.CharVocabulary('ab').encode(text), args: () => ['ab'] },
  {
    name: 'Vocabulary.decode',
    call: (...v: never[]) => new train.CharVocabulary('ab').decode(...(v as unknown as [number[]])),
    args: () => [[0, 1], { skipSpecials: true }],
    required: 1,
    accepts: { 0: ['list'], '1.skipSpecials': flag },
  },
  {
    name: 'new MinMaxScaler',
    call: (options: never) => new train.MinMaxScaler(options),
    args: () => [{ range: [0, 1] }],
    required: 0,
  },
  {
    name: 'Scaler.fit',
    call: (values: never) => new train.StandardScaler().fit(values),
    args: () => [ones([3, 2])],
    accepts: { 0: ['tensor elsewhere'] },
  },
  {
    name: 'Scaler.transform',
    call: (...v: never[]) => new train.StandardScaler().fit(ones([3, 2])).transform(...(v as unknown as [Tensor])),
    args: () => [ones([3, 1]), { features: 0 }],
    required: 1,
    accepts: { 0: ['tensor elsewhere', 'list'] },
  },
  {
    name: 'Scaler.inverse',
    call: (...v: never[]) => new train.StandardScaler().fit(ones([3, 2])).inverse(...(v as unknown as [Tensor])),
    args: () => [ones([3, 1]), { features: 0 }],
    required: 1,
    accepts: { 0: ['tensor elsewhere', 'list'] },
  },
  {
    name: 'new ChainedScheduler',
    call: (options: never) => new train.ChainedScheduler(options),
    args: () => {
      const optimizer = sgd();
      return [{ schedulers: [new train.StepLR(optimizer, { stepSize: 2 })] }];
    },
  },
  {
    name: 'fromCsv',
    call: csv.fromCsv,
    args: () => [
      'a,b\n1,x\n2,y\n',
      {
        columns: ['a'],
        types: { a: 'number' },
        missing: 'error',
        missingValues: ['?'],
        header: true,
        delimiter: ',',
        decimal: '.',
      },
    ],
    required: 1,
    accepts: {
      '1.header': flag,
      '1.types': ['object'],
      '1.missing': ['fraction', 'object'],
      '1.missingValues': ['list'],
    },
  },
  {
    name: 'new SequentialLR',
    call: (...v: never[]) => new train.SequentialLR(...(v as unknown as [never, never])),
    args: () => {
      const optimizer = sgd();
      const schedulers = [new train.StepLR(optimizer, { stepSize: 2 }), new train.StepLR(optimizer, { stepSize: 3 })];
      return [optimizer, { schedulers, milestones: [2] }];
    },
  },
];

/**
 * What takes nothing that could be wrong, what stands for others, and what is for authors of
 * subclasses.
 */
const without = [
  'new Optimizer',
  ...withoutOptions.map((name) => `new ${name}`),
  'new NonFiniteError',
  'serveFit', // refuses everything outside of a worker
  'new StandardScaler',
  'Optimizer.advanceAll',
  'Optimizer.dispose',
  'new LRScheduler',
  'Optimizer.zeroGrad',
  'Optimizer.stateDict',
  'Optimizer.params',
  'Optimizer.advance',
  'Optimizer.toJSON',
  'Optimizer.toString',
];

describe('train', () => {
  const constructors = classesOf(train).map((name) => `new ${name}`);
  describeJunk(
    examples,
    [...functionsOf(train), ...functionsOf(csv), ...constructors, ...methodsOf('Optimizer', train.Optimizer.prototype)],
    without,
  );
});
