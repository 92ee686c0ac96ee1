import { cpu } from '@rnn/backend-cpu';
import { ArgumentError, fromData, setBackend, ShapeError, tensor, zeros } from '@rnn/core';
import { crossEntropy } from '@rnn/nn';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  Accuracy,
  BitsPerCharacter,
  CharErrorRate,
  ConfusionMatrix,
  editDistance,
  F1Score,
  MeanAbsoluteError,
  MeanAbsolutePercentageError,
  Perplexity,
  persistence,
  Precision,
  R2Score,
  Recall,
  RootMeanSquaredError,
  seasonalNaive,
  windows,
  WordErrorRate,
} from '../../src/index.js';
import cases from '../cases/metrics.json' with { type: 'json' };

beforeAll(async () => {
  setBackend(await cpu());
});

const [steps, count, classes] = cases.shape;

/** A batch with time first or the batch first. */
function laidOut(data: readonly number[], width: number, batchFirst: boolean): number[] {
  if (!batchFirst) return [...data];
  return Array.from({ length: data.length }, (_, i) => {
    const [row, f] = [Math.floor(i / width), i % width];
    const [b, t] = [Math.floor(row / steps), row % steps];
    return data[(t * count + b) * width + f];
  });
}

interface Classified {
  update(predictions: never, target: never, options: object): void;
}

/** Feeds all batches of the case, as tensors or from the host. */
function feed<M extends Classified>(metric: M, batchFirst: boolean, asTensor: boolean): M {
  const outer = batchFirst ? [count, steps] : [steps, count];
  for (const { scores, target, lengths } of cases.batches) {
    const values = { shape: [...outer, classes], data: Float32Array.from(laidOut(scores, classes, batchFirst)) };
    const truth = { shape: outer, data: Int32Array.from(laidOut(target, 1, batchFirst)) };
    const of = (array: { shape: number[]; data: Float32Array | Int32Array }): never =>
      (asTensor ? fromData(array.data, array.shape) : array) as never;
    metric.update(of(values), of(truth), { lengths, batchFirst, classDim: -1 });
  }
  return metric;
}

describe.each([
  [false, false],
  [false, true],
  [true, false],
  [true, true],
])('sequences of different lengths, batchFirst %s, as tensors %s', (batchFirst, asTensor) => {
  test.each([1, 2, 3, 4])('the right class among the %i highest', (topK) => {
    const value = feed(new Accuracy({ topK }), batchFirst, asTensor).compute();
    expect(value).toBeCloseTo(cases.accuracy[`${topK}` as '1'], 14);
  });

  test('confusion matrix', () => {
    expect(feed(new ConfusionMatrix(classes), batchFirst, asTensor).compute()).toEqual(cases.confusion);
  });

  test.each([
    ['Precision', Precision],
    ['Recall', Recall],
    ['F1Score', F1Score],
  ] as const)('%s', (name, Score) => {
    const expected = cases.scores[name];
    for (const average of ['macro', 'weighted', 'micro'] as const) {
      const metric = feed(new Score(classes, { average }), batchFirst, asTensor);
      expect(metric.compute()).toBeCloseTo(expected[average], 14);
      metric.perClass().forEach((score, c) => expect(score).toBeCloseTo(expected.perClass[c], 14));
    }
  });
});

describe('forecast errors, far from 0 and with lengths', () => {
  test.each([
    ['MeanAbsoluteError', MeanAbsoluteError],
    ['RootMeanSquaredError', RootMeanSquaredError],
    ['MeanAbsolutePercentageError', MeanAbsolutePercentageError],
    ['R2Score', R2Score],
  ] as const)('%s', (name, Metric) => {
    for (const batchFirst of [false, true]) {
      const shape = batchFirst ? [count, steps] : [steps, count];
      const metric = new Metric();
      for (let pass = 0; pass < 2; pass++) {
        metric.reset(); // the second pass starts anew
        for (const { guess, target, lengths } of cases.values) {
          const host = (rows: number[][]): { shape: number[]; data: Float64Array } => ({
            shape,
            data: Float64Array.from(laidOut(rows.flat(), 1, batchFirst)),
          });
          metric.update(host(guess), host(target), { lengths, batchFirst });
        }
      }
      expect(Math.abs(metric.compute() / cases.errors[name] - 1)).toBeLessThan(1e-12);
    }
  });
});

describe("the examples of scikit-learn's documentation", () => {
  test('f1_score, precision_score, recall_score', () => {
    const [truth, guess] = [
      [0, 1, 2, 0, 1, 2],
      [0, 2, 1, 0, 0, 1],
    ];
    const value = (
      Score: typeof F1Score | typeof Precision | typeof Recall,
      average: 'micro' | 'macro' | 'weighted',
    ): number => {
      const metric = new Score(3, { average });
      metric.update(guess, truth);
      return metric.compute();
    };
    expect(value(F1Score, 'macro')).toBeCloseTo(0.2666666, 6);
    expect(value(F1Score, 'micro')).toBeCloseTo(0.3333333, 6);
    expect(value(F1Score, 'weighted')).toBeCloseTo(0.2666666, 6);
    expect(value(Precision, 'macro')).toBeCloseTo(0.2222222, 6);
    expect(value(Recall, 'macro')).toBeCloseTo(0.3333333, 6);
    // A class that occurs nowhere is no label.
    const wide = new F1Score(9);
    wide.update(guess, truth);
    expect(wide.compute()).toBeCloseTo(0.2666666, 6);
    expect(wide.perClass()).toHaveLength(9);
  });

  test('confusion_matrix', () => {
    const compute = (normalize?: 'true' | 'pred' | 'all'): number[][] => {
      const metric = new ConfusionMatrix(3, { normalize });
      metric.update([0, 0, 2, 2, 0, 2], [2, 0, 2, 2, 0, 1]);
      return metric.compute();
    };
    const counts = [
      [2, 0, 0],
      [0, 0, 1],
      [1, 0, 2],
    ];
    expect(compute()).toEqual(counts);
    expect(compute('all')).toEqual(counts.map((row) => row.map((n) => n / 6)));
    expect(compute('true')).toEqual([
      [1, 0, 0],
      [0, 0, 1],
      [1 / 3, 0, 2 / 3],
    ]);
    expect(compute('pred')).toEqual([
      [2 / 3, 0, 0],
      [0, 0, 1 / 3],
      [1 / 3, 0, 2 / 3],
    ]);
  });

  test('top_k_accuracy_score', () => {
    const metric = new Accuracy({ topK: 2 });
    const scores = [
      [0.5, 0.2, 0.2],
      [0.3, 0.4, 0.2],
      [0.2, 0.4, 0.3],
      [0.7, 0.2, 0.1],
    ];
    metric.update(scores, [0, 1, 2, 2]);
    expect(metric.compute()).toBe(0.75);
  });

  test('mean_absolute_error, mean_absolute_percentage_error, r2_score', () => {
    const metrics = [new MeanAbsoluteError(), new MeanAbsolutePercentageError(), new R2Score()];
    for (const metric of metrics) metric.update([2.5, 0.0, 2, 8], [3, -0.5, 2, 7]);
    const [mae, mape, r2] = metrics.map((metric) => metric.compute());
    expect(mae).toBe(0.5);
    expect(mape).toBeCloseTo(0.3273809, 6);
    expect(r2).toBeCloseTo(0.948608, 5);
    const constant = new R2Score();
    constant.update([2, 2], [2, 2]);
    expect(constant.compute()).toBe(1);
    constant.update([3], [2]);
    expect(constant.compute()).toBe(0);
  });
});

describe('language models', () => {
  test('perplexity and bits from losses with lengths, and from means of unequal batches', () => {
    const [perplexity, bits, means] = [new Perplexity(), new BitsPerCharacter(), new Perplexity()];
    for (const { scores, target, lengths } of cases.batches) {
      const logits = fromData(Float32Array.from(scores), [steps, count, classes]);
      const truth = fromData(Int32Array.from(target), [steps, count]);
      const loss = crossEntropy(logits, truth, { lengths, classDim: -1 }).item();
      const within = (i: number): boolean => Math.floor(i / count) < lengths[i % count];
      means.updateMean(loss, target.filter((label, i) => label !== -100 && within(i)).length);
    }
    perplexity.update({ shape: [cases.losses.length], data: Float64Array.from(cases.losses) });
    bits.update(Float64Array.from(cases.losses));
    expect(Math.abs(perplexity.compute() / cases.perplexity - 1)).toBeLessThan(1e-12);
    expect(bits.compute()).toBeCloseTo(cases.bits, 12);
    expect(means.compute()).toBeCloseTo(cases.perplexity, 5);
    const padded = new BitsPerCharacter();
    padded.update({ shape: [2, 2], data: Float64Array.of(1, 2, 3, 1e9) }, { lengths: [2, 1] });
    expect(padded.compute()).toBeCloseTo(2 / Math.LN2, 14);
    padded.updateMean(Infinity, 1);
    expect(padded.compute()).toBe(Infinity);
  });
});

describe('edits', () => {
  /** Levenshtein's recursion as it is defined, without a table. */
  function byDefinition(a: string, b: string): number {
    if (a === '' || b === '') return Math.max(a.length, b.length);
    const exchanged = byDefinition(a.slice(1), b.slice(1)) + (a[0] === b[0] ? 0 : 1);
    return Math.min(exchanged, byDefinition(a.slice(1), b) + 1, byDefinition(a, b.slice(1)) + 1);
  }

  test('is the distance of its definition, on every pair of short texts', () => {
    const texts = ['', 'a', 'ab', 'ba', 'abc', 'cab', 'aabb', 'bcad', 'abcda'];
    for (const a of texts) for (const b of texts) expect(editDistance(a, b), `${a} ${b}`).toBe(byDefinition(a, b));
    expect(editDistance('kitten', 'sitting')).toBe(3);
    expect(editDistance('intention', 'execution')).toBe(5); // Jurafsky and Martin, with exchanges at 1
    expect(editDistance('😀a', 'a')).toBe(1);
    expect(editDistance(Int32Array.of(1, 2, 3), [1, 3])).toBe(1);
  });

  test('error rates are of all pairs together', () => {
    const wer = new WordErrorRate();
    wer.update(['the cat  sat'], ['the cat sat down']);
    wer.update([['a', 'b']], [['a', 'b']]);
    expect(wer.compute()).toBe(1 / 6);
    const cer = new CharErrorRate();
    cer.update(['sitting', ''], ['kitten', 'abc']);
    expect(cer.compute()).toBe(6 / 9);
    wer.reset();
    wer.update(['a b c'], ['x']);
    expect(wer.compute()).toBe(3);
  });
});

describe('naive forecasts', () => {
  test.each([false, true])('repeat what was, batchFirst %s', (batchFirst) => {
    const series = Array.from({ length: 20 }, (_, t) => [t, 100 + t]);
    const data = windows(series, 6, 5, { batchFirst, target: 1 });
    const [input] = data.batch([0, 3]);
    const options = { batchFirst, target: 1 };
    expect(persistence(input, 5, options).toString()).toBe(
      tensor([0, 3].map((start) => Array.from({ length: 5 }, () => 100 + start + 5))).toString(),
    );
    // y(T + h - m ceil(h / m)) with T = 6 steps seen
    const past = (start: number, m: number): number[] =>
      [1, 2, 3, 4, 5].map((h) => 100 + start + 6 + h - 1 - m * Math.ceil(h / m));
    for (const m of [1, 2, 3, 6]) {
      const forecast = seasonalNaive(input, m, 5, options);
      expect([...forecast.dataSync()]).toEqual([...past(0, m), ...past(3, m)]);
    }
    expect(seasonalNaive(input, 2, 5, { batchFirst }).shape).toEqual([2, 5, 2]);
    expect(seasonalNaive(input, 2, 5, { batchFirst, target: [1] }).shape).toEqual([2, 5, 1]);
    expect(() => seasonalNaive(input, 7, 1, { batchFirst })).toThrow(
      'seasonalNaive: period is 7, expected a whole number from 1 to 6',
    );
  });

  test('a perfect season has no error', () => {
    const series = Array.from({ length: 40 }, (_, t) => Math.sin((t % 8) / 3));
    const data = windows(series, 16, 8);
    const [input, target] = data.batch([0, 5, 11]);
    const mae = new MeanAbsoluteError();
    mae.update(seasonalNaive(input, 8, 8, { target: 0 }), target);
    expect(mae.compute()).toBe(0);
  });
});

describe('what cannot be measured is refused, and nothing is counted', () => {
  test('nothing', () => {
    const metrics = [new Accuracy(), new F1Score(2), new R2Score(), new Perplexity(), new WordErrorRate()];
    for (const metric of metrics) expect(() => metric.compute()).toThrow(ArgumentError);
    expect(() => new Accuracy().compute()).toThrow(
      'Accuracy.compute: update is not called, or with nothing to count, expected at least one value since the start',
    );
  });

  test('shapes, classes and lengths that do not fit', () => {
    const accuracy = new Accuracy();
    accuracy.update([0, 1], [0, 0]);
    expect(() => accuracy.update([0, 1, 1], [0, 0])).toThrow(ShapeError);
    expect(() => accuracy.update([[0.5, 0.5]], [2])).toThrow(
      'Accuracy.update: element 0 of target is 2, expected a whole number from 0 to 1',
    );
    const logits = { shape: [4, 4, 4], data: new Float32Array(64) };
    const target = { shape: [4, 4], data: new Int32Array(16) };
    expect(() => accuracy.update(logits, target)).toThrow('write classDim: -1');
    expect(() => accuracy.update([0, 1], [0, 5.5])).toThrow(ArgumentError);
    expect(accuracy.compute()).toBe(0.5);
    const mae = new MeanAbsoluteError();
    expect(() => mae.update([[1, 2]], [[1, 2]], { lengths: [1] })).toThrow(
      'MeanAbsoluteError.update: lengths has length 1, expected 2, one for each row of the batch',
    );
    expect(() => mae.update([1, 2], [1, 2], { lengths: [1] })).toThrow(ShapeError);
    const mape = new MeanAbsolutePercentageError();
    expect(() => mape.update([1, 2], [1, 0])).toThrow('element 1 of target is 0, expected not 0');
    expect(() => mape.compute()).toThrow(ArgumentError);
  });

  test('NaN never is a hit', () => {
    const accuracy = new Accuracy();
    accuracy.update(
      [
        [NaN, 0.5],
        [0.5, NaN],
      ],
      [0, 0],
    );
    expect(accuracy.compute()).toBe(0);
  });
});

test('lengths may be whatever layers take', () => {
  const errors = [[2, 1], Int32Array.of(2, 1), tensor([2, 1], { dtype: 'int32' })].map((lengths) => {
    const mae = new MeanAbsoluteError();
    mae.update(
      tensor([
        [1, 2],
        [3, NaN],
      ]),
      zeros([2, 2]),
      { lengths },
    );
    return mae.compute();
  });
  expect(errors).toEqual([2, 2, 2]); // of 1, 2 and 3
});

test('numbers of a list are measured as they are, not as float32 would round them', () => {
  const [truth, guess] = [
    [3, -0.5, 2, 7],
    [2.5, 0, 2, 8],
  ];
  const far = 1e9; // where neighbours differ by 64 in float32
  const r2 = new R2Score();
  r2.update(
    guess.map((x) => x + far),
    truth.map((x) => x + far),
  );
  expect(r2.compute()).toBeCloseTo(0.9486081370449679, 12); // as scikit-learn's documentation has it for these
});
