import { cpu } from '@rnn/backend-cpu';
import { Generator, manualSeed, setBackend, tensor, zeros, type Backend, type Tensor } from '@rnn/core';
import { crossEntropy, Embedding, GRU, Linear, LSTM, Module, mseLoss, type LSTMState } from '@rnn/nn';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  Adam,
  AveragedModel,
  DataLoader,
  evaluate,
  fit,
  SequenceDataset,
  SGD,
  textStreams,
  type CarriedLoss,
  type FitOptions,
  type History,
  type SequenceBatch,
} from '../../src/index.js';
import reference from '../cases/tbptt.json' with { type: 'json' };

let backend: Backend;
beforeAll(async () => {
  backend = await cpu();
  setBackend(backend);
});
beforeEach(() => {
  manualSeed(2);
});

class TextModel extends Module {
  embedding: Embedding;
  lstm: LSTM;
  head: Linear;
  constructor(tokens = 5, width = 3, hidden = 4) {
    super();
    this.embedding = new Embedding(tokens, width);
    this.lstm = new LSTM(width, hidden);
    this.head = new Linear(hidden, tokens);
  }
  forward(x: Tensor, state?: LSTMState): [Tensor, LSTMState] {
    const [y, next] = this.lstm.forward(this.embedding.forward(x), state);
    return [this.head.forward(y), next];
  }
}

type Piece = [input: Tensor, target: Tensor];
const loss: CarriedLoss<TextModel, Piece, LSTMState> = (model, [x, y], state) => {
  const [scores, next] = model.forward(x, state);
  return [crossEntropy(scores, y, { classDim: -1 }), next];
};

const values = (model: Module): number[] => model.parameters().flatMap((p) => [...p.dataSync()]);
const text = Array.from(new Generator(3).permutation(600), (i) => i % 5);

describe("PyTorch's numbers", () => {
  test.each(reference.cases)('accumulate $accumulate, decay $decay', async (expected) => {
    const { vocabulary, embedding, hidden, rows, steps, start } = reference;
    const model = new TextModel(vocabulary, embedding, hidden);
    const names = model.namedParameters().map(([name]) => name);
    const load = Object.entries(start).map(([name, data]) => {
      const { shape } = model.namedParameters()[names.indexOf(name)][1];
      return [name, { shape, data }] as const;
    });
    model.loadStateDict(Object.fromEntries(load));
    const averaged = new AveragedModel(model, expected.decay === null ? {} : { decay: expected.decay });
    const history = await fit(model, textStreams(reference.text, { rows }), {
      tbptt: steps,
      loss,
      optimizer: new Adam(model.parameters(), { lr: 0.05 }),
      epochs: expected.epochs,
      accumulate: expected.accumulate,
      clipNorm: 0.5,
      averaged,
    });
    expect(history.steps).toHaveLength(expected.losses.length);
    history.steps.forEach((record, i) => {
      expect(record.loss).toBeCloseTo(expected.losses[i], 4);
      expect(record.gradNorm).toBeCloseTo(expected.norms[i], 4);
    });
    for (const [module, numbers] of [
      [model, expected.end],
      [averaged.module, expected.averaged],
    ] as const) {
      for (const [name, parameter] of module.namedParameters()) {
        const wanted = numbers[name as keyof typeof numbers];
        parameter.dataSync().forEach((value, i) => expect(value).toBeCloseTo(wanted[i], 3));
      }
    }
  });
});

describe('the state', () => {
  const options = (model: TextModel): FitOptions<TextModel, Piece, LSTMState> => ({
    tbptt: 8,
    loss,
    optimizer: new SGD(model.parameters(), { lr: 0.5 }),
    epochs: 2,
  });

  test('is carried as in a loop by hand, to the bit', async () => {
    const model = new TextModel();
    const byHand = model.clone();
    await fit(model, textStreams(text, { rows: 4, steps: 8 }), options(model));
    const optimizer = new SGD(byHand.parameters(), { lr: 0.5 });
    for (let epoch = 0; epoch < 2; epoch++) {
      let state: LSTMState | undefined;
      for (const [x, y] of textStreams(text, { rows: 4, steps: 8 })) {
        const [scores, next] = byHand.forward(x, state);
        optimizer.zeroGrad();
        crossEntropy(scores, y, { classDim: -1 }).backward();
        optimizer.step();
        state = [next[0].detach(), next[1].detach()];
      }
    }
    expect(values(model)).toEqual(values(byHand));
  });

  test.each([false, true])('is the same however the streams are cut, batchFirst %s', async (batchFirst) => {
    const ends = [];
    for (const steps of [8, 16, 80, undefined]) {
      manualSeed(2);
      const model = new TextModel();
      model.lstm = new LSTM(3, 4, { batchFirst });
      const history = await fit(model, textStreams(text, { rows: 4, steps, batchFirst }), options(model));
      ends.push([...values(model), ...history.steps.map((record) => record.loss)]);
    }
    for (const end of ends) expect(end).toEqual(ends[0]);
  });

  test('makes the loss of pieces that of the whole, forwards', async () => {
    const model = new TextModel();
    const whole = await evaluate(model, textStreams(text, { rows: 4 }), { loss, tbptt: 1e6 });
    for (const tbptt of [1, 7, 64]) {
      const pieces = await evaluate(model, textStreams(text, { rows: 4, steps: 70 }), { loss, tbptt });
      expect(pieces.loss).toBeCloseTo(whole.loss, 5);
    }
    const cutOff = await evaluate(model, textStreams(text, { rows: 4, steps: 7 }), {
      loss,
      tbptt: { steps: 7, carry: false },
    });
    expect(Math.abs(cutOff.loss - whole.loss)).toBeGreaterThan(1e-4);
  });

  test('begins anew with each batch of a loader, and lengths are cut', async () => {
    class Sum extends Module {
      gru = new GRU(1, 3);
      head = new Linear(3, 1);
      forward(x: Tensor): Tensor {
        return this.head.forward(this.gru.forward(x)[0]);
      }
    }
    const sequences = [17, 3, 9, 12, 1].map((n) => Array.from({ length: n }, (_, t) => [Math.sin(t * n)]));
    const data = new DataLoader(new SequenceDataset(sequences, sequences), { batchSize: 2 });
    const model = new Sum();
    const stepLoss: CarriedLoss<Sum, SequenceBatch, Tensor> = (net, { input, target, lengths }, state) => {
      const [y, next] = net.gru.forward(input, state, { lengths });
      return [mseLoss(net.head.forward(y), target, { lengths }), next];
    };
    const whole = await evaluate(model, data, { loss: (net, batch) => stepLoss(net, batch, undefined), tbptt: 100 });
    for (const tbptt of [1, 4, 5]) {
      const pieces = await evaluate(model, data, { loss: stepLoss, tbptt });
      expect(pieces.loss).toBeCloseTo(whole.loss, 5);
    }
    const history = await fit(model, data, {
      loss: stepLoss,
      tbptt: 5,
      optimizer: new SGD(model.parameters(), { lr: 0 }),
      epochs: 1,
    });
    expect(history.step).toBe(4 + 3 + 1); // pieces of 17, 12 and 1 steps
    expect(history.epochs[0].loss).toBeCloseTo(whole.loss, 5);
  });

  test('is as it was before a step that is skipped', async () => {
    const run = async (bad: boolean): Promise<number[]> => {
      manualSeed(2);
      const model = new TextModel();
      const all = [...textStreams(text, { rows: 4, steps: 8 })];
      const data = bad ? [...all.slice(0, 3), all[0], ...all.slice(3)] : all;
      let calls = 0;
      await fit(model, data, {
        ...options(model),
        tbptt: { steps: 8, carry: true },
        onNonFinite: 'skip',
        epochs: 1,
        loss: (net, batch, state?: LSTMState): [Tensor, LSTMState] => {
          const [value, next] = loss(net, batch, state) as [Tensor, LSTMState];
          const odd = bad && calls++ === 3;
          return odd ? [value.mul(NaN), [next[0].mul(NaN), next[1].mul(NaN)]] : [value, next];
        },
      });
      return values(model);
    };
    expect(await run(true)).toEqual(await run(false));
  });

  test('is in the history of a training that ends in the middle of a pass, also as JSON', async () => {
    const whole = new TextModel();
    const unbroken = await fit(whole, textStreams(text, { rows: 4 }), options(whole));
    for (const at of [1, 5, 18, 19, 20, 30]) {
      manualSeed(2);
      const model = new TextModel();
      const given = options(model);
      const first = await fit(model, textStreams(text, { rows: 4 }), { ...given, epochs: undefined, steps: at });
      const history = JSON.parse(JSON.stringify(first)) as History;
      const rest = await fit(model, textStreams(text, { rows: 4 }), { ...given, history });
      expect(values(model)).toEqual(values(whole));
      expect(rest.steps.map((record) => record.loss)).toEqual(unbroken.steps.map((record) => record.loss));
      expect(rest.carried).toBeUndefined();
    }
  });

  test('follows the model to another backend', async () => {
    const other = await cpu();
    const run = async (moveAt: number): Promise<number[]> => {
      manualSeed(2);
      setBackend(backend);
      const model = new TextModel();
      const history = await fit(model, textStreams(text, { rows: 4, steps: 8 }), {
        ...options(model),
        epochs: 1,
        onStep: ({ step }) => {
          if (step !== moveAt) return;
          model.to(other);
          setBackend(other);
        },
      });
      setBackend(backend);
      return history.steps.map((record) => record.loss);
    };
    expect(await run(5)).toEqual(await run(Infinity));
  });
});

test('memory is flat over 10,000 steps, and nothing is left at the end', async () => {
  const own = await cpu();
  setBackend(own);
  const model = new TextModel(5, 2, 2);
  const averaged = new AveragedModel(model, { decay: 0.9 });
  const optimizer = new SGD(model.parameters(), { lr: 0.01 });
  await evaluate(model, textStreams(text.slice(0, 42), { rows: 2 }), { loss, tbptt: 2 });
  for (const parameter of averaged.module.parameters()) parameter.copy_(zeros(parameter.shape)); // shares nothing
  const before = own.memory();
  const seen = new Set<string>();
  await fit(model, textStreams(text.slice(0, 42), { rows: 2 }), {
    tbptt: 2,
    accumulate: 2,
    loss,
    optimizer,
    averaged,
    steps: 10_000,
    logEvery: 500,
    onStep: () => seen.add(JSON.stringify(own.memory())),
  });
  setBackend(backend);
  expect(seen.size).toBe(1);
  expect(own.memory()).toEqual(before);
}, 120_000);

describe('refuses', () => {
  const streams = (): unknown => textStreams(text, { rows: 4, steps: 8 });
  const run = (options: object, data: () => unknown = streams): Promise<History> => {
    const model = new TextModel();
    const optimizer = new SGD(model.parameters());
    return fit(model, data() as Iterable<Piece>, { tbptt: 4, loss, optimizer, epochs: 1, ...options });
  };

  test.each<[string, object, (() => unknown)?]>([
    ['fit: tbptt is 0, expected a whole number from 1 up', { tbptt: 0 }],
    ["fit: option 'step' is unknown", { tbptt: { step: 3 } }],
    ['fit: tbptt.carry is 1, expected true or false', { tbptt: { steps: 3, carry: 1 } }],
    [
      'fit: the result of loss is a Tensor of shape [], expected [loss, state], as with tbptt the state goes on to the next piece',
      { loss: (m: TextModel, piece: Piece) => (loss(m, piece, undefined) as [Tensor, LSTMState])[0] },
    ],
    [
      'fit: tbptt is given, and the batch has [8, 4], [4], expected tensors of as many steps each, as dimension 0; leave values of whole rows to the loss',
      {},
      () => [[...[...textStreams(text, { rows: 4, steps: 8 })][0].slice(0, 1), tensor([1, 2, 3, 4])]],
    ],
  ])('%s', async (message, options, data) => {
    await expect(run(options, data)).rejects.toThrow(message);
  });

  test('to go on in the middle of a pass without a state', async () => {
    const model = new TextModel();
    const optimizer = new SGD(model.parameters());
    const data = textStreams(text, { rows: 4, steps: 8 });
    const { carried, ...history } = await fit(model, data, { tbptt: 8, loss, optimizer, steps: 3 });
    expect(carried).toBeDefined();
    await expect(fit(model, data, { tbptt: 8, loss, optimizer, epochs: 1, history })).rejects.toThrow(
      'fit: history is of a training that carried no state',
    );
  });
});
