import { ArgumentError, fromData, ShapeError, type Backend, type Tensor, type Tree } from '@rnn/core';
import { checkCount, refuse } from '@rnn/core/checks';
import type { Module } from '@rnn/nn';
import { disposeTree } from '../tree.js';
import { StepRunner, type SequenceStep } from './carried-state.js';

/** A prompt as indices, after a check. */
export function checkedPrompt(owner: string, prompt: unknown): readonly number[] {
  const isList = Array.isArray(prompt) || ArrayBuffer.isView(prompt);
  if (!isList || (prompt as unknown as ArrayLike<number>).length === 0) {
    const expected = 'a list of at least one index, from a vocabulary';
    refuse(ArgumentError, owner, 'prompt', isList ? { received: 'empty', expected } : { value: prompt, expected });
  }
  const list = Array.from(prompt as unknown as ArrayLike<number>);
  list.forEach((index, i) => checkCount(owner, `prompt[${i}]`, index, 0, 2 ** 31 - 1));
  return list;
}

/** A model of tokens, fed by the batch: what it says of the tokens that come next. */
export class TokenModel<M extends Module, S extends Tree> {
  private readonly owner: string;
  private readonly runner: StepRunner<M, S>;
  private readonly backend: Backend | undefined;

  constructor(owner: string, model: M, step: SequenceStep<M, S>) {
    this.owner = owner;
    this.runner = new StepRunner(owner, model, step);
    this.backend = model.parameters()[0]?.backend;
  }

  /**
   * Reads tokens and scores what comes after the last of them.
   *
   * @param tokens - of one row
   * @param state - before them; it stays with the caller
   * @returns the scores, and the state after them, which the caller frees
   */
  async read(tokens: readonly number[], state: S | undefined): Promise<[scores: ArrayLike<number>, state: S]> {
    const input = (): Tensor => fromData(Int32Array.from(tokens), [tokens.length, 1], { backend: this.backend });
    const [output, next] = this.runner.run(input, state);
    try {
      const { shape } = output;
      if (shape.length !== 3 || shape[0] !== tokens.length || shape[1] !== 1) {
        const expected = `[${tokens.length}, 1, tokens], scores for each step of one row`;
        refuse(ShapeError, this.owner, 'output', { has: 'shape', received: `[${shape.join(', ')}]`, expected });
      }
      const odd = tokens.findIndex((token) => token >= shape[2]);
      if (odd >= 0) {
        const expected = `an index below ${shape[2]}, as the model scores so many tokens`;
        refuse(ArgumentError, this.owner, `prompt[${odd}]`, { value: tokens[odd], expected });
      }
      const values = await output.data();
      return [values.slice(values.length - shape[2]), next];
    } catch (error) {
      disposeTree(next);
      throw error;
    } finally {
      output.dispose();
    }
  }
}
