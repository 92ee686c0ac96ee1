import { add, detach, mul, noGrad, scope, sqrt, square, sub, sum, type Tensor, unscoped } from '@rnn/core';
import type { Parameter } from '@rnn/nn';
import type { Optimizer } from '../optimizers/optimizer.js';

/** How large a parameter's gradient and its next update are. */
export interface ParameterFlow {
  readonly name: string;
  readonly gradNorm: number;
  readonly weightNorm: number;
  /** The norm of the update by that of the weights; about 0.001 is usual. NaN for weights of 0. */
  readonly updateRatio: number;
}

/**
 * The sizes of gradients and of the updates that they lead to.
 *
 * @param params - with gradients
 * @param by - whose next step it is, which is undone; or the rate of a step of SGD
 */
export async function updateSizes(
  params: readonly [name: string, parameter: Parameter][],
  by: Optimizer | number,
): Promise<ParameterFlow[]> {
  const sizes: [grad: Tensor, weight: Tensor, update: Tensor][] = [];
  const before = noGrad(() => unscoped(() => scope(() => params.map(([, param]) => add(detach(param), 0)))));
  const state = typeof by === 'number' ? undefined : unscoped(() => by.stateDict());
  try {
    if (typeof by !== 'number') by.step();
    noGrad(() =>
      params.forEach(([, param], i) => {
        const [grad, old] = [param.grad ?? sub(before[i], before[i]), before[i]];
        sizes.push(
          scope(() => [
            sqrt(sum(square(grad))),
            sqrt(sum(square(old))),
            sqrt(sum(square(typeof by === 'number' ? mul(grad, by) : sub(detach(param), old)))),
          ]),
        );
      }),
    );
    return await Promise.all(
      params.map(async ([name], i): Promise<ParameterFlow> => {
        const [gradNorm, weightNorm, update] = await Promise.all(
          sizes[i].map(async (tensor) => (await tensor.data())[0]),
        );
        return { name, gradNorm, weightNorm, updateRatio: weightNorm === 0 ? NaN : update / weightNorm };
      }),
    );
  } finally {
    noGrad(() => {
      params.forEach(([, param], i) => {
        if (typeof by !== 'number') param.copy_(before[i]);
        before[i].dispose();
      });
    });
    if (typeof by !== 'number' && state !== undefined) {
      by.loadStateDict(state);
      for (const { tensors } of Object.values(state.state)) {
        for (const tensor of Object.values(tensors as Record<string, Tensor>)) tensor.dispose();
      }
    }
    for (const each of sizes) for (const tensor of each) tensor.dispose();
  }
}
