/** Models as ONNX: run by ONNX Runtime in other sizes than they were traced with. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { fromBinary } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { cpu } from '@rnn/backend-cpu';
import {
  arange,
  concat,
  cumsum,
  gather,
  linear,
  manualSeed,
  noGrad,
  randint,
  ones,
  randn,
  scan,
  setBackend,
  softmax,
  tensor,
  zeros,
  type Tensor,
  type Tensors,
} from '@rnn/core';
import {
  bceLoss,
  Bidirectional,
  Dropout,
  Embedding,
  GRU,
  GRUCell,
  LayerNorm,
  LayerNormLSTMCell,
  Linear,
  LSTM,
  LSTMCell,
  MGUCell,
  Module,
  PeepholeLSTMCell,
  Recurrent,
  ReLU,
  RNN,
  Sequential,
  Tanh,
  type Cell,
  type LSTMState,
} from '@rnn/nn';
import { readOnnx, writeOnnx } from '../../src/index.js';
import { ModelProtoSchema } from '../../src/onnx/schema.generated.js';
import { runOnce } from './onnx-runtime.js';

setBackend(await cpu());
manualSeed(3);

class Net extends Module {
  readonly run: (...inputs: Tensor[]) => unknown;
  readonly parts: Module[];

  constructor(parts: Module[], run: (...inputs: Tensor[]) => unknown) {
    super();
    this.parts = parts;
    this.run = run;
  }

  forward(...inputs: Tensor[]): unknown {
    return this.run(...inputs);
  }
}

function net<M extends Module[]>(parts: [...M], run: (parts: M) => (...inputs: Tensor[]) => unknown): Net {
  return new Net(parts, run(parts));
}

interface Sample {
  readonly name: string;
  readonly model: Module;
  /** Inputs for a batch and a length. */
  readonly inputs: (batch: number, steps: number) => Tensor[];
}

const sequence = (batch: number, steps: number): Tensor[] => [randn([steps, batch, 3])];
const lengthsOf = (batch: number, steps: number): Tensor =>
  tensor(
    Array.from({ length: batch }, (_, i) => Math.max(0, steps - 2 * i)),
    { dtype: 'int32' },
  );
interface LoopWeights {
  readonly weight: Tensor;
  readonly bias: Tensor;
}

const cellOf = <S extends Tensors>(cell: Cell<S>) =>
  net(
    [new Recurrent(cell as unknown as Cell), new Linear(4, 2)],
    ([layer, head]) =>
      (x) =>
        head.forward(layer.forward(x)[0]),
  );

class OwnCell extends Module implements Cell {
  readonly hidden = new Linear(4, 4);
  readonly input = new Linear(3, 4, { bias: false });
  forward(x: Tensor, h: Tensor): Tensor {
    const candidate = this.input.forward(x).add(this.hidden.forward(h)).tanh();
    return h.mul(0.5).add(candidate.mul(candidate.sigmoid()));
  }
  initialState(batch?: number): Tensor {
    return zeros(batch === undefined ? [4] : [batch, 4]);
  }
}

const samples: Sample[] = [
  {
    name: 'Sequential',
    model: new Sequential(
      new Linear(3, 8),
      new ReLU(),
      new LayerNorm(8),
      new Dropout(0.5),
      new Linear(8, 2),
      new Tanh(),
    ),
    inputs: sequence,
  },
  {
    name: 'LSTM of two layers',
    model: net(
      [new LSTM(3, 4, { numLayers: 2 }), new Linear(4, 2)],
      ([lstm, head]) =>
        (x) =>
          head.forward(lstm.forward(x)[0]),
    ),
    inputs: sequence,
  },
  {
    name: 'LSTM, batch first, both directions',
    model: net(
      [new LSTM(3, 4, { bidirectional: true, batchFirst: true, numLayers: 2 })],
      ([lstm]) =>
        (x) =>
          lstm.forward(x),
    ),
    inputs: (b, t) => [randn([b, t, 3])],
  },
  {
    name: 'LSTM with states',
    model: net(
      [new LSTM(3, 4)],
      ([lstm]) =>
        (x, h, c) =>
          lstm.forward(x, [h, c]),
    ),
    inputs: (b, t) => [randn([t, b, 3]), randn([1, b, 4]), randn([1, b, 4])],
  },
  {
    name: 'LSTM with lengths',
    model: net(
      [new LSTM(3, 4, { bidirectional: true })],
      ([lstm]) =>
        (x, lengths) =>
          lstm.forward(x, undefined, { lengths }),
    ),
    inputs: (b, t) => [randn([t, b, 3]), lengthsOf(b, t)],
  },
  {
    name: 'LSTM with a projection',
    model: net(
      [new LSTM(3, 5, { projSize: 2, numLayers: 2, bidirectional: true })],
      ([lstm]) =>
        (x, lengths) =>
          lstm.forward(x, undefined, { lengths }),
    ),
    inputs: (b, t) => [randn([t, b, 3]), lengthsOf(b, t)],
  },
  {
    name: 'GRU, last step',
    model: net(
      [new GRU(3, 4, { numLayers: 2 }), new Linear(4, 2)],
      ([gru, head]) =>
        (x) =>
          head.forward(gru.forward(x)[0].select(0, -1)),
    ),
    inputs: sequence,
  },
  {
    name: 'GRU without bias, both directions, the reset gate before the product',
    model: net(
      [new GRU(3, 4, { bias: false, bidirectional: true, resetAfter: false })],
      ([gru]) =>
        (x) =>
          gru.forward(x),
    ),
    inputs: sequence,
  },
  {
    name: 'RNN relu',
    model: net(
      [new RNN(3, 4, { nonlinearity: 'relu' })],
      ([rnn]) =>
        (x) =>
          rnn.forward(x),
    ),
    inputs: sequence,
  },
  {
    name: 'a single sequence',
    model: net(
      [new GRU(3, 4)],
      ([gru]) =>
        (x) =>
          gru.forward(x),
    ),
    inputs: (_, t) => [randn([t, 3])],
  },
  {
    name: 'Embedding and GRU',
    model: net(
      [new Embedding(9, 3), new GRU(3, 4, { batchFirst: true }), new Linear(4, 9)],
      ([table, gru, head]) =>
        (x) =>
          head.forward(gru.forward(table.forward(x))[0]).logSoftmax(-1),
    ),
    inputs: (b, t) => [randint(0, 9, [b, t])],
  },
  { name: 'a cell of one’s own', model: cellOf(new OwnCell()), inputs: sequence },
  { name: 'peepholes', model: cellOf(new PeepholeLSTMCell(3, 4)), inputs: sequence },
  { name: 'layer normalisation', model: cellOf(new LayerNormLSTMCell(3, 4)), inputs: sequence },
  { name: 'minimal gated unit', model: cellOf(new MGUCell(3, 4)), inputs: sequence },
  {
    name: 'GRU with the reset gate before the product',
    model: cellOf(new GRUCell(3, 4, { resetAfter: false })),
    inputs: sequence,
  },
  {
    name: 'cell with lengths, reverse',
    model: net(
      [new Recurrent(new LSTMCell(3, 4))],
      ([layer]) =>
        (x, lengths) =>
          layer.forward(x, undefined, { lengths, reverse: true }),
    ),
    inputs: (b, t) => [randn([t, b, 3]), lengthsOf(b, t)],
  },
  {
    name: 'cell with resets',
    model: net(
      [new Recurrent(new GRUCell(3, 4))],
      ([layer]) =>
        (x, resets) =>
          layer.forward(x, undefined, { resets }),
    ),
    inputs: (b, t) => [randn([t, b, 3]), randint(0, 2, [t, b], { dtype: 'float32' })],
  },
  {
    name: 'Bidirectional of two cells',
    model: net(
      [new Bidirectional<LSTMState>(new LSTMCell(3, 4), new PeepholeLSTMCell(3, 2))],
      ([both]) =>
        (x) =>
          both.forward(x),
    ),
    inputs: sequence,
  },
  {
    name: 'attention over time',
    model: net([new GRU(3, 4, { batchFirst: true }), new Linear(4, 4)], ([gru, query]) => (x) => {
      const [ys] = gru.forward(x);
      const scores = query.forward(ys).matmul(ys, { transposeB: true });
      return softmax(scores.mul(0.5), -1).matmul(ys).sub(ys.mean(1, true)).abs().add(1).log();
    }),
    inputs: (b, t) => [randn([b, t, 3])],
  },
  {
    name: 'a loop of its own',
    model: net([new Linear(3, 4), new Linear(4, 4)], ([input, hidden]) => (x) => {
      const step = (u: Tensor, h: Tensor, { weight, bias }: LoopWeights): [Tensor, Tensor] => {
        const next = u.add(linear(h, weight, bias)).tanh();
        return [next.mul(next), next];
      };
      const { weight, bias } = hidden;
      if (bias === undefined) throw new Error('expected a bias');
      const [ys, last] = scan(step, input.forward(x), zeros([x.shape[1], 4]), { parameters: { weight, bias } });
      return { ys, last };
    }),
    inputs: sequence,
  },
  {
    name: 'a loss that looks at its numbers where it can',
    model: net([new Linear(3, 1)], ([head]) => (x) => {
      const y = head.forward(x).sigmoid();
      return bceLoss(y, x.narrow(-1, 0, 1).sigmoid(), { reduction: 'none' });
    }),
    inputs: sequence,
  },
  ...[false, true].map((reverse) => ({
    name: `a loop of its own with lengths, ${reverse ? 'backwards' : 'forwards'}`,
    model: net([new Linear(3, 4), new Linear(4, 4)], ([input, hidden]) => (x, lengths) => {
      const step = (u: Tensor, h: Tensor, weights: { readonly inner: Tensor; readonly weight: Tensor }) => {
        const next = linear(u, weights.inner).add(linear(h, weights.weight)).tanh();
        return [next.mul(2).add(1), next] as [Tensor, Tensor];
      };
      const parameters = { inner: input.weight, weight: hidden.weight };
      const [ys, last] = scan(step, x, zeros([x.shape[1], 4]), { parameters, lengths, reverse });
      return { ys, last };
    }),
    inputs: (b: number, t: number) => [randn([t, b, 3]), lengthsOf(b, t)],
  })),
  {
    name: 'a loop backwards, of two states, with all that a program may do',
    model: net([new Linear(4, 4)], ([layer]) => (x, start) => {
      const step = (
        u: Tensor,
        [a, b]: readonly [Tensor, Tensor],
        { weight, bias }: LoopWeights,
      ): [[Tensor, Tensor], [Tensor, Tensor]] => {
        const scores = softmax(linear(a, weight).add(bias), -1);
        const parts = concat([u.narrow(-1, 2, 1), a.flip(-1).narrow(-1, 0, 3)], -1);
        const peak = a.amax(-1, true);
        const next = scores.mul(parts).add(u.sum(-1, true)).maximum(-1);
        const kept = next.gt(b).where(next, b.mul(0.5)).square().sqrt();
        return [
          [kept.sub(peak), kept.ge(0.5)],
          [kept, next],
        ];
      };
      const { weight, bias } = layer;
      if (bias === undefined) throw new Error('expected a bias');
      const [[y, test], [a, b]] = scan(step, x, [start, start.mul(0.5)], {
        parameters: { weight, bias },
        reverse: true,
      });
      return { y, test, a, b };
    }),
    inputs: (b, t) => [randn([t, b, 3]), randn([b, 4])],
  },
  {
    name: 'places of time',
    model: net(
      [new Linear(3, 4)],
      ([head]) =>
        (x) =>
          head.forward(x).add(arange(x.shape[0]).reshape([-1, 1, 1]).mul(0.1)),
    ),
    inputs: sequence,
  },
  {
    name: 'shapes that are computed',
    model: net([new Linear(3, 4)], ([head]) => (x) => {
      const y = head.forward(x);
      const [t, b] = y.shape;
      const flat = y.transpose(0, 1).reshape([b, t * 4]);
      const shifted = y.slice(0, 1).sub(y.slice(0, 0, -1));
      return {
        flat,
        shifted,
        last: y.select(0, -1).gt(0).where(y.select(0, -1), 0),
        flipped: y.flip(0),
        top: y.amax(-1).argmax(0),
      };
    }),
    inputs: sequence,
  },
];

function flat(result: unknown): Tensor[] {
  if (Array.isArray(result)) return result.flatMap(flat);
  return typeof result === 'object' && result !== null && !('shape' in result)
    ? Object.values(result).flatMap(flat)
    : [result as Tensor];
}

test.each(['a loop of its own', 'a loop backwards, of two states, with all that a program may do'])(
  '%s is one Scan, however long',
  (name) => {
    const { model, inputs } = samples.find((sample) => sample.name === name) as Sample;
    const operators = (steps: number): string[] => {
      const { graph } = fromBinary(ModelProtoSchema, writeOnnx(model, inputs(2, steps)));
      return (graph?.node ?? []).map(({ opType }) => opType);
    };
    expect(operators(5).filter((operator) => operator === 'Scan')).toHaveLength(1);
    expect(operators(9)).toEqual(operators(5));
  },
);

// For a look from outside: see tooling/fixtures/check_onnx.py.
const { ONNX_EXPORTS: folder } = process.env;

describe.each(samples)('$name', ({ name, model, inputs }) => {
  const bytes = writeOnnx(model, inputs(2, 5));
  if (folder !== undefined) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(`${folder}/${name.replaceAll(/\W+/g, '_')}.onnx`, bytes);
  }

  test.each([1, 2, 4].flatMap((batch) => [1, 3, 8].map((steps) => [batch, steps])))(
    'batch %i, %i steps',
    async (batch, steps) => {
      const given = inputs(batch, steps);
      model.eval();
      const expected = flat(noGrad(() => (model.forward as (...list: Tensor[]) => unknown)(...given)));
      const results = Object.values(await runOnce(bytes, given));
      expect(results.map(({ dims }) => dims)).toEqual(expected.map(({ shape }) => shape));
      results.forEach(({ data }, i) => {
        const numbers = expected[i].dataSync();
        Array.from(data as Float32Array, Number).forEach((number, at) =>
          expect(Math.abs(number - numbers[at])).toBeLessThan(1e-5),
        );
      });
      const again = flat(noGrad(() => readOnnx(bytes).forward(...given)));
      again.forEach((result, i) => {
        const numbers = expected[i].dataSync();
        result.dataSync().forEach((number, at) => expect(Math.abs(number - numbers[at])).toBeLessThan(1e-5));
      });
    },
  );
});

describe('lengths of a loop that are not seen are refused', () => {
  const message = /forward reads whole numbers of an input, and what it does with them is not seen/;
  const loop = (step: (u: Tensor, h: Tensor) => [Tensor, Tensor]) =>
    net(
      [new Linear(3, 4)],
      ([input]) =>
        (x, lengths) =>
          scan(step, input.forward(x), zeros([x.shape[1], 4]), { lengths }),
    );

  test('of an example in which no row is shorter', () => {
    const model = loop((u, h) => [h, u.add(h).tanh()]);
    expect(() => writeOnnx(model, [randn([5, 2, 3]), tensor([5, 5], { dtype: 'int32' })])).toThrow(message);
    expect(() => writeOnnx(model, [randn([5, 2, 3]), tensor([5, 2], { dtype: 'int32' })])).not.toThrow();
  });

  test('of a step that does not compile', () => {
    const model = loop((u, h) => [h, u.add(cumsum(h, -1)).add(gather(h, 1, zeros(h.shape, { dtype: 'int32' })))]);
    expect(() => writeOnnx(model, [randn([5, 2, 3]), tensor([5, 2], { dtype: 'int32' })])).toThrow(message);
  });
});

describe('what is written beside the graph', () => {
  const model = net([new LSTM(3, 4)], ([lstm]) => (x, h, c) => {
    const [y, [hN, cN]] = lstm.forward(x, [h, c]);
    return { y, hN, cN };
  });
  const inputs = [randn([5, 2, 3]), randn([1, 2, 4]), randn([1, 2, 4])];

  test('names, the states that are handed on, and an example with its results', () => {
    const bytes = writeOnnx(model, inputs, { inputNames: ['frames', 'h', 'c'] });
    const again = readOnnx(bytes);
    expect(again.inputs.map(({ name }) => name)).toEqual(['frames', 'h', 'c']);
    expect(again.outputs.map(({ name }) => name)).toEqual(['y', 'hN', 'cN']);
    expect(Object.keys(again.stateDict())).toEqual([
      'parts.0.weight_ih_l0',
      'parts.0.weight_hh_l0',
      'parts.0.bias_ih_l0',
    ]);
    const shape = [1, 'frames_dim_1', 4];
    expect(JSON.parse(again.metadata['rnn.state'])).toEqual([
      { input: 'h', output: 'hN', shape, initial: 0 },
      { input: 'c', output: 'cN', shape, initial: 0 },
    ]);
    const sample = JSON.parse(again.metadata['rnn.self_test']) as Record<
      string,
      Record<string, { shape: number[]; data: number[] }>
    >;
    const given = Object.entries(sample.inputs).map(
      ([name, { shape: sizes, data }]) => [name, tensor(data).reshape(sizes)] as const,
    );
    const results = noGrad(() => again.run(Object.fromEntries(given)));
    for (const [name, { data }] of Object.entries(sample.outputs)) {
      results[name].dataSync().forEach((number, i) => expect(Math.abs(number - data[i])).toBeLessThan(1e-6));
    }
  });

  test('the model stays as it was', () => {
    model.train();
    const before = model.parameters().map((parameter) => [parameter, parameter.backend, parameter.toArray()]);
    const memory = before.length > 0 ? model.parameters()[0].backend.memory().storages : 0;
    writeOnnx(model, inputs);
    expect(model.parameters().map((parameter) => [parameter, parameter.backend, parameter.toArray()])).toEqual(before);
    expect(model.training).toBe(true);
    expect(model.parameters()[0].backend.memory().storages).toBe(memory);
    expect(Object.keys(model.parts[0])).not.toContain('forward');
  });

  test('an imported model is written with its own graph and the weights that it has now', async () => {
    const read = readOnnx(writeOnnx(model, inputs));
    noGrad(() => read.parameters().forEach((parameter) => parameter.copy_(parameter.mul(0.5))));
    const expected = noGrad(() => read.forward(...inputs)) as Tensor[];
    const results = Object.values(await runOnce(writeOnnx(read, inputs), inputs));
    expected.forEach((result, i) =>
      result
        .dataSync()
        .forEach((number, at) => expect(Math.abs(number - Number(results[i].data[at]))).toBeLessThan(1e-6)),
    );
  });

  test.each([18, 21])('version %i of the operators', async (opset) => {
    const own = net(
      [new GRU(3, 4)],
      ([gru]) =>
        (x) =>
          softmax(gru.forward(x)[0], 1).amax(0),
    );
    const bytes = writeOnnx(own, [randn([5, 2, 3])], { opset });
    const x = randn([3, 4, 3]);
    const expected = (noGrad(() => own.forward(x)) as Tensor).dataSync();
    const { y } = await runOnce(bytes, [x]);
    expected.forEach((number, i) => expect(Math.abs(number - Number(y.data[i]))).toBeLessThan(1e-5));
  });
});

describe('what cannot be written', () => {
  const other = randn([4]);
  test.each([
    [
      'reads numbers of its input',
      net([], () => (x) => x.mul(x.sum().item())),
      /forward reads numbers that depend on the inputs/,
    ],
    [
      'adds by index',
      net(
        [],
        () => (x) =>
          zeros([3]).scatterAdd(0, tensor([0, 1], { dtype: 'int32' }), x.select(0, 0).select(0, 0).narrow(0, 0, 2)),
      ),
      /adds by index \(scatterAdd\)/,
    ],
    ['returns nothing', net([], () => () => 7), /forward returns no tensor/],
    [
      'uses a tensor from elsewhere',
      net(
        [new Linear(3, 4)],
        ([head]) =>
          (x) =>
            head.forward(x).add(other),
      ),
      /neither an input nor a parameter or buffer/,
    ],
  ])('a forward that %s', (_, model, message) => {
    expect(() => writeOnnx(model, [randn([2, 5, 3])])).toThrow(message);
  });

  test.each<[string, () => Module]>([
    [
      'a mask',
      () =>
        net(
          [new GRU(3, 4)],
          ([gru]) =>
            (x) =>
              gru.forward(x, undefined, { mask: ones([2, 5]) })[0],
        ),
    ],
    [
      'resets',
      () =>
        net(
          [new LSTM(3, 4)],
          ([lstm]) =>
            (x) =>
              lstm.forward(x, undefined, { resets: ones([2, 5]) })[0],
        ),
    ],
    [
      'a list of sizes',
      () =>
        net(
          [new LSTM(3, [4, 4])],
          ([lstm]) =>
            (x) =>
              lstm.forward(x)[0],
        ),
    ],
    [
      'a learned initial state',
      () =>
        net(
          [new GRU(3, 4, { learnInitialState: true })],
          ([gru]) =>
            (x) =>
              gru.forward(x)[0],
        ),
    ],
    [
      'several cells',
      () =>
        net(
          [new Recurrent([new GRUCell(3, 4), new GRUCell(4, 4)])],
          ([layer]) =>
            (x) =>
              layer.forward(x)[0],
        ),
    ],
    [
      'a learned initial state',
      () =>
        net(
          [new Recurrent(new GRUCell(3, 4), { learnInitialState: true })],
          ([layer]) =>
            (x) =>
              layer.forward(x)[0],
        ),
    ],
    [
      'a mask',
      () =>
        net(
          [new Recurrent(new GRUCell(3, 4))],
          ([l]) =>
            (x) =>
              l.forward(x, undefined, { mask: ones([2, 5]) })[0],
        ),
    ],
  ])('a recurrent layer with %s', (what, make) => {
    expect(() => writeOnnx(make(), [randn([2, 5, 3])])).toThrow(`a recurrent layer has ${what}, which is not written`);
  });

  test('a merge of both directions, and resets of both', () => {
    const both = (options: object) => new Bidirectional(new GRUCell(3, 4), new GRUCell(3, 4), options);
    const summed = net(
      [both({ merge: 'sum' })],
      ([layer]) =>
        (x) =>
          layer.forward(x)[0],
    );
    expect(() => writeOnnx(summed, [randn([2, 5, 3])])).toThrow('Bidirectional merges by sum, which is not written');
    const reset = net(
      [both({})],
      ([l]) =>
        (x) =>
          l.forward(x, undefined, { resets: ones([2, 5]) })[0],
    );
    expect(() => writeOnnx(reset, [randn([2, 5, 3])])).toThrow('a bidirectional layer has resets');
  });

  test('wrong arguments', () => {
    const model = new Linear(3, 4);
    expect(() => writeOnnx(model, [])).toThrow(
      'writeOnnx: inputs is an empty array, expected an array of at least one Tensor',
    );
    expect(() => writeOnnx(model, [randn([2, 3])], { opset: 12 })).toThrow('opset is 12');
    expect(() => writeOnnx(model, [randn([2, 3])], { inputNames: ['a', 'b'] })).toThrow('2 inputNames for 1 inputs');
    expect(() => writeOnnx(model, [randn([2, 3])], { outputNames: ['a', 'b'] })).toThrow('2 outputNames, expected 1');
  });
});
