import { Generator, ones, tensor, zeros, type Tensor } from '@rnn/core';
import * as nn from '@rnn/nn';
import { describe } from 'vitest';
import { classesOf, describeJunk, functionsOf, home, methodsOf, type Example, type JunkName } from './junk.js';

const { init } = nn;
const int = (values: number[] | number[][]): Tensor => tensor(values, { dtype: 'int32' });
const place = () => ({ dtype: 'float32', backend: home });

const flag: JunkName[] = ['truth value'];
const anyNumber: JunkName[] = ['NaN', 'Infinity', 'fraction'];
const anywhere: JunkName[] = ['tensor elsewhere'];

/** The constructor of a layer or a cell of two sizes. */
function sized(
  name: string,
  Class: new (...values: never[]) => unknown,
  options: object,
  accepts: Example['accepts'] = {},
): Example {
  return {
    name: `new ${name}`,
    call: (...values: never[]) => new Class(...values),
    args: () => [3, 2, { bias: true, ...place(), ...options }],
    required: 2,
    accepts: { '2.bias': flag, ...accepts },
  };
}

/** A module's `forward`. */
function forward(
  name: string,
  make: () => { forward(...values: never[]): unknown },
  rest: Omit<Example, 'name' | 'call'>,
): Example {
  return { name: `${name}.forward`, call: (...values: never[]) => make().forward(...values), ...rest };
}

const cells = {
  RNNCell: nn.RNNCell,
  LSTMCell: nn.LSTMCell,
  GRUCell: nn.GRUCell,
  MGUCell: nn.MGUCell,
  PeepholeLSTMCell: nn.PeepholeLSTMCell,
  CoupledLSTMCell: nn.CoupledLSTMCell,
  LayerNormLSTMCell: nn.LayerNormLSTMCell,
  LayerNormGRUCell: nn.LayerNormGRUCell,
  MinGRUCell: nn.MinGRUCell,
  MinLSTMCell: nn.MinLSTMCell,
} as unknown as Record<
  string,
  new (...values: unknown[]) => { forward(...values: never[]): unknown; initialState(batch?: number): unknown }
>;

const layers = { RNN: nn.RNN, LSTM: nn.LSTM, GRU: nn.GRU } as unknown as Record<
  string,
  new (...values: unknown[]) => { forward(...values: never[]): unknown; explain(...values: never[]): unknown }
>;

const x = (): Tensor => ones([4, 2, 3]);
const stateOf = (name: string, form: number[]): unknown =>
  name.includes('LSTM') && name !== 'MinLSTMCell' ? [zeros(form), zeros(form)] : zeros(form);
const marks = () => [
  [0, 0],
  [1, 0],
  [0, 0],
  [0, 0],
];
const floats = () => ones([4, 2]);

const losses: Record<string, { args: () => unknown[]; options: () => object; accepts?: Example['accepts'] }> = {
  mseLoss: { args: () => [floats(), floats()], options: () => ({}) },
  l1Loss: { args: () => [floats(), floats()], options: () => ({}) },
  smoothL1Loss: { args: () => [floats(), floats()], options: () => ({ beta: 1 }) },
  huberLoss: { args: () => [floats(), floats()], options: () => ({ delta: 1 }) },
  bceLoss: { args: () => [ones([4, 2]).mul(0.5), floats()], options: () => ({ weight: tensor([1, 2]) }) },
  bceWithLogits: {
    args: () => [floats(), floats()],
    options: () => ({ posWeight: tensor([1, 2]), weight: tensor([1, 2]) }),
  },
  crossEntropy: {
    args: () => [ones([2, 3]), int([0, 2])],
    options: () => ({ labelSmoothing: 0, ignoreIndex: -100, classDim: 1 }),
  },
  quantileLoss: { args: () => [ones([4, 2, 3]), floats()], options: () => ({ quantiles: [0.1, 0.5, 0.9] }) },
  nllLoss: { args: () => [ones([2, 3]), int([0, 2])], options: () => ({ ignoreIndex: -100, classDim: 1 }) },
};
const lossClasses = {
  mseLoss: nn.MSELoss,
  l1Loss: nn.L1Loss,
  smoothL1Loss: nn.SmoothL1Loss,
  huberLoss: nn.HuberLoss,
  bceLoss: nn.BCELoss,
  bceWithLogits: nn.BCEWithLogitsLoss,
  crossEntropy: nn.CrossEntropyLoss,
  quantileLoss: nn.QuantileLoss,
  nllLoss: nn.NLLLoss,
} as unknown as Record<string, new (...values: unknown[]) => { forward(...values: never[]): unknown }>;

class Holder extends nn.Module {
  inner = new nn.Linear(2, 2);

  forward(): void {}
}

const generator = () => new Generator(1);
const weight = () => zeros([4, 2]);
const scaled = ['xavierUniform_', 'xavierNormal_', 'kaimingUniform_', 'kaimingNormal_', 'orthogonal_'] as const;

const examples: Example[] = [
  ...Object.entries(cells).flatMap(([name, Cell]): Example[] => [
    sized(name, Cell as never, name.startsWith('Min') ? {} : { recurrentDropout: 0.5 }),
    forward(name, () => new Cell(3, 2), { args: () => [ones([2, 3]), stateOf(name, [2, 2])], required: 1 }),
    {
      name: `${name}.initialState`,
      call: (batch: number) => new Cell(3, 2).initialState(batch),
      args: () => [2],
      required: 0,
    },
  ]),
  ...Object.entries(layers).flatMap(([name, Layer]): Example[] => [
    sized(
      name,
      Layer as never,
      {
        numLayers: 1,
        batchFirst: true,
        dropout: 0.5,
        bidirectional: false,
        learnInitialState: false,
        ...(name === 'GRU' && { resetAfter: false }),
      },
      {
        '2.batchFirst': flag,
        '2.bidirectional': flag,
        '2.dropout': flag.slice(1),
        '2.learnInitialState': flag,
        '2.resetAfter': flag,
      },
    ),
    forward(name, () => new Layer(3, 2), {
      args: () => [
        x(),
        stateOf(name, [1, 2, 2]),
        { lengths: [4, 2], mask: ones([4, 2]), resets: marks(), resetTo: 'initial', record: ['h'] },
      ],
      required: 1,
      accepts: { '2.lengths': anywhere, '2.mask': anywhere, '2.resets': anywhere, '2.record': ['list'] },
    }),
    {
      name: `${name}.explain`,
      call: (...values: never[]) => new Layer(3, 2).explain(...values),
      args: () => [x(), stateOf(name, [1, 2, 2]), {}],
      required: 1,
      accepts: { 0: ['disposed tensor'], 1: ['disposed tensor'], '1[0]': ['disposed tensor'] },
    },
  ]),
  sized('Linear', nn.Linear, {}),
  forward('Linear', () => new nn.Linear(3, 2), { args: () => [x()] }),
  {
    name: 'new Embedding',
    call: (...v: never[]) => new nn.Embedding(...(v as unknown as [3, 2])),
    args: () => [3, 2, { paddingIdx: 0, ...place() }],
    required: 2,
  },
  forward('Embedding', () => new nn.Embedding(3, 2), { args: () => [int([0, 1])] }),
  { name: 'embedding', call: nn.embedding, args: () => [int([0, 1]), zeros([3, 2]), { paddingIdx: 0 }], required: 2 },
  {
    name: 'new LayerNorm',
    call: (...v: never[]) => new nn.LayerNorm(...(v as unknown as [3])),
    args: () => [[2, 3], { eps: 1e-5, elementwiseAffine: true, bias: true, ...place() }],
    required: 1,
    accepts: { '1.eps': ['Infinity'], '1.elementwiseAffine': flag, '1.bias': flag },
  },
  forward('LayerNorm', () => new nn.LayerNorm(3), { args: () => [x()] }),
  {
    name: 'layerNorm',
    call: nn.layerNorm,
    args: () => [x(), [3], { eps: 1e-5, weight: ones([3]), bias: zeros([3]) }],
    required: 2,
    accepts: { '2.eps': ['Infinity'] },
  },
  {
    name: 'dropout',
    call: nn.dropout,
    args: () => [x(), { p: 0.5, training: true, generator: generator(), perSequence: false }],
    required: 1,
    accepts: { 0: anywhere, '1.training': flag, '1.perSequence': flag },
  },
  {
    name: 'new Dropout',
    call: (...v: never[]) => new nn.Dropout(...(v as unknown as [number])),
    args: () => [0.5, { generator: generator(), perSequence: true }],
    required: 0,
    accepts: { '1.perSequence': flag },
  },
  forward('Dropout', () => new nn.Dropout(), { args: () => [x()], accepts: { 0: anywhere } }),
  ...(['ReLU', 'Sigmoid', 'Tanh', 'SiLU', 'GELU', 'Softmax', 'Flatten'] as const).map((name) =>
    forward(name, () => new nn[name](), { args: () => [x()], accepts: { 0: anywhere } }),
  ),
  forward('Identity', () => new nn.Identity(), { args: () => [x()], accepts: { 0: [...anywhere, 'disposed tensor'] } }),
  { name: 'new GELU', call: (o: never) => new nn.GELU(o), args: () => [{ approximate: 'tanh' }], required: 0 },
  {
    name: 'new Softmax',
    call: (dim: number) => new nn.Softmax(dim),
    args: () => [-1],
    required: 0,
    accepts: { 0: ['fraction'] },
  },
  {
    name: 'new Flatten',
    call: (from: number, to: number) => new nn.Flatten(from, to),
    args: () => [0, 1],
    required: 0,
    accepts: { 0: ['fraction'], 1: ['fraction'] },
  },
  {
    name: 'new Conv1d',
    call: (...v: never[]) => new nn.Conv1d(...(v as unknown as [4, 2, 3])),
    args: () => [
      4,
      2,
      3,
      { stride: 1, padding: 'same', paddingMode: 'reflect', dilation: 1, groups: 2, bias: true, ...place() },
    ],
    required: 3,
    accepts: { '3.bias': flag },
  },
  forward('Conv1d', () => new nn.Conv1d(2, 3, 2), { args: () => [x()] }),
  {
    name: 'new BatchNorm1d',
    call: (...v: never[]) => new nn.BatchNorm1d(...(v as unknown as [3])),
    args: () => [3, { eps: 1e-5, momentum: 0.1, affine: true, bias: true, trackRunningStats: true, ...place() }],
    required: 1,
    accepts: {
      '1.eps': ['Infinity'],
      '1.momentum': ['null'],
      '1.affine': flag,
      '1.bias': flag,
      '1.trackRunningStats': flag,
    },
  },
  forward('BatchNorm1d', () => new nn.BatchNorm1d(2), { args: () => [x()] }),
  {
    name: 'new Attention',
    call: (...v: never[]) => new nn.Attention(...(v as unknown as [3])),
    args: () => [3, 2, { score: 'general', attentionSize: 2, scale: true, ...place() }],
    required: 1,
    accepts: { '2.scale': flag },
  },
  forward('Attention', () => new nn.Attention(3, 2, { score: 'general' }), {
    args: () => [ones([4, 3]), ones([4, 2, 2]), { lengths: [2, 1, 0, 2], mask: ones([4, 2]), keys: ones([4, 2, 2]) }],
    required: 2,
    accepts: { '2.lengths': anywhere },
  }),
  {
    name: 'new MultiheadAttention',
    call: (...v: never[]) => new nn.MultiheadAttention(...(v as unknown as [4, 2])),
    args: () => [4, 2, { dropout: 0.5, bias: true, kdim: 3, vdim: 2, batchFirst: true, ...place() }],
    required: 2,
    accepts: { '2.bias': flag, '2.batchFirst': flag, '2.dropout': flag.slice(1) },
  },
  forward('MultiheadAttention', () => new nn.MultiheadAttention(4, 2, { batchFirst: true }), {
    args: () => [
      ones([2, 3, 4]),
      ones([2, 3, 4]),
      ones([2, 3, 4]),
      {
        keyPaddingMask: zeros([2, 3]),
        lengths: [3, 1],
        attnMask: zeros([3, 3]),
        isCausal: true,
        needWeights: true,
        averageAttnWeights: true,
      },
    ],
    required: 3,
    accepts: {
      '3.lengths': anywhere,
      '3.isCausal': flag,
      '3.needWeights': flag,
      '3.averageAttnWeights': flag,
    },
  }),
  {
    name: 'new Sequential',
    call: (...v: never[]) => new nn.Sequential(...v),
    args: () => [new nn.Tanh(), new nn.GRU(3, 2), { recurrent: 'last' }],
    required: 2,
    accepts: { 2: ['object'] },
  },
  forward('Sequential', () => new nn.Sequential(new nn.Tanh(), new nn.GRU(3, 2)), {
    args: () => [x(), { lengths: [4, 2] }],
    required: 1,
    accepts: { '1.lengths': anywhere },
  }),
  {
    name: 'new Parameter',
    call: (...v: never[]) => new nn.Parameter(...(v as unknown as [Tensor])),
    args: () => [zeros([2]), { requiresGrad: true }],
    required: 1,
    accepts: { 0: anywhere, '1.requiresGrad': flag },
  },
  {
    name: 'new ZoneoutCell',
    call: (...v: never[]) => new nn.ZoneoutCell(...(v as unknown as [never, never])),
    args: () => [new nn.GRUCell(3, 2), { p: 0.5, generator: generator() }],
  },
  forward('ZoneoutCell', () => new nn.ZoneoutCell(new nn.GRUCell(3, 2), { p: 0.5 }), {
    args: () => [ones([2, 3]), zeros([2, 2])],
    required: 1,
  }),
  {
    name: 'new Recurrent',
    call: (...v: never[]) => new nn.Recurrent(...(v as unknown as [never])),
    args: () => [
      [new nn.GRUCell(3, 2), new nn.GRUCell(2, 2)],
      { batchFirst: true, dropout: 0.5, learnInitialState: true },
    ],
    required: 1,
    accepts: { '1.batchFirst': flag, '1.learnInitialState': flag, '1.dropout': flag.slice(1) },
  },
  {
    name: 'new LRU',
    call: (...v: never[]) => new nn.LRU(...(v as unknown as [number, number])),
    args: () => [3, 2, { outputSize: 2, rMin: 0, rMax: 0.9, maxPhase: 1, batchFirst: true }],
    required: 2,
    accepts: { '2.batchFirst': flag },
  },
  forward('LRU', () => new nn.LRU(3, 2), {
    args: () => [
      x(),
      [zeros([2, 2]), zeros([2, 2])],
      { lengths: [4, 2], mask: ones([4, 2]), reverse: false, resets: marks(), resetTo: 'initial', record: ['re'] },
    ],
    required: 1,
    accepts: {
      '2.lengths': anywhere,
      '2.mask': anywhere,
      '2.resets': anywhere,
      '2.reverse': flag,
      '2.record': ['list'],
    },
  }),
  forward('Recurrent', () => new nn.Recurrent(new nn.GRUCell(3, 2)), {
    args: () => [
      x(),
      zeros([2, 2]),
      {
        lengths: [4, 2],
        mask: ones([4, 2]),
        reverse: false,
        resets: marks(),
        resetTo: 'initial',
        record: ['h'],
      },
    ],
    required: 1,
    accepts: {
      '2.lengths': anywhere,
      '2.mask': anywhere,
      '2.resets': anywhere,
      '2.reverse': flag,
      '2.record': ['list'],
    },
  }),
  {
    name: 'new StackedCells',
    call: (...v: never[]) => new nn.StackedCells(...(v as unknown as [never])),
    args: () => [[new nn.GRUCell(3, 2), new nn.LSTMCell(2, 2)]],
  },
  forward('StackedCells', () => new nn.StackedCells([new nn.GRUCell(3, 2), new nn.GRUCell(2, 2)]), {
    args: () => [ones([2, 3]), [zeros([2, 2]), zeros([2, 2])]],
    accepts: { '1[0]': ['undefined'] }, // what GRUCell takes, too
  }),
  {
    name: 'Recurrent.explain',
    call: (...v: never[]) => new nn.Recurrent(new nn.GRUCell(3, 2)).explain(...(v as unknown as [Tensor])),
    args: () => [x(), zeros([2, 2]), {}],
    required: 1,
    accepts: { 0: ['disposed tensor'], 1: ['disposed tensor'] },
  },
  {
    name: 'new Bidirectional',
    call: (...v: never[]) => new nn.Bidirectional(...(v as unknown as [never, never])),
    args: () => [
      new nn.GRUCell(3, 2),
      new nn.GRUCell(3, 2),
      { batchFirst: true, merge: 'sum', learnInitialState: true },
    ],
    required: 2,
    accepts: { '2.batchFirst': flag, '2.learnInitialState': flag },
  },
  forward('Bidirectional', () => new nn.Bidirectional(new nn.GRUCell(3, 2), new nn.GRUCell(3, 2)), {
    args: () => [
      x(),
      [zeros([2, 2]), zeros([2, 2])],
      { lengths: [4, 2], mask: ones([4, 2]), resets: marks(), resetTo: 'initial', record: ['h'] },
    ],
    required: 1,
    accepts: { '2.lengths': anywhere, '2.mask': anywhere, '2.resets': anywhere, '2.record': ['list'] },
  }),
  ...Object.entries(losses).flatMap(([name, { args, options, accepts }]): Example[] => {
    const all = (): object => ({ reduction: 'mean', batchFirst: false, ...options() });
    const more = { '2.batchFirst': flag, ...accepts };
    const Loss = lossClasses[name];
    return [
      {
        name,
        call: (nn as unknown as Record<string, Example['call']>)[name],
        args: () => [...args(), all()],
        required: 2,
        accepts: more,
      },
      {
        name: `new ${Loss.name}`,
        call: (o: never) => new Loss(o),
        args: () => [all()],
        required: 0,
        accepts: { '0.batchFirst': flag, '0.weight': anywhere, '0.posWeight': anywhere },
      },
      forward(Loss.name, () => new Loss(all()), { args: () => [...args(), {}], required: 2 }),
    ];
  }),
  {
    name: 'ctcLoss',
    call: nn.ctcLoss,
    args: () => [x(), [[1, 2], [1]], [4, 3], [2, 1], { blank: 0, reduction: 'sum', zeroInfinity: true }],
    required: 2,
    accepts: { 0: anywhere, 1: anywhere, 2: anywhere, 3: anywhere, '4.zeroInfinity': flag },
  },
  {
    name: 'new CTCLoss',
    call: (o: never) => new nn.CTCLoss(o),
    args: () => [{ blank: 0, reduction: 'sum', zeroInfinity: true }],
    required: 0,
    accepts: { '0.zeroInfinity': flag },
  },
  forward('CTCLoss', () => new nn.CTCLoss(), {
    args: () => [x(), [[1, 2], [1]], [4, 3], [2, 1]],
    required: 2,
    accepts: { 0: anywhere, 1: anywhere, 2: anywhere, 3: anywhere },
  }),
  {
    name: 'ctcGreedyDecode',
    call: nn.ctcGreedyDecode,
    args: () => [x(), { lengths: [4, 2], blank: 0 }],
    required: 1,
    accepts: { 0: anywhere, '1.lengths': anywhere },
  },
  {
    name: 'ctcBeamDecode',
    call: nn.ctcBeamDecode,
    args: () => [x(), { lengths: [4, 2], blank: 0, beamWidth: 4, topPaths: 2 }],
    required: 1,
    accepts: { 0: anywhere, '1.lengths': anywhere },
  },
  { name: 'observeStates', call: nn.observeStates, args: () => [() => 1, () => 1] },
  {
    name: 'lengthsMask',
    call: nn.lengthsMask,
    args: () => [[2, 1], { steps: 3, batchFirst: true, ...place() }],
    required: 1,
    accepts: { 0: anywhere, '1.batchFirst': flag },
  },
  { name: 'maskedSoftmax', call: nn.maskedSoftmax, args: () => [x(), ones([4, 2, 1]), -1], required: 2 },
  {
    name: 'maskedMean',
    call: nn.maskedMean,
    args: () => [x(), ones([4, 2]), 0, true],
    required: 2,
    accepts: { 3: flag },
  },
  ...(['lastValid', 'reverseSequence'] as const).map((name): Example => ({
    name,
    call: nn[name],
    args: () => [x(), [4, 2], { batchFirst: false }],
    required: 2,
    accepts: { 0: anywhere, 1: anywhere, '2.batchFirst': flag },
  })),
  {
    name: 'padSequence',
    call: nn.padSequence,
    args: () => [[ones([2, 3]), ones([1, 3])], { batchFirst: true, paddingValue: 0, paddingSide: 'left' }],
    required: 1,
    accepts: { '1.batchFirst': flag, '1.paddingValue': anyNumber },
  },
  {
    name: 'unpadSequence',
    call: nn.unpadSequence,
    args: () => [x(), [4, 2], { batchFirst: false }],
    required: 2,
    accepts: { 0: anywhere, 1: anywhere, '2.batchFirst': flag },
  },
  {
    name: 'unpackSequence',
    call: nn.unpackSequence,
    args: () => [nn.packPaddedSequence(x(), [4, 2])],
    required: 1,
  },
  {
    name: 'packSequence',
    call: nn.packSequence,
    args: () => [[ones([2, 3]), ones([1, 3])], { enforceSorted: true }],
    required: 1,
    accepts: { '1.enforceSorted': flag },
  },
  {
    name: 'packPaddedSequence',
    call: nn.packPaddedSequence,
    args: () => [x(), [4, 2], { batchFirst: false, enforceSorted: true }],
    required: 2,
    accepts: { 0: [...anywhere, 'disposed tensor'], '2.enforceSorted': flag },
  },
  {
    name: 'padPackedSequence',
    call: nn.padPackedSequence,
    args: () => [nn.packPaddedSequence(x(), [4, 2]), { batchFirst: false, paddingValue: 0, totalLength: 5 }],
    required: 1,
    accepts: { '1.batchFirst': flag, '1.paddingValue': anyNumber },
  },
  {
    name: 'init.calculateGain',
    call: init.calculateGain,
    args: () => ['leakyRelu', 0.1],
    required: 1,
    accepts: { 1: ['fraction'] },
  },
  {
    name: 'init.uniform_',
    call: init.uniform_,
    args: () => [weight(), 0, 1, { generator: generator() }],
    required: 1,
    accepts: { 0: anywhere, 1: ['fraction'] },
  },
  {
    name: 'init.normal_',
    call: init.normal_,
    args: () => [weight(), 0, 1, { generator: generator() }],
    required: 1,
    accepts: { 0: anywhere, 1: ['fraction'] },
  },
  { name: 'init.constant_', call: init.constant_, args: () => [weight(), 1], accepts: { 0: anywhere, 1: anyNumber } },
  { name: 'init.zeros_', call: init.zeros_, args: () => [weight()], accepts: { 0: anywhere } },
  { name: 'init.ones_', call: init.ones_, args: () => [weight()], accepts: { 0: anywhere } },
  ...scaled.map((name): Example => ({
    name: `init.${name}`,
    call: init[name],
    args: () => [
      weight(),
      {
        gates: 2,
        generator: generator(),
        ...(name.startsWith('kaiming') ? { a: 1, mode: 'fanIn', nonlinearity: 'relu' } : { gain: 1 }),
      },
    ],
    required: 1,
    accepts: { 0: anywhere, '1.a': ['fraction'] },
  })),
  {
    name: 'Module.registerParameter',
    call: (n: string, p: nn.Parameter) => new Holder().registerParameter(n, p),
    args: () => ['p', new nn.Parameter(zeros([2]))],
    accepts: { 0: ['text', 'number as text'] },
  },
  {
    name: 'Module.registerBuffer',
    call: (n: string, b: Tensor, o: object) => new Holder().registerBuffer(n, b, o),
    args: () => ['b', zeros([2]), { persistent: true }],
    required: 2,
    accepts: { 0: ['text', 'number as text'], 1: anywhere, '2.persistent': flag },
  },
  {
    name: 'Module.train',
    call: (on: boolean) => new Holder().train(on),
    args: () => [true],
    required: 0,
    accepts: { 0: flag },
  },
  { name: 'Module.apply', call: (fn: never) => new Holder().apply(fn), args: () => [() => undefined] },
  {
    name: 'Module.requiresGrad_',
    call: (on: boolean) => new Holder().requiresGrad_(on),
    args: () => [true],
    required: 0,
    accepts: { 0: flag },
  },
  { name: 'Module.to', call: (backend: never) => new Holder().to(backend), args: () => [home] },
  { name: 'Module.moveTo', call: (backend: never) => new Holder().moveTo(backend), args: () => [home] },
  {
    name: 'Module.copyFrom',
    call: (other: never) => new Holder().copyFrom(other),
    args: () => [new Holder()],
  },
  {
    name: 'Module.loadStateDict',
    call: (tensors: never, o: object) => new Holder().loadStateDict(tensors, o),
    args: () => [new Holder().stateDict(), { strict: true }],
    required: 1,
    accepts: { '1.strict': flag, '0.inner.weight': anywhere, '0.inner.bias': anywhere },
  },
];

/** What takes nothing that could be wrong, and those of one base class, which stand for all. */
const without = [
  'Module.parameters',
  'Module.namedParameters',
  'Module.buffers',
  'Module.namedBuffers',
  'Module.children',
  'Module.namedChildren',
  'Module.clone',
  'Module.modules',
  'Module.namedModules',
  'Module.eval',
  'Module.zeroGrad',
  'Module.dispose',
  'Module.stateDict',
  'Module.parameterCount',
  'Module.summary',
  'Module.extraRepr',
  'Module.toString',
  'Module.toJSON',
  'new Module',
  'new PackedSequence',
  'new Identity',
  'new ReLU',
  'new SiLU',
  'new Sigmoid',
  'new Tanh',
  'new TrainingModes',
];

describe('nn', () => {
  const classes = classesOf(nn).map((name) => `new ${name}`);
  const exported = [
    ...functionsOf(nn),
    ...functionsOf(init, 'init.'),
    ...classes,
    ...methodsOf('Module', nn.Module.prototype),
  ];
  describeJunk(examples, exported, without);
});
