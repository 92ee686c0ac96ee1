import * as core from '@rnn/core';
import { describe, expect, test } from 'vitest';
import { describeJunk, functionsOf, home, junkNames, methodsOf, type Example, type JunkName } from './junk.js';

const { tensor, zeros, ones } = core;

const x = (): core.Tensor =>
  tensor([
    [1, 2, 3],
    [4, 5, 6],
  ]);
const v = (): core.Tensor => tensor([1, 2, 3]);
const leaf = (): core.Tensor =>
  tensor(
    [
      [1, 2, 3],
      [4, 5, 6],
    ],
    { requiresGrad: true },
  );
const int = (values: core.TensorLike): core.Tensor => tensor(values, { dtype: 'int32' });
const double = (): core.Tensor => tensor([0.5], { dtype: 'float64' });

/** A tensor by itself may lie on any backend; numbers may be any. */
const anywhere: JunkName[] = ['tensor elsewhere'];
const anyNumber: JunkName[] = ['NaN', 'Infinity', 'fraction'];
const operand: JunkName[] = anyNumber;
/** Where nothing is asked of a value. */
const anything = junkNames;

const unary = [
  'abs',
  'exp',
  'log',
  'neg',
  'reciprocal',
  'relu',
  'sigmoid',
  'sign',
  'softplus',
  'sqrt',
  'square',
  'tanh',
  't',
  'silu',
  'erf',
  'sin',
  'cos',
  'floor',
  'ceil',
  'trunc',
  'round',
  'isnan',
  'isinf',
  'isfinite',
];
const binary = ['add', 'sub', 'mul', 'div', 'pow', 'maximum', 'minimum', 'eq', 'ne', 'lt', 'le', 'gt', 'ge'];
const reductions = ['sum', 'mean', 'amax', 'amin', 'logsumexp', 'prod', 'any', 'all'];
const places = ['max', 'min', 'argmax', 'argmin'];

type Named = Record<string, (...values: never[]) => unknown>;
const functions = core as unknown as Named;

/**
 * A method as a function of its tensor; what is no tensor has no method, which is nothing that the
 * library could refuse.
 */
function methodOf(name: string): (...values: unknown[]) => unknown {
  return (x, ...values) => {
    if (!(x instanceof core.Tensor)) throw new core.ArgumentError('a method is called on a tensor');
    return (x as unknown as Record<string, (...values: unknown[]) => unknown>)[name](...values);
  };
}

/**
 * The call of a function whose first argument is a tensor, and that of the method of the same name.
 */
function both(name: string, rest: Omit<Example, 'name' | 'call'>): Example[] {
  const method = methodOf(name);
  const function_: Example = { name, call: functions[name], ...rest };
  return name in core.Tensor.prototype ? [function_, { ...rest, name: `Tensor.${name}`, call: method }] : [function_];
}

const anyKeep: Record<string, JunkName[]> = {};
const examples: Example[] = [
  ...unary.flatMap((name) => both(name, { args: () => [x()], accepts: { 0: anywhere } })),
  ...binary.flatMap((name) => both(name, { args: () => [x(), v()], accepts: { 0: operand, 1: operand } })),
  ...reductions.flatMap((name) =>
    both(name, {
      args: () => [x(), 1, true],
      required: 1,
      accepts: { 0: anywhere, 1: ['list'], 2: ['truth value', 'object'], ...anyKeep },
    }),
  ),
  ...places.flatMap((name) =>
    both(name, {
      args: () => [x(), 1, true],
      required: 1,
      accepts: { 0: anywhere, 2: ['truth value', 'object'], ...anyKeep },
    }),
  ),
  ...both('gelu', { args: () => [x(), { approximate: 'tanh' }], required: 1, accepts: { 0: anywhere } }),
  ...['variance', 'std'].flatMap((name) =>
    both(name, {
      args: () => [x(), 1, true],
      required: 1,
      accepts: { 0: anywhere, 1: ['list'], 2: ['truth value', 'object'] },
    }),
  ),
  {
    name: 'Tensor.var',
    call: methodOf('var'),
    args: () => [x(), 1, true],
    required: 1,
    accepts: { 0: anywhere, 1: ['list'], 2: ['truth value', 'object'] },
  },
  ...both('norm', {
    args: () => [x(), 2, 1, true],
    required: 1,
    accepts: { 0: anywhere, 1: ['Infinity', 'fraction'], 2: ['list'], 3: ['truth value', 'object'] },
  }),
  ...['cumsum', 'cumprod'].flatMap((name) => both(name, { args: () => [x(), 1], accepts: { 0: anywhere } })),
  ...['sort', 'argsort'].flatMap((name) =>
    both(name, {
      args: () => [x(), 1, { descending: true }],
      required: 1,
      accepts: { 0: anywhere, '2.descending': ['truth value'] },
    }),
  ),
  ...both('topk', {
    args: () => [x(), 2, 1, { largest: true }],
    required: 2,
    accepts: { 0: anywhere, '3.largest': ['truth value'] },
  }),
  ...['tril', 'triu'].flatMap((name) => both(name, { args: () => [x(), 0], required: 1, accepts: { 0: anywhere } })),
  ...both('maskedFill', { args: () => [x(), int([1, 0, 1]), 0], accepts: { 2: operand } }),
  ...both('pad', {
    args: () => [x(), [1, 1], 'constant', 0],
    required: 2,
    accepts: { 0: anywhere, 1: ['list'], 3: anyNumber },
  }),
  ...both('unfold', { args: () => [x(), 1, 2, 1], accepts: { 0: anywhere } }),
  ...['isclose', 'allclose'].flatMap((name) =>
    both(name, {
      args: () => [x(), v(), { rtol: 0, atol: 0, equalNan: true }],
      required: 2,
      accepts: { '2.equalNan': ['truth value'], '2.rtol': ['Infinity'], '2.atol': ['Infinity'] },
    }),
  ),
  ...both('multinomial', {
    args: () => [v(), 2, { replacement: true, generator: new core.Generator(1) }],
    required: 2,
    accepts: { 0: anywhere, '2.replacement': ['truth value'] },
  }),
  { name: 'randperm', call: core.randperm, args: () => [3, { generator: new core.Generator(1) }], required: 1 },
  ...both('softmax', { args: () => [x(), 1], accepts: { 0: anywhere } }),
  ...both('logSoftmax', { args: () => [x(), 1], accepts: { 0: anywhere } }),
  ...both('clamp', {
    args: () => [x(), -1, 1],
    required: 1,
    accepts: { 0: anywhere, 1: ['fraction'], 2: ['Infinity'] },
  }),
  ...both('where', { args: () => [int([1, 0, 1]), v(), v()], accepts: { 1: operand, 2: operand } }).slice(0, 1),
  { name: 'Tensor.where', call: methodOf('where'), args: () => [v(), int([1, 0, 1]), v()], accepts: { 2: operand } },
  ...both('matmul', {
    args: () => [x(), x(), { transposeA: true, transposeB: false }],
    required: 2,
    accepts: { '2.transposeA': ['truth value'] },
  }),
  { name: 'linear', call: core.linear, args: () => [x(), x(), tensor([1, 2])], required: 2 },
  ...both('reshape', { args: () => [x(), [3, 2]], accepts: { 0: anywhere } }),
  ...both('expand', { args: () => [x(), [2, 2, 3]], accepts: { 0: anywhere } }),
  ...both('flatten', { args: () => [x(), 0, 1], required: 1, accepts: { 0: anywhere } }),
  ...both('squeeze', { args: () => [x(), 0], required: 1, accepts: { 0: anywhere, 1: ['list'] } }),
  ...both('unsqueeze', { args: () => [x(), 0], accepts: { 0: anywhere } }),
  ...both('permute', { args: () => [x(), [1, 0]], accepts: { 0: anywhere } }),
  ...both('transpose', { args: () => [x(), 0, 1], accepts: { 0: anywhere } }),
  ...both('flip', { args: () => [x(), [0]], accepts: { 0: anywhere, 1: ['list', 'undefined'] } }),
  ...both('slice', {
    args: () => [x(), 0, 0, 1, 1],
    required: 2,
    accepts: { 0: anywhere, 2: ['Infinity'], 3: ['Infinity'] },
  }),
  ...both('narrow', { args: () => [x(), 0, 0, 1], accepts: { 0: anywhere } }),
  ...both('select', { args: () => [x(), 0, 1], accepts: { 0: anywhere } }),
  ...both('split', { args: () => [x(), [1, 1], 0], required: 2, accepts: { 0: anywhere } }),
  ...both('chunk', { args: () => [x(), 2, 0], required: 2, accepts: { 0: anywhere } }),
  ...both('unbind', { args: () => [x(), 0], required: 1, accepts: { 0: anywhere } }),
  { name: 'concat', call: core.concat, args: () => [[x(), x()], 0], required: 1 },
  { name: 'stack', call: core.stack, args: () => [[x(), x()], 0], required: 1 },
  ...both('gather', { args: () => [x(), 1, int([[0], [2]])] }),
  ...both('indexSelect', { args: () => [x(), 0, int([0, 1])] }),
  ...both('scatterAdd', { args: () => [x(), 1, int([[0], [2]]), tensor([[1], [2]])] }),
  ...both('oneHot', { args: () => [int([0, 1]), 3, { dtype: 'int32' }], required: 2, accepts: { 0: anywhere } }),
  ...both('to', { args: () => [x(), 'float64'], accepts: { 0: anywhere } }),
  { name: 'moveTo', call: core.moveTo, args: () => [[x()], home], accepts: { 0: ['list'], '0[0]': anywhere } },
  {
    name: 'bernoulli',
    call: core.bernoulli,
    args: () => [v(), 0.5, { generator: new core.Generator(1), perSequence: true }],
    required: 2,
    accepts: { 0: [...anywhere, 'disposed tensor'], '2.perSequence': ['truth value'] },
  },
  {
    name: 'tensor',
    call: core.tensor,
    args: () => [[1, 2], { dtype: 'float32', requiresGrad: true, backend: home }],
    required: 1,
    accepts: {
      0: ['list', 'truth value', ...anyNumber],
      '0[0]': ['truth value', ...anyNumber],
      '1.requiresGrad': ['truth value'],
    },
  },
  {
    name: 'fromData',
    call: core.fromData,
    args: () => [[1, 2], [2], {}],
    required: 2,
    accepts: { '0[0]': ['truth value', ...anyNumber] },
  },
  {
    name: 'fromParts',
    call: core.fromParts,
    args: () => [[new Float32Array([1, 2])], [2], {}],
    required: 2,
  },
  {
    name: 'arange',
    call: core.arange,
    args: () => [0, 3, 1, {}],
    required: 2,
    accepts: { 0: ['fraction'], 1: ['undefined', 'object'] },
  },
  { name: 'eye', call: core.eye, args: () => [2, 3, {}], required: 1 },
  { name: 'full', call: core.full, args: () => [[2], 1, {}], required: 2, accepts: { 0: ['list'], 1: anyNumber } },
  ...(['zeros', 'ones', 'rand', 'randn'] as const).map((name): Example => ({
    name,
    call: core[name],
    args: () => [[2], {}],
    required: 1,
    accepts: { 0: ['list'] },
  })),
  {
    name: 'randint',
    call: core.randint,
    args: () => [0, 3, [2], { generator: new core.Generator(1) }],
    required: 3,
    accepts: { 2: ['list'] },
  },
  { name: 'zerosLike', call: core.zerosLike, args: () => [x()], accepts: { 0: [...anywhere, 'disposed tensor'] } },
  { name: 'onesLike', call: core.onesLike, args: () => [x()], accepts: { 0: [...anywhere, 'disposed tensor'] } },
  { name: 'setBackend', call: core.setBackend, args: () => [home] },
  {
    name: 'backward',
    call: core.backward,
    args: () => [leaf().sum(), tensor(1), { retainGraph: true, createGraph: false }],
    required: 1,
    accepts: { '2.retainGraph': ['truth value'], '2.createGraph': ['truth value'] },
  },
  {
    name: 'Tensor.backward',
    call: methodOf('backward'),
    args: () => [leaf().sum(), tensor(1), { inputs: undefined }],
    required: 1,
    accepts: { '2.inputs': ['list'] },
  },
  {
    name: 'grad',
    call: core.grad,
    args: () => {
      const w = leaf();
      return [w.sum(), [w], { gradient: tensor(1), createGraph: true }];
    },
    required: 2,
    accepts: { 1: ['list'], '2.createGraph': ['truth value'] },
  },
  {
    name: 'gradcheck',
    call: core.gradcheck,
    args: () => [(y: core.Tensor) => y.tanh(), [double()], { eps: 1e-6, atol: 1e-5, rtol: 1e-3 }],
    required: 2,
    accepts: { '1[0]': anywhere },
  },
  {
    name: 'gradgradcheck',
    call: core.gradgradcheck,
    args: () => [(y: core.Tensor) => y.tanh(), [double()], {}],
    required: 2,
    accepts: { '1[0]': anywhere },
  },
  { name: 'scope', call: core.scope, args: () => [() => 1] },
  { name: 'unscoped', call: core.unscoped, args: () => [() => 1] },
  { name: 'noGrad', call: core.noGrad, args: () => [() => 1] },
  { name: 'enableGrad', call: core.enableGrad, args: () => [() => 1] },
  { name: 'anomaly', call: core.anomaly, args: () => [() => 1] },
  {
    name: 'customOperation',
    call: core.customOperation,
    args: () => {
      const y = leaf();
      return [
        { name: 'f', inputs: [y], forward: () => ({ result: y.detach() }), derivatives: [(g: core.Tensor) => g] },
      ];
    },
    accepts: { '0.name': ['text', 'number as text'], '0.inputs': [] },
  },
  { name: 'clone', call: core.clone, args: () => [ones([2])], accepts: { 0: ['tensor elsewhere'] } },
  { name: 'detach', call: core.detach, args: () => [ones([2])], accepts: { 0: ['tensor elsewhere'] } },
  {
    name: 'associativeScan',
    call: core.associativeScan,
    args: () => [ones([3, 2]), ones([3, 2]), { initial: zeros([2]), reverse: true, parallel: true }],
    required: 2,
    accepts: { '2.reverse': ['truth value'], '2.parallel': ['truth value'] },
  },
  {
    name: 'scan',
    call: core.scan,
    args: () => [
      (a: core.Tensor, h: core.Tensor) => [a, h],
      ones([3, 2, 1]),
      zeros([2, 1]),
      { lengths: [1, 2], reverse: true, record: [], parameters: {} },
    ],
    required: 3,
    accepts: {
      2: ['list'],
      '3.lengths': anywhere,
      '3.reverse': ['truth value'],
      '3.record': ['list'],
      '3.parameters': ['object', 'other object', 'map', 'list', 'list of null', 'tensor elsewhere', 'disposed tensor'],
    },
  },
  {
    name: 'explain',
    call: core.explain,
    args: () => [(a: core.Tensor, h: core.Tensor) => [a, h], ones([3, 2, 1]), zeros([2, 1]), {}],
    required: 3,
    accepts: { 1: ['disposed tensor'], 2: ['list', 'disposed tensor'] },
  },
  {
    name: 'lower',
    call: core.lower,
    args: () => [(a: core.Tensor, h: core.Tensor) => [a, h], ones([3, 2, 1]), zeros([2, 1]), {}],
    required: 3,
    accepts: { 1: ['disposed tensor'], 2: ['list', 'disposed tensor'] },
  },
  {
    name: 'compileFn',
    call: (fn: never, a: core.Tensor, o: object) => core.compileFn(fn, o)(a),
    args: () => [(a: core.Tensor) => a.tanh(), x(), { elementwise: true }],
    required: 2,
    accepts: { 1: anywhere, '2.elementwise': ['truth value'] },
  },
  { name: 'tap', call: core.tap, args: () => ['gate', x()], accepts: { 0: ['text', 'number as text'], 1: anything } },
  {
    name: 'checkLengths',
    call: core.checkLengths,
    args: () => ['f', [1, 2], 2, 3],
    accepts: { 0: ['text', 'number as text'], 1: anywhere },
  },
  { name: 'compileCacheInfo', call: core.compileCacheInfo, args: () => [] },
  { name: 'setCompileMode', call: core.setCompileMode, args: () => ['auto'] },
  { name: 'countAverages', call: core.countAverages, args: () => [() => 1] },
  {
    name: 'averagedOver',
    call: core.averagedOver,
    args: () => [x(), 3],
    accepts: { 0: [...anywhere, 'disposed tensor'], 1: [...anyNumber, 'tensor elsewhere', 'disposed tensor'] },
  },
  {
    name: 'asTypedArray',
    call: core.asTypedArray,
    args: () => ['f', 'x', new Float32Array(1)],
    accepts: { 0: anything, 1: anything, 2: anything },
  },
  { name: 'manualSeed', call: core.manualSeed, args: () => [3] },
  { name: 'Generator', call: (seed: number) => new core.Generator(seed), args: () => [3], required: 0 },
  { name: 'Generator.manualSeed', call: (seed: number) => new core.Generator(1).manualSeed(seed), args: () => [3] },
  {
    name: 'Generator.uniform',
    call: (a: Float32Array, l: number, h: number) => new core.Generator(1).uniform(a, l, h),
    args: () => [new Float32Array(2), 0, 1],
    accepts: { 1: ['fraction'] },
  },
  {
    name: 'Generator.normal',
    call: (a: Float32Array, m: number, s: number) => new core.Generator(1).normal(a, m, s),
    args: () => [new Float32Array(2), 0, 1],
    accepts: { 1: ['fraction'] },
  },
  {
    name: 'Generator.integers',
    call: (a: Int32Array, l: number, h: number) => new core.Generator(1).integers(a, l, h),
    args: () => [new Int32Array(2), 0, 9],
  },
  { name: 'Generator.permutation', call: (n: number) => new core.Generator(1).permutation(n), args: () => [3] },
  {
    name: 'Generator.setState',
    call: (s: number[]) => new core.Generator(1).setState(s),
    args: () => [new core.Generator(2).state()],
  },
  { name: 'dtypeOf', call: core.dtypeOf, args: () => [new Float32Array(1)] },
  { name: 'Tensor.copy_', call: (s: core.Tensor) => x().copy_(s), args: () => [x()], accepts: { 0: anywhere } },
  {
    name: 'Tensor.registerHook',
    call: (h: core.GradHook) => leaf().registerHook(h),
    args: () => [(g: core.Tensor) => g],
  },
  {
    name: 'Tensor.requiresGrad',
    call: (on: boolean) => {
      x().requiresGrad = on;
    },
    args: () => [true],
    accepts: { 0: ['truth value'] },
  },
];

/** What takes nothing that could be wrong. */
const withoutArguments = [
  'getBackend',
  'isGradEnabled',
  'defaultGenerator',
  'Tensor.data',
  'Tensor.dataSync',
  'Tensor.item',
  'Tensor.keep',
  'Tensor.dispose',
  'Tensor.toJSON',
  'Tensor.toString',
  'Tensor.detach',
  'Tensor.clone',
  'Tensor.retainGrad',
  'Tensor.toArray',
  'Generator.nextUniform',
  'Generator.nextNormal',
  'Generator.state',
];

/**
 * Parts that backends are made of: their arguments are right by construction, and they run in inner
 * loops.
 */
const forBackends = [
  'hostArray',
  'sameShape',
  'showShape',
  'sizeOf',
  'firstConst',
  'firstInstruction',
  'isConst',
  'mapOperands',
  'maskProgram',
  'operandsOf',
  'renumbered',
  'showProgram',
  'widthsOf',
  'bindScan',
  'executeProgram',
];

/** Not in the public types. */
const internal = [
  'Tensor.attach',
  'Tensor.isUnrecorded',
  'Tensor.lifted',
  'Tensor.alias',
  'Tensor.saved',
  'Tensor.onEscape',
  'Generator.nextWord',
  'Generator.nextUniform24',
  'Generator.nextBelow',
  'Generator.nextBelowWide',
];

/** Second names. */
const aliases = { cat: core.concat, var: core.variance };

describe('core', () => {
  test.each(Object.entries(aliases))('%s is a second name', (name, original) => {
    expect(functions[name]).toBe(original);
  });

  const { Tensor, Generator } = core;
  const methods = [...methodsOf('Tensor', Tensor.prototype), ...methodsOf('Generator', Generator.prototype)];
  describeJunk(
    examples,
    [...functionsOf(core), ...methods],
    [...withoutArguments, ...forBackends, ...internal, ...Object.keys(aliases)],
  );
});
