import type { Module } from '@rnn/nn';

/** Notes which parts of a model are in training mode. Returns what brings them back to it. */
export function noteModes(model: Module): () => void {
  const modes = model.modules().map((module): [Module, boolean] => [module, module.training]);
  return () => {
    for (const [module, training] of modes) module.training = training;
  };
}
