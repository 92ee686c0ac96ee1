import type { Tree } from '@rnn/core';
import { checkCount, checkFunction, checkNumber, checkOptions } from '@rnn/core/checks';
import type { Module } from '@rnn/nn';
import { checkModel } from '../evaluation.js';
import { disposeTree } from '../tree.js';
import { searchBeams, type Beam } from './beams.js';
import { forwardStep, type SequenceStep } from './carried-state.js';
import { logProbabilities } from './next-token.js';
import { checkedPrompt, TokenModel } from './token-model.js';

export interface BeamSearchOptions<M, S extends Tree = Tree> {
  /** Tokens at most. */
  readonly maxTokens: number;
  /** How many continuations are followed side by side; 4 unless given. */
  readonly beams?: number;
  /** A token that ends a continuation. */
  readonly stop?: number;
  /**
   * A continuation of n tokens is ranked by its log probability by n to this power; 0, the plain
   * one, unless given.
   */
  readonly lengthPenalty?: number;
  /** How the model makes a step; `model.forward(x, state)` unless given. */
  readonly step?: SequenceStep<M, S>;
}

/**
 * Looks for the most probable continuations of a text: of all that it follows, the best few are
 * kept after each token.
 *
 * @example
 * ```ts
 * const [best] = await beamSearch(model, vocabulary.encode('The '), { maxTokens: 20, beams: 5 });
 * ```
 * @param model - as for `generate`
 * @param prompt - indices, at least one
 * @param options - `maxTokens`; `beams` 4, `stop`, `lengthPenalty` 0, `step`
 * @returns up to `beams` continuations, the best first
 * @throws ArgumentError when an option makes no sense; ShapeError when the scores have another
 *   shape
 *
 * Differs from PyTorch: has no counterpart there.
 */
export async function beamSearch<M extends Module, S extends Tree = Tree>(
  model: M,
  prompt: ArrayLike<number>,
  options: BeamSearchOptions<M, S>,
): Promise<Beam[]> {
  const owner = 'beamSearch';
  checkModel(owner, model);
  const start = checkedPrompt(owner, prompt);
  checkOptions(owner, options, ['maxTokens', 'beams', 'stop', 'lengthPenalty', 'step']);
  const { maxTokens, beams = 4, stop, lengthPenalty = 0, step = forwardStep } = options;
  checkCount(owner, 'maxTokens', maxTokens, 1);
  checkCount(owner, 'beams', beams, 1);
  if (stop !== undefined) checkCount(owner, 'stop', stop, 0);
  checkNumber(owner, 'lengthPenalty', lengthPenalty, { from: 0 });
  checkFunction(owner, 'step', step, '(model, x, state) => [output, state]');
  const reader = new TokenModel<M, S>(owner, model, step);
  let states: S[] = [];
  try {
    return await searchBeams({ maxTokens, beams, stop, lengthPenalty }, async (tokens, parents) => {
      const before = states;
      const scores: ArrayLike<number>[] = [];
      states = [];
      try {
        for (const [i, parent] of parents.entries()) {
          const [next, state] = await reader.read(tokens === undefined ? start : [tokens[i]], before[parent]);
          states.push(state);
          scores.push(logProbabilities(next));
        }
      } finally {
        disposeTree(before);
      }
      return scores;
    });
  } finally {
    disposeTree(states);
  }
}
