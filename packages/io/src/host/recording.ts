/** Runs a model on a backend that writes down what it does, and leaves the model as it was. */
import { getBackend, noGrad, scope, setBackend, type Backend, type Tensor, type TypedArray } from '@rnn/core';
import type { Module } from '@rnn/nn';

/**
 * Calls a function while a model is in evaluation mode and its parameters and buffers are tensors
 * of another backend.
 *
 * @param model - whose parameters move
 * @param backend - the current one meanwhile
 * @param tensorFor - a tensor of that backend for a parameter or buffer
 * @param fn - what to do
 */
export function onBackend<R>(
  model: Module,
  backend: Backend,
  tensorFor: (name: string, tensor: Tensor, numbers: TypedArray) => Tensor,
  fn: () => R,
): R {
  const weights = [...model.namedParameters(), ...model.namedBuffers()];
  const before = currentBackend();
  return noGrad(() =>
    scope(() => {
      const saved = weights.map(([, tensor]) => tensor.detach());
      try {
        for (const [name, tensor] of weights) tensor.copy_(tensorFor(name, tensor, tensor.dataSync()));
        setBackend(backend);
        return evaluating(model, fn);
      } finally {
        if (before !== undefined) setBackend(before);
        weights.forEach(([, tensor], i) => void tensor.copy_(saved[i]));
      }
    }),
  );
}

/** Calls a function while a model is in evaluation mode. */
export function evaluating<R>(model: Module, fn: () => R): R {
  const modules = model.modules();
  const modes = modules.map((module) => module.training);
  try {
    for (const module of modules) module.training = false;
    return fn();
  } finally {
    modules.forEach((module, i) => (module.training = modes[i]));
  }
}

function currentBackend(): Backend | undefined {
  try {
    return getBackend();
  } catch (error) {
    // Before the first setBackend there is none.
    if (error instanceof Error) return undefined;
    throw error;
  }
}
