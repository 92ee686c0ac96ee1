import { fromData, noGrad, scope, setBackend, type Backend, type Tensor, type TypedArray } from '@rnn/core';
import type { Module } from '@rnn/nn';
import type { HostArray, Optimizer } from '@rnn/train';

/**
 * Takes a model to another backend, which is the current one from then on.
 *
 * `model.to(backend)` does it where values can be read at once. Here they are waited for, so that it also works from a device that
 * answers later, as WebGPU does.
 */
export async function moveModel(model: Module, backend: Backend): Promise<void> {
  const parameters = model.parameters();
  const values = await Promise.all(parameters.map(hostArray));
  setBackend(backend);
  model.zeroGrad();
  noGrad(() =>
    scope(() => {
      for (const [i, { data, shape }] of values.entries()) parameters[i].copy_(fromData(data, shape));
    }),
  );
}

/** Takes a training there between two steps: the model, and what the optimiser keeps of it. */
export async function moveTraining(model: Module, optimizer: Optimizer, backend: Backend): Promise<void> {
  const { state, paramGroups } = optimizer.stateDict();
  const kept = Object.entries(state).map(async ([position, { step, tensors }]) => {
    return [position, { step, tensors: await hostArrays(tensors) }] as const;
  });
  const waited = Object.fromEntries(await Promise.all(kept));
  await moveModel(model, backend);
  optimizer.loadStateDict({ state: waited, paramGroups });
}

async function hostArrays(tensors: Readonly<Record<string, Tensor>>): Promise<Record<string, HostArray>> {
  const entries = Object.entries(tensors).map(async ([name, tensor]) => {
    const array = await hostArray(tensor);
    tensor.dispose();
    return [name, array] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

async function hostArray(tensor: Tensor): Promise<HostArray & { readonly data: TypedArray }> {
  return { shape: tensor.shape, data: await tensor.data() };
}
