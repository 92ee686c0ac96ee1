import type { Tensor } from '@rnn/core';

/** A number that changes from step to step: known on the host now, an operand of a compiled program later. */
export type Scalar = Tensor | number;

/** How far the update of one parameter has come. */
export interface Progress {
  /** Number of this step for this parameter, from 1. */
  readonly step: number;
  /** Whether some of the state was only now filled with its starting values. */
  readonly fresh: boolean;
}

/**
 * What tells one optimiser from another. Everything else (groups, state, loading, moving between backends) is the `Optimizer`'s.
 *
 * The update is an ordinary function of tensors, elementwise, without a look at any value. Which operations it does depends on the
 * options alone; what changes from step to step comes in as scalars. So it can be traced once and run as a compiled program.
 */
export interface UpdateRule<O, Slots extends string = string, Scalars extends string = string> {
  /** The optimiser's name, for messages. */
  readonly name: string;
  /** Refuses options that make no sense. */
  check(options: Readonly<O>): void;
  /** The tensors to keep for each parameter under these options, by name, each with the value that it starts from. */
  slots(options: Readonly<O>): Readonly<Partial<Record<Slots, number>>>;
  /** The numbers of this step, computed on the host in double precision. */
  scalars(options: Readonly<O>, progress: Progress): Readonly<Record<Scalars, number>>;
  /**
   * One step.
   *
   * @param param - the parameter
   * @param grad - its gradient, same shape
   * @param state - the tensors that `slots` names, same shape
   * @param scalars - the numbers of `scalars`
   * @param options - for the choice of operations only: numbers that change between steps are scalars
   * @returns the new parameter and the new state
   */
  update(
    param: Tensor,
    grad: Tensor,
    state: Readonly<Record<Slots, Tensor>>,
    scalars: Readonly<Record<Scalars, Scalar>>,
    options: Readonly<O>,
  ): readonly [Tensor, Readonly<Partial<Record<Slots, Tensor>>>];
}
