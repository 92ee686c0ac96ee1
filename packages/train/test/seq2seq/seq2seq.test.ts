import { cpu } from '@rnn/backend-cpu';
import {
  ArgumentError,
  fromData,
  Generator,
  getBackend,
  logSoftmax,
  manualSeed,
  setBackend,
  ShapeError,
  type Tensor,
} from '@rnn/core';
import { Adam, DataLoader, fit, Seq2Seq, SequencePairs, type Seq2SeqOptions } from '@rnn/train';
import { readFileSync } from 'node:fs';
import { beforeEach, describe, expect, test } from 'vitest';
import { errorOf } from '../reference-case.js';

interface Numbers {
  readonly shape: number[];
  readonly data: number[];
}

interface Case {
  readonly options: Seq2SeqOptions;
  readonly weights: Record<string, Numbers>;
  readonly source: Numbers;
  readonly target: Numbers;
  readonly sourceLengths: number[];
  readonly targetLengths: number[];
  readonly scores: Numbers;
  readonly loss: number;
  readonly grads: Record<string, Numbers>;
}

const cases = JSON.parse(readFileSync(new URL('../cases/seq2seq.json', import.meta.url), 'utf8')) as Case[];

beforeEach(async () => {
  setBackend(await cpu());
  manualSeed(0);
});

const float = ({ shape, data }: Numbers): Tensor => fromData(Float64Array.from(data), shape);
const int = ({ shape, data }: Numbers): Tensor => fromData(Int32Array.from(data), shape);
const [EOS, BOS] = [2, 1];

function small(options: Partial<Seq2SeqOptions> = {}): Seq2Seq {
  return new Seq2Seq({ sourceTokens: 6, targetTokens: 4, bos: BOS, eos: EOS, hiddenSize: 8, ...options });
}

const source = (): Tensor => fromData(Int32Array.of(3, 5, 0, 1, 4, 2), [3, 2]);

/** log p of the symbol after some, from one pass over all of them. */
function logProbabilitiesAfter(model: Seq2Seq, row: number, tokens: readonly number[]): number[] {
  const one = source().slice(1, row, row + 1);
  // What stands last is never read.
  const scores = model.forward(one, fromData(Int32Array.from([...tokens, 0]), [tokens.length + 1, 1]));
  return Array.from(logSoftmax(scores.select(0, tokens.length).select(0, 0), 0).dataSync());
}

const argmax = (list: readonly number[]): number => list.indexOf(Math.max(...list));

describe('the numbers of PyTorch', () => {
  test.each(cases.map((one) => [`${one.options.cell}, ${one.options.attention}`, one] as const))('%s', (_, one) => {
    const model = new Seq2Seq({ ...one.options, dtype: 'float64' });
    model.loadStateDict(Object.fromEntries(Object.entries(one.weights).map(([name, value]) => [name, float(value)])));
    const { sourceLengths, targetLengths } = one;
    const [from, to] = [int(one.source), int(one.target)];
    const scores = model.forward(from, to, { lengths: sourceLengths });
    expect(scores.shape).toEqual(one.scores.shape);
    expect(errorOf(scores.dataSync(), one.scores.data)).toBeLessThan(1e-7);
    const loss = model.loss({ source: from, sourceLengths, target: to, targetLengths });
    expect(loss.item()).toBeCloseTo(one.loss, 7);
    loss.backward();
    const grads = Object.fromEntries(Array.from(model.namedParameters(), ([name, { grad }]) => [name, grad]));
    expect(Object.keys(grads).sort()).toEqual(Object.keys(one.grads).sort());
    for (const [name, { data }] of Object.entries(one.grads)) {
      expect(errorOf(grads[name]?.dataSync() ?? [], data)).toBeLessThan(1e-7);
    }
  });
});

describe('scheduled sampling', () => {
  test('with all symbols given, one by one, is teacher forcing', () => {
    const model = small({ dropout: 0 });
    const target = fromData(Int32Array.of(3, 0, 0, 3, 2, 2), [3, 2]);
    const forced = model.forward(source(), target);
    // Each draw is below 1, and 1 itself takes the other way.
    const stepwise = model.forward(source(), target, { teacherForcing: 1 - 2 ** -30 });
    expect(errorOf(stepwise.dataSync(), forced.dataSync())).toBeLessThan(1e-5);
  });

  test('with none given, is what decode says', async () => {
    const model = small();
    const target = fromData(new Int32Array(8), [4, 2]);
    const scores = model.forward(source(), target, { teacherForcing: 0 });
    const said = scores.argmax(2).toArray() as number[][];
    const decoded = await model.decode(source(), { maxTokens: 4 });
    decoded.forEach((tokens, row) => {
      const column = said.map((step) => step[row]);
      expect(tokens).toEqual(column.slice(0, column.includes(EOS) ? column.indexOf(EOS) : 4));
    });
  });

  test('gives the right symbol as often as asked', () => {
    const model = small();
    // The decoder would say 3, always; the right symbols are 0: which it read shows in the scores
    // after them.
    model.target.weight.copy_(
      fromData(
        Float32Array.from({ length: 32 }, (_, i) => Math.floor(i / 8)),
        [4, 8],
      ),
    );
    model.head.bias?.copy_(fromData(Float32Array.of(0, 0, 0, 9), [4]));
    const rows = 400;
    const one = fromData(new Int32Array(rows), [1, rows]);
    const target = fromData(new Int32Array(2 * rows), [2, rows]);
    const right = model.forward(one, target).select(0, 1).dataSync().slice(0, 4);
    const scores = model.forward(one, target, { teacherForcing: 0.3, generator: new Generator(1) }).select(0, 1);
    const own = model.forward(one, target, { teacherForcing: 0 }).select(0, 1).dataSync().slice(0, 4);
    expect(errorOf(own, right)).toBeGreaterThan(1e-3);
    let given = 0;
    for (const row of scores.toArray() as number[][]) given += Number(errorOf(row, right) < errorOf(row, own));
    expect(Math.abs(given - 0.3 * rows)).toBeLessThan(5 * Math.sqrt(0.3 * 0.7 * rows));
  });
});

describe('decode', () => {
  test('takes the best symbol after all before it, for sources of different lengths', async () => {
    const model = small();
    const decoded = await model.decode(source(), { maxTokens: 5 });
    decoded.forEach((tokens, row) => {
      const all = tokens.length < 5 ? [...tokens, EOS] : tokens;
      all.forEach((token, i) => expect(token).toBe(argmax(logProbabilitiesAfter(model, row, all.slice(0, i)))));
    });
    // Padding is not read.
    const short = fromData(Int32Array.of(3, 5, 0, 1, 0, 2), [3, 2]);
    const [, other] = decoded;
    const again = await model.decode(short, { lengths: [2, 3], maxTokens: 5 });
    expect(again[1]).toEqual(other);
    expect(again[0]).toEqual((await model.decode(source().slice(0, 0, 2).slice(1, 0, 1), { maxTokens: 5 }))[0]);
  });

  test('with a beam for each path finds what an enumeration of all finds', async () => {
    const model = small({ attention: 'additive', cell: 'GRU' });
    const found = await model.decode(source(), { maxTokens: 3, beams: 64 });
    for (const row of [0, 1]) {
      let open = [{ tokens: [] as number[], log: 0 }];
      const done: typeof open = [];
      for (let n = 0; n < 3; n++) {
        const next = open.flatMap(({ tokens, log }) =>
          logProbabilitiesAfter(model, row, tokens).map((value, token) => ({
            tokens: [...tokens, token],
            log: log + value,
          })),
        );
        done.push(...next.filter(({ tokens }) => tokens.at(-1) === EOS));
        open = next.filter(({ tokens }) => tokens.at(-1) !== EOS);
      }
      const [best] = [...done, ...open].sort((a, b) => b.log - a.log);
      expect(found[row]).toEqual(best.tokens.filter((token) => token !== EOS));
    }
  });

  test('leaves nothing behind, and the mode as it was', async () => {
    const model = small({ dropout: 0.5 });
    const given = source();
    const before = getBackend().memory();
    const first = await model.decode(given, { maxTokens: 4 });
    expect(await model.decode(given, { maxTokens: 4 })).toEqual(first);
    await model.decode(given, { maxTokens: 4, beams: 3, lengths: [3, 1] });
    await expect(model.decode(given, { lengths: [9, 9] })).rejects.toThrow(ArgumentError);
    expect(getBackend().memory()).toEqual(before);
    expect(model.training).toBe(true);
  });
});

test('learns to reverse', { timeout: 120_000 }, async () => {
  const generator = new Generator(4);
  const pairs = Array.from({ length: 256 }, () => {
    const digits = new Int32Array(2 + Math.floor(generator.nextUniform() * 3));
    generator.integers(digits, 3, 7);
    return { digits, reversed: Int32Array.of(...digits.toReversed(), EOS) };
  });
  const data = new SequencePairs(
    pairs.map(({ digits }) => digits),
    pairs.map(({ reversed }) => reversed),
  );
  const model = new Seq2Seq({ sourceTokens: 7, targetTokens: 7, bos: BOS, eos: EOS, hiddenSize: 24, cell: 'GRU' });
  await fit(model, new DataLoader(data, { batchSize: 32, shuffle: true }), {
    loss: (net, batch) => net.loss(batch),
    optimizer: new Adam(model.parameters(), { lr: 0.02 }),
    epochs: 12,
    clipNorm: 1,
  });
  const { source: read, sourceLengths } = data.batch(Array.from({ length: 256 }, (_, i) => i));
  const said = await model.decode(read, { lengths: sourceLengths, maxTokens: 8 });
  const right = said.filter((tokens, i) => String(tokens) === String(pairs[i].digits.toReversed())).length;
  expect(right / 256).toBeGreaterThan(0.9);
});

test('10,000 steps of its decoder are flat in storages and bytes', async () => {
  const model = new Seq2Seq({ sourceTokens: 4, targetTokens: 4, bos: BOS, eos: 3, hiddenSize: 2 });
  model.head.bias?.copy_(fromData(Float32Array.of(0, 0, 0, -1e9), [4])); // it never ends by itself
  const one = fromData(new Int32Array(2), [2, 1]);
  const backend = getBackend();
  let [most, at, steps] = [0, 0, 0];
  const forward = model.target.forward.bind(model.target);
  model.target.forward = (index) => {
    const { bytes } = backend.memory();
    if (steps++ === 10) at = bytes;
    if (steps > 10) most = Math.max(most, bytes);
    return forward(index);
  };
  const [tokens] = await model.decode(one, { maxTokens: 10_000 });
  expect(tokens).toHaveLength(10_000);
  expect(steps).toBe(10_000);
  expect(most).toBe(at);
});

test('refuses what makes no sense', () => {
  expect(() => small({ hiddenSize: 5 })).toThrow(/hiddenSize is 5, expected an even number/);
  expect(() => small({ inputSize: 3 })).toThrow(/sourceTokens or inputSize, not both/);
  expect(() => small({ bos: 4 })).toThrow(ArgumentError);
  expect(() => small().forward(source(), fromData(new Int32Array(3), [3, 1]))).toThrow(ShapeError);
  expect(() => small().forward(source(), source(), { teacherForcing: 2 })).toThrow(ArgumentError);
  expect(() => new SequencePairs([[1]], [])).toThrow(ArgumentError);
  expect(() => new SequencePairs([[1]], [[1], [2]])).toThrow(ShapeError);
});

test('refuses sources and targets that are not of the model, with their names', async () => {
  const model = small();
  const [good, target] = [source(), fromData(Int32Array.of(0, 3, 2, 2), [2, 2])];
  const float = (x: Tensor): Tensor => x.to('float32');
  const ints = (values: number[], shape: number[]): Tensor => fromData(Int32Array.from(values), shape);
  const lengths = { sourceLengths: [3, 3], targetLengths: [2, 2] };
  const wrong: [source: unknown, target: unknown, message: RegExp][] = [
    [float(good), target, /^Seq2Seq: source is float32, expected int32, the indices of symbols; /],
    [good, float(target), /^Seq2Seq: target is float32, expected int32/],
    [good.unsqueeze(2), target, /^Seq2Seq: source has shape \[3, 2, 1\], expected \[S, B\], S and B from 1 up/],
    [good, target.unsqueeze(0), /^Seq2Seq: target has shape \[1, 2, 2\], expected \[T, B\]/],
    [ints([1, 6], [1, 2]), target, /^Seq2Seq: source has the value 6, expected values from 0 to 5/],
    [good, ints([1, -1, 0, 0], [2, 2]), /^Seq2Seq: target has the value -1, expected values from 0 to 3/],
    [good, ints([1, 2, 3], [1, 3]), /^Seq2Seq: target has shape \[1, 3\], expected \[T, 2\].*are they \[B, T\]\?/],
    [undefined, target, /^Seq2Seq.*source is undefined/],
  ];
  for (const [from, to, message] of wrong) {
    const [a, b] = [from as Tensor, to as Tensor];
    expect(() => model.forward(a, b)).toThrow(message);
    if (from !== undefined) expect(() => model.loss({ source: a, target: b, ...lengths })).toThrow(message);
    if (to !== target) continue;
    const decoding = new RegExp(message.source.replace('^Seq2Seq', '^Seq2Seq.decode'));
    await expect(model.decode(a)).rejects.toThrow(decoding);
    await expect(model.decode(a, { beams: 2 })).rejects.toThrow(decoding);
  }
  for (const batch of [undefined, {}, [good, target]])
    expect(() => model.loss(batch as never)).toThrow(/^Seq2Seq.loss: batch is .*as SequencePairs gives it/);
  const features = new Seq2Seq({ inputSize: 3, targetTokens: 4, bos: BOS, eos: EOS, hiddenSize: 4 });
  await expect(features.decode(good)).rejects.toThrow(/source has shape \[3, 2\], expected \[S, B, 3\]/);
});

test('pairs with the rows first have the loss of pairs with time first, also where all sizes are one', () => {
  const [sources, targets] = [[[3, 5, 0], [4, 1, 2], [1, 1, 5]], [[0, 3, 2], [3, 3, 2], [1, 0, 2]]] // prettier-ignore
    .map((list) => list.map((one) => Int32Array.from(one)));
  const model = small({ dropout: 0 });
  const losses = [false, true].map((batchFirst) => {
    const loss = model.loss(new SequencePairs(sources, targets, { batchFirst }).batch([0, 1, 2]));
    return loss.item();
  });
  expect(losses[1]).toBe(losses[0]);
});

test('a source of features is read as it is', async () => {
  const model = new Seq2Seq({ inputSize: 3, targetTokens: 4, bos: BOS, eos: EOS, hiddenSize: 4, attention: false });
  const features = fromData(new Float32Array(24).fill(0.5), [4, 2, 3]);
  expect(model.forward(features, fromData(new Int32Array(2), [1, 2])).shape).toEqual([1, 2, 4]);
  expect(await model.decode(features, { maxTokens: 2 })).toHaveLength(2);
});
