import { checkCount, checkNumber } from '@rnn/core/checks';

/** How a token is chosen from its scores. */
export interface SamplingOptions {
  /**
   * What scores are divided by: below 1 bolder, above 1 more even; 0 takes the best. 1 unless
   * given.
   */
  readonly temperature?: number;
  /** How many of the best tokens may come; all unless given. */
  readonly topK?: number;
  /**
   * Of the most probable tokens, as many may come as it takes to have this probability together; 1
   * unless given.
   */
  readonly topP?: number;
}

/** Refuses options that make no sense. */
export function checkSampling(owner: string, { temperature = 1, topK, topP = 1 }: SamplingOptions): void {
  checkNumber(owner, 'temperature', temperature, { from: 0 });
  if (topK !== undefined) checkCount(owner, 'topK', topK, 1);
  checkNumber(owner, 'topP', topP, { above: 0, to: 1 });
}

/** A token that may come, and how probable it is. */
export interface Candidate {
  readonly token: number;
  readonly probability: number;
}

/**
 * The tokens that may come, the most probable first; their probabilities add up to 1.
 *
 * @param scores - one for each token, as a model gives them
 * @param options - applied in the order temperature, topK, topP
 */
export function candidates(
  scores: ArrayLike<number>,
  { temperature = 1, topK = scores.length, topP = 1 }: SamplingOptions,
): Candidate[] {
  const ranked = Array.from(scores, (score, token) => ({ token, score }));
  ranked.sort((a, b) => b.score - a.score || a.token - b.token);
  const best = ranked.slice(0, temperature === 0 ? 1 : topK);
  const weights = best.map(({ score }) => (temperature === 0 ? 1 : Math.exp((score - best[0].score) / temperature)));
  const total = sum(weights);
  let [count, reached] = [0, 0];
  // The token that reaches the limit is in.
  while (count < best.length && (count === 0 || reached < topP)) reached += weights[count++] / total;
  const kept = sum(weights.slice(0, count));
  return best.slice(0, count).map(({ token }, i) => ({ token, probability: weights[i] / kept }));
}

/** Draws one of them, given a number from 0 up to, without, 1. */
export function drawn(list: readonly Candidate[], uniform: number): number {
  let reached = 0;
  for (const { token, probability } of list) {
    reached += probability;
    if (uniform < reached) return token;
  }
  return list[list.length - 1].token;
}

/** Logarithms of the probabilities of all tokens. */
export function logProbabilities(scores: ArrayLike<number>): Float64Array {
  const values = Float64Array.from(scores);
  const most = values.reduce((a, b) => Math.max(a, b), -Infinity);
  const logTotal = most + Math.log(values.reduce((total, value) => total + Math.exp(value - most), 0));
  return values.map((value) => value - logTotal);
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}
