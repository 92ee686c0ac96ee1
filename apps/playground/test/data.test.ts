import { expect, test } from 'vitest';
import { readData } from '../src/data/files.ts';
import { parseUtterances } from '../src/data/japanese-vowels.ts';
import { numberIn, parseRows } from '../src/data/rows.ts';
import { parseSunspots } from '../src/data/sunspots.ts';
import { rmse, standardise } from '../src/chapters/series.ts';

test('sunspots: 3,120 months from 1749 to 2008', async () => {
  const { months, values } = parseSunspots(await readData('sunspots-monthly.csv'));
  expect(values).toHaveLength(3120);
  expect([months[0], months[3119]]).toEqual(['1749-01', '2008-12']);
  expect(values.slice(0, 3)).toEqual([58, 62.6, 70]);
});

test('sunspots: "next = this" is off by 19.6 in the last fifth', async () => {
  const { values } = parseSunspots(await readData('sunspots-monthly.csv'));
  expect(rmse(values.slice(2495, -1), values.slice(2496))).toBeCloseTo(19.6168, 4);
});

test('sunspots: the part to learn from is standardised, by itself alone', async () => {
  const { values } = parseSunspots(await readData('sunspots-monthly.csv'));
  const series = standardise(values, 2496);
  expect(series.mean).toBeCloseTo(47.186, 3);
  expect(series.deviation).toBeCloseTo(39.5716, 3);
  const changed = standardise([...values.slice(0, 2496), 1e6], 2496);
  expect(changed.values.slice(0, 2496)).toEqual(series.values.slice(0, 2496));
});

test('Japanese Vowels: 270 and 370 utterances of nine speakers, 7 to 29 steps of 12 numbers', async () => {
  const training = parseUtterances(await readData('japanese-vowels-train.csv'));
  const test = parseUtterances(await readData('japanese-vowels-test.csv'));
  expect(countBySpeaker(training.speakers)).toEqual([30, 30, 30, 30, 30, 30, 30, 30, 30]);
  expect(countBySpeaker(test.speakers)).toEqual([31, 35, 88, 44, 29, 24, 40, 50, 29]);
  const all = [...training.sequences, ...test.sequences];
  expect(all).toHaveLength(640);
  const steps = all.map(({ shape }) => shape[0]);
  expect([Math.min(...steps), Math.max(...steps)]).toEqual([7, 29]);
  expect(steps.reduce((sum, count) => sum + count)).toBe(4274 + 5687);
  for (const { data, shape } of all) expect(data).toHaveLength(shape[0] * 12);
  expect(training.sequences[0].data[0]).toBe(Math.fround(1.860936));
});

test('a table with a hole or a word in a column of numbers is refused by name', () => {
  const [row] = parseRows('month,sunspots\n1749-01,many');
  expect(() => numberIn(row, 'sunspots')).toThrow('column sunspots: expected a number, received many');
  expect(() => numberIn(row, 'spots')).toThrow('column spots: expected a number, received no such column');
  expect(() => parseSunspots('month,sunspots\n1749-01,')).toThrow('column sunspots: expected a number');
  expect(() => parseRows('a,b\n1')).toThrow('row 1: Too few fields');
});

function countBySpeaker(speakers: Int32Array): number[] {
  const counts = new Array<number>(9).fill(0);
  for (const speaker of speakers) counts[speaker]++;
  return counts;
}
