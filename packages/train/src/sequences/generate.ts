import { defaultGenerator, Generator, type Tree } from '@rnn/core';
import { checkCount, checkFunction, checkOptions } from '@rnn/core/checks';
import type { Module } from '@rnn/nn';
import { checkModel } from '../loop/evaluate.js';
import { disposeTree, forwardStep, type SequenceStep } from './carried-state.js';
import { candidates, checkSampling, drawn, type SamplingOptions } from './next-token.js';
import { checkedPrompt, TokenModel } from './token-model.js';

export interface GenerateOptions<M, S extends Tree = Tree> extends SamplingOptions {
  /** Tokens at most; no end unless given: leave the loop, or give `stop`. */
  readonly maxTokens?: number;
  /** Makes the draws repeatable; the default generator draws unless given. */
  readonly seed?: number;
  /** A token after which nothing more comes (it is not given out), or a function of all tokens so far that says when it is enough. */
  readonly stop?: number | ((tokens: readonly number[]) => boolean);
  /** How the model makes a step; `model.forward(x, state)` unless given. */
  readonly step?: SequenceStep<M, S>;
}

/**
 * Continues a text by a model that scores the next token, one token at a time.
 *
 * @example
 * ```ts
 * for await (const token of generate(model, vocabulary.encode('The '), { temperature: 0.8, topK: 20, seed: 1, maxTokens: 100 }))
 *   process.stdout.write(vocabulary.decode([token]));
 * ```
 * @param model - `forward(x, state?)` gives `[scores, state]`: x int32 [T, 1], scores [T, 1, tokens]; the state a tensor, or lists and objects
 * @param prompt - indices, at least one
 * @param options - `temperature` 1, `topK` all, `topP` 1, `maxTokens`, `seed`, `stop`, `step`
 * @returns the indices that follow, as they are drawn; leaving the loop frees the state
 * @throws ArgumentError when an option makes no sense; ShapeError when the scores have another shape
 *
 * The model runs in evaluation mode, for its own steps alone. Differs from PyTorch: has no counterpart there; options are those of Hugging Face's `generate`.
 */
export function generate<M extends Module, S extends Tree = Tree>(
  model: M,
  prompt: ArrayLike<number>,
  options: GenerateOptions<M, S> = {},
): AsyncGenerator<number, void, undefined> {
  const owner = 'generate';
  checkModel(owner, model);
  const tokens = checkedPrompt(owner, prompt);
  checkOptions(owner, options, ['temperature', 'topK', 'topP', 'maxTokens', 'seed', 'stop', 'step']);
  const { maxTokens = Infinity, seed, stop, step = forwardStep } = options;
  checkSampling(owner, options);
  if (maxTokens !== Infinity) checkCount(owner, 'maxTokens', maxTokens, 0);
  if (typeof stop === 'number') checkCount(owner, 'stop', stop, 0);
  else if (stop !== undefined) checkFunction(owner, 'stop', stop, '(tokens) => boolean');
  checkFunction(owner, 'step', step, '(model, x, state) => [output, state]');
  const generator = seed === undefined ? defaultGenerator() : new Generator(seed);
  return continued(new TokenModel<M, S>(owner, model, step), tokens, options, generator);
}

async function* continued<M extends Module, S extends Tree>(
  model: TokenModel<M, S>,
  prompt: readonly number[],
  options: GenerateOptions<M, S>,
  generator: Generator,
): AsyncGenerator<number, void, undefined> {
  const { maxTokens = Infinity, stop } = options;
  const made: number[] = [];
  let state: S | undefined;
  let read = prompt;
  try {
    while (made.length < maxTokens) {
      const [scores, next] = await model.read(read, state);
      disposeTree(state);
      state = next;
      const token = drawn(candidates(scores, options), generator.nextUniform());
      if (token === stop) return;
      made.push(token);
      yield token;
      if (typeof stop === 'function' && stop(made)) return;
      read = [token];
    }
  } finally {
    disposeTree(state);
  }
}
