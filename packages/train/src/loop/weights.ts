import type { Module, StateDict } from '@rnn/nn';
import type { AveragedModel } from '../averaged-model.js';

/**
 * What has parameters and buffers that are kept and given back: a model, perhaps with its average.
 */
export interface Weights {
  stateDict(): StateDict;
  loadStateDict(state: StateDict): unknown;
}

/** Before the names of the average's; no name of a module begins like this. */
const PREFIX = 'averaged: ';

/** A model and its average as one. */
export function weightsOf(model: Module, averaged: AveragedModel<Module> | undefined): Weights {
  if (averaged === undefined) return model;
  return {
    stateDict: () => ({
      ...model.stateDict(),
      ...Object.fromEntries(Object.entries(averaged.module.stateDict()).map(([name, value]) => [PREFIX + name, value])),
    }),
    loadStateDict: (state) => {
      const entries = Object.entries(state);
      const own = entries.filter(([name]) => !name.startsWith(PREFIX));
      const average = entries.filter(([name]) => name.startsWith(PREFIX));
      model.loadStateDict(Object.fromEntries(own));
      averaged.module.loadStateDict(
        Object.fromEntries(average.map(([name, value]) => [name.slice(PREFIX.length), value])),
      );
    },
  };
}
