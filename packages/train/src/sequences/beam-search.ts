import type { Tree } from '@rnn/core';
import { checkCount, checkFunction, checkNumber, checkOptions } from '@rnn/core/checks';
import type { Module } from '@rnn/nn';
import { checkModel } from '../evaluation.js';
import { disposeTree } from '../tree.js';
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

/** A continuation. */
export interface Beam {
  /** Without the prompt and the token that ends it. */
  readonly tokens: readonly number[];
  /** That of all its tokens, the one that ends it included. */
  readonly logProbability: number;
}

interface Path<S> {
  readonly tokens: readonly number[];
  readonly logProbability: number;
  readonly steps: number;
  readonly state: S | undefined;
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
  const rank = ({ logProbability, steps }: Path<S>): number => logProbability / Math.max(steps, 1) ** lengthPenalty;
  const done: Path<S>[] = [];
  let open: Path<S>[] = [{ tokens: [], logProbability: 0, steps: 0, state: undefined }];
  const held = new Set<S>();
  try {
    for (let n = 0; n < maxTokens && open.length > 0; n++) {
      const next: Path<S>[] = [];
      for (const path of open) {
        const [scores, state] = await reader.read(n === 0 ? start : path.tokens.slice(-1), path.state);
        held.add(state);
        logProbabilities(scores).forEach((logProbability, token) => {
          const [tokens, steps] = [[...path.tokens, token], path.steps + 1];
          next.push({ tokens, steps, logProbability: path.logProbability + logProbability, state });
        });
      }
      next.sort((a, b) => b.logProbability - a.logProbability);
      const best = next.slice(0, beams);
      for (const path of best) {
        const { tokens, ...rest } = path;
        if (tokens[tokens.length - 1] === stop) done.push({ ...rest, tokens: tokens.slice(0, -1) });
      }
      open = best.filter(({ tokens }) => tokens[tokens.length - 1] !== stop);
      const living = new Set(open.map(({ state }) => state));
      for (const state of held) {
        if (living.has(state)) continue;
        disposeTree(state);
        held.delete(state);
      }
    }
  } finally {
    for (const state of held) disposeTree(state);
  }
  return [...done, ...open]
    .sort((a, b) => rank(b) - rank(a))
    .slice(0, beams)
    .map(({ tokens, logProbability }) => ({ tokens, logProbability }));
}
