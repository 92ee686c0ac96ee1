import { expect, test } from 'vitest';
import { MersenneTwister } from '../src/mersenne-twister.js';

test('the ten thousandth word of seed 5489 is the one that the C++ standard states', () => {
  const words = MersenneTwister.from(5489);
  for (let i = 1; i < 10_000; i++) words.next();
  expect(words.next() >>> 0).toBe(4_123_659_995);
});

test('a stream goes on from its state', () => {
  const words = MersenneTwister.from(7);
  for (let i = 0; i < 700; i++) words.next();
  const twin = MersenneTwister.at(words.state());
  for (let i = 0; i < 1000; i++) expect(twin.next()).toBe(words.next());
});
