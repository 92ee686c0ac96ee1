import type { Explanation } from '@rnn/core';

/** Which mode one layer in one direction runs in, and why: see `explain` of `@rnn/core`. */
export interface LayerExplanation extends Explanation {
  /**
   * The layer and direction as parameters name them: `l0`, `l0_reverse`; of `Recurrent` and
   * `Bidirectional` the cell's property.
   */
  readonly name: string;
}
