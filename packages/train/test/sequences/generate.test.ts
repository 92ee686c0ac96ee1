import { cpu } from '@rnn/backend-cpu';
import { ArgumentError, fromData, getBackend, logSoftmax, manualSeed, setBackend, type Tensor } from '@rnn/core';
import { Dropout, Embedding, GRU, Linear, Module } from '@rnn/nn';
import { beamSearch, CharVocabulary, generate, WordVocabulary, type GenerateOptions } from '@rnn/train';
import { beforeEach, describe, expect, test } from 'vitest';

const TOKENS = 5;

class Chars extends Module {
  embedding = new Embedding(TOKENS, 3);
  gru = new GRU(3, 6);
  dropout = new Dropout(0.5);
  head = new Linear(6, TOKENS);
  forward(x: Tensor, state?: Tensor): [Tensor, Tensor] {
    const [output, last] = this.gru.forward(this.embedding.forward(x), state);
    return [this.head.forward(this.dropout.forward(output)).mul(4), last];
  }
}

let model: Chars;
beforeEach(async () => {
  setBackend(await cpu());
  manualSeed(1);
  model = new Chars();
});

/** log p of what follows, from one pass over the whole text: no state is carried. */
function logProbabilitiesAfter(text: readonly number[]): number[] {
  model.eval();
  const [scores] = model.forward(fromData(Int32Array.from(text), [text.length, 1]));
  model.train();
  return Array.from(logSoftmax(scores.select(0, text.length - 1).select(0, 0), 0).dataSync());
}

async function all(options: GenerateOptions<Chars, Tensor>, prompt = [1, 2]): Promise<number[]> {
  const tokens: number[] = [];
  for await (const token of generate(model, prompt, options)) tokens.push(token);
  return tokens;
}

const argmax = (list: readonly number[]): number => list.indexOf(Math.max(...list));

describe('generate', () => {
  test('with temperature 0 takes the best token after all before it', async () => {
    const text = [1, 2];
    for (const token of await all({ temperature: 0, maxTokens: 8 })) {
      expect(token).toBe(argmax(logProbabilitiesAfter(text)));
      text.push(token);
    }
    expect(text).toHaveLength(10);
    expect(await all({ topK: 1, maxTokens: 8 })).toEqual(text.slice(2));
    expect(model.training).toBe(true);
  });

  test('draws as often as softmax(scores / temperature) says, and only what topK and topP let through', async () => {
    const log = logProbabilitiesAfter([1, 2]);
    const weights = log.map((value) => Math.exp(value / 2));
    const total = weights.reduce((a, b) => a + b);
    const p = weights.map((weight) => weight / total);
    const n = 1000;
    const draw = async (options: GenerateOptions<Chars, Tensor>): Promise<number[]> => {
      const counts = p.map(() => 0);
      for (let seed = 0; seed < n; seed++) counts[(await all({ ...options, temperature: 2, maxTokens: 1, seed }))[0]]++;
      return counts;
    };
    const check = (counts: readonly number[], allowed: readonly number[]): void => {
      const kept = allowed.reduce((sum, token) => sum + p[token], 0);
      counts.forEach((count, token) => {
        const expected = allowed.includes(token) ? p[token] / kept : 0;
        // Five standard deviations.
        expect(Math.abs(count - n * expected)).toBeLessThanOrEqual(5 * Math.sqrt(n * expected * (1 - expected)) + 1e-9);
      });
    };
    const order = p.map((_, token) => token).sort((a, b) => p[b] - p[a]);
    check(await draw({}), order);
    check(await draw({ topK: 2 }), order.slice(0, 2));
    // A little less than the first two have together: both are in.
    check(await draw({ topP: p[order[0]] + p[order[1]] - 1e-3 }), order.slice(0, 2));
  });

  test('a seed repeats, a stop ends, leaving the loop frees', async () => {
    const tokens = await all({ seed: 7, maxTokens: 20 });
    expect(await all({ seed: 7, maxTokens: 20 })).toEqual(tokens);
    const stop = tokens[4];
    expect(await all({ seed: 7, maxTokens: 20, stop })).toEqual(tokens.slice(0, tokens.indexOf(stop)));
    expect(await all({ seed: 7, stop: (made) => made.length === 3 })).toEqual(tokens.slice(0, 3));
    const before = getBackend().memory();
    for await (const token of generate(model, [1], { seed: 7 })) if (token >= 0) break;
    expect(getBackend().memory()).toEqual(before);
  });

  test('takes and gives texts with a vocabulary, and they join to one', async () => {
    const words = new WordVocabulary(['the cat sat on mats']);
    const chars = new CharVocabulary('abcde');
    for (const [vocabulary, prompt] of [
      [chars, 'bc'],
      [words, 'cat the'],
    ] as const) {
      const start = Array.from(vocabulary.encode(prompt));
      const tokens = await all({ seed: 3, maxTokens: 6 }, start);
      let text = prompt;
      for await (const piece of generate(model, prompt, { vocabulary, seed: 3, maxTokens: 6 })) text += piece;
      expect(text).toBe(vocabulary.decode([...start, ...tokens]));
      const stop = vocabulary.tokens[tokens[3]];
      let short = prompt;
      for await (const piece of generate(model, prompt, { vocabulary, seed: 3, stop })) short += piece;
      expect(short).toBe(vocabulary.decode([...start, ...tokens.slice(0, tokens.indexOf(tokens[3]))]));
    }
    let made = '';
    const stop = (text: string): boolean => text.length === 3;
    for await (const piece of generate(model, 'a', { vocabulary: chars, stop })) made += piece;
    expect(made).toHaveLength(3);
    expect(() => generate(model, 'z', { vocabulary: chars })).toThrow(ArgumentError);
    // @ts-expect-error -- a text without a vocabulary
    expect(() => generate(model, 'a', {})).toThrow(/a list of at least one index, from a vocabulary/);
  });

  test('memory stays flat', async () => {
    let [count, storages] = [0, 0];
    for await (const token of generate(model, [1], { maxTokens: 10_000 })) {
      if (token < 0) break;
      if (++count === 10) ({ storages } = getBackend().memory());
    }
    expect(count).toBe(10_000);
    expect(getBackend().memory().storages).toBeLessThanOrEqual(storages);
  });

  test('refuses a prompt with tokens that the model does not have, whatever the model makes of them', async () => {
    const first = (options: GenerateOptions<typeof model, Tensor>): Promise<unknown> =>
      generate(model, [1, 7], options).next();
    await expect(first({})).rejects.toThrow('Embedding: index has the value 7, expected values from 0 to 4');
    const clamped = (net: typeof model, x: Tensor, state?: Tensor): [Tensor, Tensor] =>
      net.forward(x.clamp(0, 4), state);
    const before = getBackend().memory();
    const message = 'generate: prompt[1] is 7, expected an index below 5, as the model scores so many tokens';
    await expect(first({ step: clamped })).rejects.toThrow(message);
    await expect(beamSearch(model, [7], { maxTokens: 2, step: clamped })).rejects.toThrow('beamSearch: prompt[0] is 7');
    expect(getBackend().memory()).toEqual(before);
  });

  test('refuses what makes no sense', () => {
    expect(() => generate(model, [], {})).toThrow(ArgumentError);
    expect(() => generate(model, [1], { topP: 0 })).toThrow(/topP is 0, expected/);
    expect(() => generate(model, [1], { temperature: -1 })).toThrow(ArgumentError);
  });
});

describe('beamSearch', () => {
  /** Every continuation of so many tokens with its log probability, the best first. */
  function enumerated(n: number): { tokens: number[]; logProbability: number }[] {
    let list: { tokens: number[]; logProbability: number }[] = [{ tokens: [], logProbability: 0 }];
    for (let i = 0; i < n; i++)
      list = list.flatMap(({ tokens, logProbability }) =>
        logProbabilitiesAfter([1, 2, ...tokens]).map((value, token) => ({
          tokens: [...tokens, token],
          logProbability: logProbability + value,
        })),
      );
    return list.sort((a, b) => b.logProbability - a.logProbability);
  }

  test('with a beam for each path finds what an enumeration of all finds', async () => {
    const before = getBackend().memory().storages;
    const found = await beamSearch(model, [1, 2], { maxTokens: 3, beams: TOKENS ** 2 });
    expect(getBackend().memory().storages).toBeLessThanOrEqual(before);
    enumerated(3)
      .slice(0, 5)
      .forEach(({ tokens, logProbability }, i) => {
        expect(found[i].tokens).toEqual(tokens);
        expect(found[i].logProbability).toBeCloseTo(logProbability, 4);
      });
  });

  test('with one beam is greedy, and a stop ends a continuation', async () => {
    const [greedy] = await beamSearch(model, [1, 2], { maxTokens: 6, beams: 1 });
    expect(greedy.tokens).toEqual(await all({ temperature: 0, maxTokens: 6 }));
    const stop = greedy.tokens[2];
    const [stopped] = await beamSearch(model, [1, 2], { maxTokens: 6, beams: 1, stop });
    expect(stopped.tokens).toEqual(greedy.tokens.slice(0, greedy.tokens.indexOf(stop)));
  });
});
