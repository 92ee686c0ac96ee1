import type { Tensor } from '@rnn/core';

/**
 * What the choice of operations may depend on: flags and words as they are, and of each number
 * whether it is not 0. A number itself is a scalar, since it may change from step to step.
 */
export type Choices<O> = {
  readonly [K in keyof O as O[K] extends number | boolean | string ? K : never]: O[K] extends number ? boolean : O[K];
};

/** The choices that options leave. */
export function choicesOf<O extends object>(options: O): Choices<O> {
  const choices: Record<string, boolean | string> = {};
  for (const [name, value] of Object.entries(options) as [string, unknown][]) {
    if (typeof value === 'number') choices[name] = value !== 0;
    else if (typeof value === 'boolean' || typeof value === 'string') choices[name] = value;
  }
  return choices as Choices<O>;
}

/** Whether options leave these choices; asked at every step, so without making them again. */
export function leaveChoices(options: object, choices: object): boolean {
  let count = 0;
  for (const name of Object.keys(options)) {
    const value = (options as Readonly<Record<string, unknown>>)[name];
    if (typeof value !== 'number' && typeof value !== 'boolean' && typeof value !== 'string') continue;
    const choice = (choices as Readonly<Record<string, unknown>>)[name];
    if (choice !== (typeof value === 'number' ? value !== 0 : value)) return false;
    count++;
  }
  return count === Object.keys(choices).length;
}

/** How far the update of one parameter has come. */
export interface Progress {
  /** Number of this step for this parameter, from 1. */
  readonly step: number;
  /** Whether some of the state was only now filled with its starting values. */
  readonly fresh: boolean;
}

/**
 * What tells one optimiser from another. Everything else (groups, state, loading, moving between
 * backends) is the `Optimizer`'s.
 *
 * The update is an ordinary function of tensors, elementwise, without a look at any value. Which
 * operations it does depends on the choices alone; what changes from step to step comes in as
 * scalars. So it is traced once and, where the backend compiles programs, runs as one that makes
 * the new parameter and the new state in one pass.
 */
export interface UpdateRule<O, Slots extends string = string, Scalars extends string = string> {
  /** The optimiser's name, for messages. */
  readonly name: string;
  /** Refuses options that make no sense. */
  check(options: Readonly<O>): void;
  /**
   * The tensors to keep for each parameter under these options, by name, each with the value that
   * it starts from.
   */
  slots(options: Readonly<O>): Readonly<Partial<Record<Slots, number>>>;
  /**
   * The numbers of this step, computed on the host in double precision; those that the choices
   * leave unused may be left out.
   */
  scalars(options: Readonly<O>, progress: Progress): Readonly<Partial<Record<Scalars, number>>>;
  /**
   * One step.
   *
   * @param param - the elements of the parameter, as a column `[elements, 1]`
   * @param grad - its gradient, same shape
   * @param state - the tensors that `slots` names, same shape
   * @param scalars - the numbers of `scalars`, a tensor `[1]` each
   * @param choices - what the options leave for the choice of operations
   * @returns the new parameter and the new state
   */
  update(
    param: Tensor,
    grad: Tensor,
    state: Readonly<Record<Slots, Tensor>>,
    scalars: Readonly<Record<Scalars, Tensor>>,
    choices: Choices<O>,
  ): readonly [Tensor, Readonly<Partial<Record<Slots, Tensor>>>];
}
