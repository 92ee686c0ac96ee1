import { cpu } from '@rnn/backend-cpu';
import { Generator, manualSeed, scope, setBackend, tensor, zeros, type Backend, type Tensor } from '@rnn/core';
import { crossEntropy, Embedding, GRU, Linear, LSTM, LSTMCell, Module, mseLoss, type LSTMState } from '@rnn/nn';
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
  forward(x: Tensor, state?: LSTMState, resets?: number[][]): [Tensor, LSTMState] {
    const [y, next] = this.lstm.forward(this.embedding.forward(x), state, { resets, resetTo: 'initial' });
    return [this.head.forward(y), next];
  }
}

type Piece = [input: Tensor, target: Tensor, resets?: number[][]];
const loss: CarriedLoss<TextModel, Piece, LSTMState> = (model, [x, y, resets], state) => {
  const [scores, next] = model.forward(x, state, resets);
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

  test('begins anew after each document, row by row', async () => {
    const model = new TextModel();
    const end = 4;
    const measured = await evaluate(model, textStreams(text, { rows: 3, steps: 50, documentEnd: end }), {
      loss,
      tbptt: 9,
    });
    // Each row by itself, document by document.
    const length = text.length / 3;
    let [sum, count] = [0, 0];
    for (let row = 0; row < 3; row++) {
      let document: number[] = [];
      for (let t = 0; t < length; t++) {
        const token = text[row * length + t];
        document.push(token);
        const last = t === length - 1;
        if (token !== end && !last) continue;
        // The input that ends a document is asked for the first token of the next one.
        const targets = [...document.slice(1), ...(last ? [] : [text[row * length + t + 1]])];
        if (targets.length > 0) {
          const [x, y] = [document.slice(0, targets.length), targets];
          const [scores] = model.forward(tensor(x, { dtype: 'int32' }).reshape([x.length, 1]));
          const target = tensor(y, { dtype: 'int32' }).reshape([y.length, 1]);
          sum += crossEntropy(scores, target, { classDim: -1 }).item() * y.length;
          count += y.length;
        }
        document = [];
      }
    }
    expect(count).toBe(3 * (length - 1));
    expect(measured.loss).toBeCloseTo(sum / count, 5);
  });

  test.each([false, true])(
    'begins anew after each document in training: as a loop by hand, batchFirst %s',
    async (batchFirst) => {
      const end = 4;
      const [rows, steps, rowLength] = [3, 9, text.length / 3];
      const model = new TextModel();
      const byHand = model.clone();
      model.lstm = new LSTM(3, 4, { batchFirst });
      model.lstm.loadStateDict(byHand.lstm.stateDict());
      const cell = new LSTMCell(3, 4);
      const streams = textStreams(text, { rows, steps: 50, documentEnd: end, batchFirst });
      const { steps: records } = await fit(model, streams, { ...options(model), tbptt: steps, epochs: 1 });

      // Each row by itself, step by step: after a document's end from zeros, after each piece from
      // numbers.
      const optimizer = new SGD(byHand.parameters(), { lr: 0.5 });
      const states: (LSTMState | undefined)[] = Array.from({ length: rows }, () => undefined);
      const pieces: [from: number, to: number][] = [];
      for (let batch = 0; batch < rowLength - 1; batch += 50)
        for (let from = batch; from < Math.min(batch + 50, rowLength - 1); from += steps)
          pieces.push([from, Math.min(from + steps, batch + 50, rowLength - 1)]);
      expect(records).toHaveLength(pieces.length);
      pieces.forEach(([from, to], i) => {
        optimizer.zeroGrad();
        for (const name of ['weight_ih', 'weight_hh', 'bias_ih', 'bias_hh'] as const)
          cell[name] = byHand.lstm[`${name}_l0`];
        const losses = states.flatMap((state, row) => {
          let now = state && ([state[0].detach(), state[1].detach()] as LSTMState);
          const found = [];
          for (let t = from; t < to; t++) {
            const at = row * rowLength + t;
            if (t > 0 && text[at - 1] === end) now = undefined;
            const [h, c] = cell.forward(byHand.embedding.forward(tensor([text[at]], { dtype: 'int32' })), now);
            now = [h, c];
            found.push(crossEntropy(byHand.head.forward(h), tensor([text[at + 1]], { dtype: 'int32' })));
          }
          states[row] = now;
          return found;
        });
        const mean = losses.reduce((a, b) => a.add(b)).div(losses.length);
        expect(records[i].loss).toBeCloseTo(mean.item(), 5);
        mean.backward();
        optimizer.step();
      });
      const expected = byHand.stateDict();
      for (const [name, parameter] of model.namedParameters())
        parameter.dataSync().forEach((value, i) => expect(value).toBeCloseTo(expected[name].dataSync()[i], 4));
    },
  );

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
  // Shares nothing: neither with the model, nor with zeros that the garbage collector finds some
  // day.
  for (const parameter of averaged.module.parameters()) scope(() => void parameter.copy_(zeros(parameter.shape)));
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
});

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
