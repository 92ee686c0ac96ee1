import { ArgumentError, defaultGenerator, Generator, type Tree } from '@rnn/core';
import { checkCount, checkFunction, checkOptions, checkText, refuse } from '@rnn/core/checks';
import type { Module } from '@rnn/nn';
import { Vocabulary } from '../data/vocabulary.js';
import { checkModel } from '../evaluation.js';
import { disposeTree } from '../tree.js';
import { forwardStep, type SequenceStep } from './carried-state.js';
import { candidates, checkSampling, drawn, type SamplingOptions } from './next-token.js';
import { checkedPrompt, TokenModel } from './token-model.js';

export interface GenerateOptions<M, S extends Tree = Tree> extends SamplingOptions {
  /** Tokens at most; no end unless given: leave the loop, or give `stop`. */
  readonly maxTokens?: number;
  /** Makes the draws repeatable; the default generator draws unless given. */
  readonly seed?: number;
  /**
   * A token after which nothing more comes (it is not given out), or a function of all tokens so
   * far that says when it is enough.
   */
  readonly stop?: number | ((tokens: readonly number[]) => boolean);
  /** How the model makes a step; `model.forward(x, state)` unless given. */
  readonly step?: SequenceStep<M, S>;
}

/** The same with a vocabulary, so that texts go in and come out. */
export interface GenerateTextOptions<M, S extends Tree = Tree> extends Omit<GenerateOptions<M, S>, 'stop'> {
  /** What the model was trained with. */
  readonly vocabulary: Vocabulary;
  /**
   * A token after which nothing more comes (it is not given out), or a function of the text so far,
   * without the prompt.
   */
  readonly stop?: string | ((text: string) => boolean);
}

/**
 * Continues a text by a model that scores the next token, one token at a time.
 *
 * @example
 * ```ts
 * const options = { vocabulary, temperature: 0.8, topK: 20, seed: 1, maxTokens: 100 };
 * for await (const piece of generate(model, 'The ', options))
 *   process.stdout.write(piece);
 * ```
 * @param model - `forward(x, state?)` gives `[scores, state]`: x int32 [T, 1], scores [T, 1,
 *   tokens]; the state a tensor, or lists and objects
 * @param prompt - a text, with a `vocabulary`, or indices; at least one token
 * @param options - `vocabulary`, `temperature` 1, `topK` all, `topP` 1, `maxTokens`, `seed`,
 *   `stop`, `step`
 * @returns what follows, token by token as they are drawn: texts that continue the prompt, or
 *   indices. Leaving the loop frees the state
 * @throws ArgumentError when an option makes no sense; ShapeError when the scores have another
 *   shape
 *
 * The model runs in evaluation mode, for its own steps alone. Differs from PyTorch: has no
 * counterpart there; options are those of Hugging Face's `generate`.
 */
export function generate<M extends Module, S extends Tree = Tree>(
  model: M,
  prompt: string,
  options: GenerateTextOptions<M, S>,
): AsyncGenerator<string, void, undefined>;
export function generate<M extends Module, S extends Tree = Tree>(
  model: M,
  prompt: ArrayLike<number>,
  options?: GenerateOptions<M, S>,
): AsyncGenerator<number, void, undefined>;
export function generate<M extends Module, S extends Tree = Tree>(
  model: M,
  prompt: string | ArrayLike<number>,
  options: GenerateOptions<M, S> | GenerateTextOptions<M, S> = {},
): AsyncGenerator<number | string, void, undefined> {
  const owner = 'generate';
  checkModel(owner, model);
  checkOptions(owner, options, ['vocabulary', 'temperature', 'topK', 'topP', 'maxTokens', 'seed', 'stop', 'step']);
  return 'vocabulary' in options && options.vocabulary !== undefined
    ? texts(owner, model, prompt, options)
    : indices(owner, model, prompt, options as GenerateOptions<M, S>);
}

/** Checks everything at once: the first token may be asked for much later. */
function indices<M extends Module, S extends Tree>(
  owner: string,
  model: M,
  prompt: unknown,
  options: GenerateOptions<M, S>,
): AsyncGenerator<number, void, undefined> {
  const tokens = checkedPrompt(owner, prompt);
  const { maxTokens = Infinity, seed, stop, step = forwardStep } = options;
  checkSampling(owner, options);
  if (maxTokens !== Infinity) checkCount(owner, 'maxTokens', maxTokens, 0);
  if (typeof stop === 'number') checkCount(owner, 'stop', stop, 0);
  else if (stop !== undefined) checkFunction(owner, 'stop', stop, '(tokens) => boolean');
  checkFunction(owner, 'step', step, '(model, x, state) => [output, state]');
  const generator = seed === undefined ? defaultGenerator() : new Generator(seed);
  return continued(new TokenModel<M, S>(owner, model, step), tokens, options, generator);
}

function texts<M extends Module, S extends Tree>(
  owner: string,
  model: M,
  prompt: unknown,
  { vocabulary, stop, ...options }: GenerateTextOptions<M, S>,
): AsyncGenerator<string, void, undefined> {
  if (!(vocabulary instanceof Vocabulary)) {
    refuse(ArgumentError, owner, 'vocabulary', { value: vocabulary, expected: 'a CharVocabulary or a WordVocabulary' });
  }
  checkText(owner, 'prompt', prompt);
  if (stop !== undefined && typeof stop !== 'string') checkFunction(owner, 'stop', stop, '(text) => boolean');
  const start = vocabulary.encode(prompt);
  const stopAt =
    typeof stop === 'function'
      ? (tokens: readonly number[]): boolean => stop(vocabulary.decode(tokens))
      : stop === undefined
        ? undefined
        : vocabulary.indexOf(stop);
  return pieces(indices(owner, model, start, { ...options, stop: stopAt }), vocabulary, start[start.length - 1]);
}

/** What each token adds to the text: of words, the space before it too. */
async function* pieces(
  tokens: AsyncIterable<number>,
  vocabulary: Vocabulary,
  last: number,
): AsyncGenerator<string, void, undefined> {
  let before = last;
  for await (const token of tokens) {
    yield vocabulary.decode([before, token]).slice(vocabulary.decode([before]).length);
    before = token;
  }
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
