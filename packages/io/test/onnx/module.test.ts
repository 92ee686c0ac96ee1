/** A model from ONNX as a module: inputs, weights, training, backends, errors. */
import { create, toBinary } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { cpu } from '@rnn/backend-cpu';
import { wasm } from '@rnn/backend-wasm';
import {
  ArgumentError,
  BackendError,
  FormatError,
  noGrad,
  ones,
  randn,
  scope,
  tensor,
  type Backend,
  type Storage,
  type Tensor,
} from '@rnn/core';
import { readOnnx } from '../../src/index.js';
import { ModelProtoSchema, TensorProto_DataType as Type } from '../../src/onnx/schema.generated.js';
import { casesOf, expectOutputs, fixtureBytes, inputsOf } from './onnx-case.js';

const backend = await cpu();
const lstm = () => readOnnx(fixtureBytes('exchange/lstm2.legacy.onnx'), { backend });

function caseNamed(file: string, name: string) {
  const found = casesOf(file).find((sample) => sample.name === name);
  if (found === undefined) throw new Error(`no case ${name}`);
  return { sample: found, bytes: Buffer.from(found.model, 'base64') };
}

/** A model of one graph, from plain objects. */
function modelOf(graph: object, opset = 17n): Uint8Array {
  const model = create(ModelProtoSchema, { irVersion: 8n, opsetImport: [{ domain: '', version: opset }], graph });
  return toBinary(ModelProtoSchema, model);
}

const vector = (name: string) => ({
  name,
  type: {
    value: {
      case: 'tensorType',
      value: { elemType: Type.FLOAT, shape: { dim: [{ value: { case: 'dimParam', value: 'N' } }] } },
    },
  },
});

describe('what a model says of itself', () => {
  test('inputs and outputs with names of free dimensions', () => {
    const model = lstm();
    expect(model.inputs).toEqual([{ name: 'x', dtype: 'float32', shape: ['B', 'T', 3] }]);
    expect(model.outputs).toEqual([{ name: 'y', dtype: 'float32', shape: ['B', 'T', 3] }]);
  });

  test('weights are parameters under the names of the file', () => {
    expect(Object.keys(lstm().stateDict())).toEqual([
      'head.bias',
      'onnx::LSTM_193',
      'onnx::LSTM_194',
      'onnx::LSTM_195',
      'onnx::LSTM_213',
      'onnx::LSTM_214',
      'onnx::LSTM_215',
      'onnx::MatMul_216',
    ]);
  });

  test('names that mean something else in a module, or lead through another weight, are changed', () => {
    const names = ['run', 'a', 'a.b', 'inputs.w', '__proto__', ''];
    const bytes = modelOf({
      node: [{ opType: 'Sum', input: ['x', ...names.slice(0, -1)], output: ['y'] }],
      initializer: names.map((name) => ({ name, dims: [1n], dataType: Type.FLOAT, floatData: [1] })),
      input: [vector('x')],
      output: [vector('y')],
    });
    const model = readOnnx(bytes, { backend });
    expect(Object.keys(model.stateDict())).toEqual(['run_', 'a', 'a_b', 'inputs_w', '__proto___', '_']);
    expect(model.run({ x: tensor([2], { backend }) }).y.toArray()).toEqual([7]);
  });

  test('statistics and initial states are not trained', () => {
    const { bytes } = caseNamed('versions.json', 'BatchNormalization of version 9');
    const named = readOnnx(bytes, { backend }).namedParameters();
    expect(named.map(([name, { requiresGrad }]) => [name, requiresGrad])).toEqual([
      ['s', true],
      ['b', true],
      ['m', false],
      ['v', false],
    ]);
  });
});

describe('training', () => {
  test('gradients are those of differences', () => {
    const model = lstm();
    const x = randn([2, 4, 3], { backend });
    const loss = (): Tensor => model.run({ x }).y.square().sum();
    loss().backward();
    for (const [name, parameter] of model.namedParameters()) {
      const gradient = parameter.grad?.dataSync()[1] ?? NaN;
      const values = Array.from(parameter.dataSync());
      const at = (shift: number): number =>
        noGrad(() => {
          const moved = values.map((value, i) => (i === 1 ? value + shift : value));
          parameter.copy_(tensor(moved, { backend }).reshape(parameter.shape));
          return loss().item();
        });
      const difference = (at(0.01) - at(-0.01)) / 0.02;
      at(0);
      expect(Math.abs(gradient - difference), name).toBeLessThan(2e-3 * Math.max(1, Math.abs(difference)));
    }
  });

  test('the other weights come in by a state dict', () => {
    const [a, b] = [lstm(), lstm()];
    noGrad(() => b.parameters().forEach((parameter) => parameter.copy_(parameter.mul(0.5))));
    const x = randn([1, 3, 3], { backend });
    const expected = b.run({ x }).y.toArray();
    expect(a.run({ x }).y.toArray()).not.toEqual(expected);
    a.loadStateDict(b.stateDict());
    expect(a.run({ x }).y.toArray()).toEqual(expected);
  });
});

describe('backends', () => {
  test('a model moves, constants too', async () => {
    const { sample, bytes } = caseNamed('graphs.json', 'detector at 16000');
    const other = await wasm();
    const model = readOnnx(bytes, { backend });
    expectOutputs(sample, model.run(inputsOf(sample, model, backend)), 1e-6);
    model.to(other);
    expectOutputs(sample, model.run(inputsOf(sample, model, other)), 1e-6);
  });

  test('one that answers later is waited for', async () => {
    const later: Backend = Object.create(backend, {
      info: { value: { ...backend.info, synchronous: false } },
      read: { value: (storage: Storage) => Promise.resolve(backend.readSync(storage)) },
      readSync: {
        value: () => {
          throw new BackendError('answers only later');
        },
      },
    }) as Backend;
    const { sample, bytes } = caseNamed('graphs.json', 'Loop until a condition');
    const model = readOnnx(bytes, { backend: later });
    const inputs = inputsOf(sample, model, later);
    expect(() => model.run(inputs)).toThrow(/write `await model.runAsync\(inputs\)`/);
    const results = await model.runAsync(inputs);
    expect(Array.from(await results.turns.data())).toEqual(sample.outputs.turns.data);
    // A model that reads nothing needs no waiting.
    const plain = readOnnx(fixtureBytes('exchange/lstm2.legacy.onnx'), { backend: later });
    expect(plain.run({ x: randn([2, 3, 3], { backend: later }) }).y.shape).toEqual([2, 3, 3]);
  });

  test('runs of one shape keep what they can, and new weights, shapes and backends are new', async () => {
    const model = lstm();
    const parameters = model.parameters();
    const numbers = (of: typeof model, x: Tensor): number[] =>
      noGrad(() => scope(() => Array.from(of.run({ x }).y.dataSync())));
    /** Holds a run against a model with the same weights that has not run yet. */
    const answer = (steps: number): void => {
      const place = parameters[0].backend;
      const x = randn([2, steps, 3], { backend: place });
      const fresh = readOnnx(fixtureBytes('exchange/lstm2.legacy.onnx'), { backend: place });
      scope(() => void fresh.loadStateDict(model.stateDict()));
      expect(numbers(model, x)).toEqual(numbers(fresh, x));
      fresh.dispose();
      x.dispose();
    };
    for (const steps of [4, 4, 4, 6, 4]) answer(steps);
    const storages = backend.memory().storages;
    for (let i = 0; i < 5; i++) answer(4);
    expect(backend.memory().storages).toBe(storages);
    noGrad(() => parameters.forEach((parameter) => parameter.copy_(parameter.mul(0.5))));
    answer(4);
    await model.moveTo(await wasm({ threads: 1 }));
    answer(4);
    answer(4);
    // A run that is recorded, after runs that were not.
    const there = parameters[0].backend;
    const fresh = readOnnx(fixtureBytes('exchange/lstm2.legacy.onnx'), { backend: there });
    scope(() => void fresh.loadStateDict(model.stateDict()));
    const [own, others] = [model, fresh].map((each) =>
      scope(() => {
        const x = ones([2, 4, 3], { backend: there, requiresGrad: true });
        each.run({ x }).y.square().sum().backward();
        return [x, ...each.parameters()].map(({ grad }) => grad && Array.from(grad.dataSync()));
      }),
    );
    expect(own).toEqual(others);
    for (const each of [...parameters, ...fresh.parameters()]) {
      each.grad?.dispose();
      each.grad = undefined;
    }
    fresh.dispose();
    answer(4);
    model.dispose();
    expect(parameters[0].backend.memory().storages).toBe(0);
  });

  test('a Scan over constants that takes an input from around it is computed in every run', () => {
    const step = (name: string) => ({
      ...vector(name),
      type: { value: { case: 'tensorType', value: { elemType: Type.FLOAT, shape: {} } } },
    });
    const body = {
      node: [
        { opType: 'Mul', input: ['step', 'x'], output: ['part'] },
        { opType: 'Add', input: ['before', 'part'], output: ['after'] },
      ],
      input: [step('before'), step('step')],
      output: [step('after')],
    };
    const bytes = modelOf({
      node: [
        { opType: 'ConstantOfShape', input: ['one'], output: ['zero'] },
        {
          opType: 'ConstantOfShape',
          input: ['three by one'],
          output: ['steps'],
          attribute: [{ name: 'value', type: 4, t: { dims: [1n], dataType: Type.FLOAT, floatData: [2] } }],
        },
        {
          opType: 'Scan',
          input: ['zero', 'steps'],
          output: ['y'],
          attribute: [
            { name: 'body', type: 5, g: body },
            { name: 'num_scan_inputs', type: 2, i: 1n },
          ],
        },
      ],
      initializer: [
        { name: 'one', dims: [1n], dataType: Type.INT64, int64Data: [1n] },
        { name: 'three by one', dims: [2n], dataType: Type.INT64, int64Data: [3n, 1n] },
      ],
      input: [vector('x')],
      output: [vector('y')],
    });
    const model = readOnnx(bytes, { backend });
    for (const x of [1, 2, 3, 4])
      expect(noGrad(() => model.run({ x: tensor([x], { backend }) }).y.toArray())).toEqual([6 * x]);
  });

  test('inputs and constants as results, and one result under two names, are copies of the caller', () => {
    const bytes = modelOf({
      node: [
        { opType: 'Identity', input: ['x'], output: ['same'] },
        { opType: 'Identity', input: ['w'], output: ['weight'] },
        { opType: 'Neg', input: ['x'], output: ['a'] },
        { opType: 'Identity', input: ['a'], output: ['b'] },
        { opType: 'Unsqueeze', input: ['a', 'axis'], output: ['c'] },
      ],
      initializer: [
        { name: 'w', dims: [1n], dataType: Type.FLOAT, floatData: [5] },
        { name: 'axis', dims: [1n], dataType: Type.INT64, int64Data: [0n] },
      ],
      input: [vector('x')],
      output: ['same', 'weight', 'a', 'b', 'c'].map(vector),
    });
    const model = readOnnx(bytes, { backend });
    for (const x of [1, 2, 3, 4]) {
      const given = tensor([x], { backend });
      const results = Object.values(noGrad(() => model.run({ x: given })));
      expect(results.map((y) => y.toArray())).toEqual([[x], [5], [-x], [-x], [[-x]]]);
      for (const y of results) {
        y.dispose();
        expect(given.toArray()).toEqual([x]);
      }
    }
    expect(model.stateDict().w.toArray()).toEqual([5]);
  });

  test('a run that fails in the middle leaves nothing, and the next one works', () => {
    const failing: Backend = Object.create(backend, {
      matmul: {
        value: (...args: Parameters<Backend['matmul']>) => {
          if (isBroken) throw new BackendError('out of memory');
          return backend.matmul(...args);
        },
      },
    }) as Backend;
    let isBroken = false;
    const bytes = modelOf({
      node: [
        { opType: 'Neg', input: ['x'], output: ['a'] },
        { opType: 'Exp', input: ['a'], output: ['b'] },
        { opType: 'MatMul', input: ['b', 'b'], output: ['c'] },
        { opType: 'Add', input: ['c', 'a'], output: ['y'] },
      ],
      input: [vector('x')],
      output: [vector('y')],
    });
    const model = readOnnx(bytes, { backend: failing });
    const x = tensor([1, 2], { backend: failing });
    const run = () => noGrad(() => scope(() => model.run({ x }).y.toArray()));
    const expected = run();
    for (let i = 0; i < 3; i++) expect(run()).toEqual(expected);
    const { storages } = backend.memory();
    isBroken = true;
    expect(run).toThrow('out of memory');
    expect(backend.memory().storages).toBe(storages);
    isBroken = false;
    expect(run()).toEqual(expected);
  });

  test('numbers instead of tensors', () => {
    const { sample, bytes } = caseNamed('graphs.json', 'detector at 8000');
    const model = readOnnx(bytes, { backend });
    const { input, state } = inputsOf(sample, model, backend);
    expectOutputs(sample, model.run({ input, state, sr: 8000 }), 1e-6);
  });

  test('results belong to the caller, nothing else stays', () => {
    const model = lstm();
    const x = randn([2, 3, 3], { backend });
    noGrad(() => model.run({ x }).y.dispose());
    const before = backend.memory().storages;
    const { y } = noGrad(() => model.run({ x }));
    expect(backend.memory().storages).toBe(before + 1);
    y.dispose();
    scope(() => void model.run({ x }));
    expect(backend.memory().storages).toBe(before);
  });
});

describe('functions', () => {
  const resultsOf = (opType: string, values: number[]): number[] => {
    const bytes = modelOf({
      node: [{ opType, input: ['x'], output: ['y'] }],
      input: [vector('x')],
      output: [vector('y')],
    });
    return readOnnx(bytes, { backend })
      .run({ x: tensor(values, { backend }) })
      .y.toArray() as number[];
  };

  test('Round, next to a half and at its ends, with the sign of a zero', () => {
    const below = Math.fround(0.5 - 2 ** -25); // with a half added, 1 in float32
    expect(resultsOf('Round', [below, -below, 0.5, 1.5, 8388609])).toEqual([0, -0, 0, 2, 8388609]);
  });

  test('Erf keeps the last places of float32, also of small numbers', () => {
    const values = [2 ** -20, 2 ** -10, 0.25, 1, 2.5].map(Math.fround);
    // By Python's math.erf, in float64.
    const expected = [
      1.0761062308265404e-6, 0.0011019324300718147, 0.2763263901682369, 0.8427007929497149, 0.999593047982555,
    ];
    resultsOf('Erf', values).forEach((y, i) => expect(Math.abs(y / expected[i] - 1)).toBeLessThan(4 * 2 ** -24));
  });
});

describe('errors', () => {
  test('all missing operators at once, by node', () => {
    const bytes = modelOf({
      node: [
        { opType: 'Det', name: 'first', input: ['x'], output: ['a'] },
        { opType: 'Relu', name: 'fine', input: ['a'], output: ['b'] },
        { opType: 'Fancy', domain: 'com.example', name: 'second', input: ['b'], output: ['y'] },
      ],
      input: [vector('x')],
      output: [vector('y')],
    });
    expect(() => readOnnx(bytes, { backend })).toThrow(
      expect.objectContaining({
        code: 'ERR_ONNX_OPERATOR',
        message: "readOnnx: operators that are not supported: Det 'first', com.example.Fancy 'second'",
      }),
    );
  });

  test('the branch that a constant condition rules out is not looked at', () => {
    const branch = (opType: string) => ({
      node: [{ opType, input: ['x'], output: [`y ${opType}`] }],
      output: [vector(`y ${opType}`)],
    });
    const bytes = modelOf({
      node: [
        {
          opType: 'If',
          input: ['on'],
          output: ['y'],
          attribute: [
            { name: 'then_branch', type: 5, g: branch('Neg') },
            { name: 'else_branch', type: 5, g: branch('Det') },
          ],
        },
      ],
      initializer: [{ name: 'on', dataType: Type.BOOL, rawData: new Uint8Array([1]) }],
      input: [vector('x')],
      output: [vector('y')],
    });
    expect(
      readOnnx(bytes, { backend })
        .run({ x: tensor([1, -2], { backend }) })
        .y.toArray(),
    ).toEqual([-1, 2]);
  });

  test.each([
    [
      'a size that the bytes do not have',
      { dims: [3n], dataType: Type.FLOAT, rawData: new Uint8Array(8) },
      /8 bytes, expected 12/,
    ],
    ['sizes that overflow', { dims: [1n << 40n, 1n << 40n], dataType: Type.FLOAT }, /a shape of/],
    ['a negative size', { dims: [-1n], dataType: Type.FLOAT }, /the size -1/],
    ['text', { dims: [1n], dataType: Type.STRING }, /element type 8/],
    [
      'numbers in another file',
      { dims: [1n], dataType: Type.FLOAT, externalData: [{ key: 'location', value: '/etc/passwd' }] },
      /external data/,
    ],
    ['too few numbers in a list', { dims: [3n], dataType: Type.FLOAT, floatData: [1, 2] }, /2 numbers, expected 3/],
  ])('an initializer with %s', (_, initializer, message) => {
    const bytes = modelOf({
      node: [{ opType: 'Add', input: ['x', 'w'], output: ['y'] }],
      initializer: [{ name: 'w', ...initializer }],
      input: [vector('x')],
      output: [vector('y')],
    });
    expect(() => readOnnx(bytes, { backend })).toThrow(FormatError);
    expect(() => readOnnx(bytes, { backend })).toThrow(message);
  });

  test.each([
    [
      'an input that no node makes',
      [{ opType: 'Neg', input: ['z'], output: ['y'] }],
      /its input 'z' is not made before it/,
    ],
    ['an output that no node makes', [{ opType: 'Neg', input: ['x'], output: ['z'] }], /no node makes the output 'y'/],
    ['a name that comes twice', [{ opType: 'Neg', input: ['x'], output: ['x'] }], /'x' is given twice/],
    [
      'an attribute of the wrong type',
      [{ opType: 'Softmax', input: ['x'], output: ['y'], attribute: [{ name: 'axis', type: 1, f: 1 }] }],
      /axis is of type 1/,
    ],
  ])('a graph with %s', (_, node, message) => {
    const bytes = modelOf({ node, input: [vector('x')], output: [vector('y')] });
    const act = () => readOnnx(bytes, { backend }).run({ x: tensor([1], { backend }) });
    expect(act).toThrow(FormatError);
    expect(act).toThrow(message);
  });

  test('old operator versions', () => {
    expect(() => readOnnx(modelOf({ output: [] }, 6n), { backend })).toThrow(
      /version 6 of ONNX's operators, expected 7/,
    );
  });

  test('inputs that do not fit', () => {
    const model = lstm();
    const x = randn([2, 3, 3], { backend });
    expect(() => model.run({})).toThrow("run: input 'x' is missing; the model takes x");
    expect(() => model.run({ x, z: x })).toThrow("there is no input 'z'");
    expect(() => model.run({ x: randn([2, 3], { backend }) })).toThrow(ArgumentError);
    expect(() => model.run({ x: x.to('int32') })).toThrow("convert it with .to('float32')");
  });
});
