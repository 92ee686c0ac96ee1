import { scope, type Tensor } from '@rnn/core';
import type { Module } from '@rnn/nn';

/** Milliseconds of the best of several training steps, after `warmup` of them, which compile. */
export function bestStep(model: Module, forward: () => Tensor, runs: number, warmup = 1): number {
  let least = Infinity;
  for (let n = 0; n < warmup + runs; n++) {
    const start = performance.now();
    scope(() => forward().square().mean().backward());
    if (n >= warmup) least = Math.min(least, performance.now() - start);
    for (const parameter of model.parameters()) parameter.grad = undefined;
  }
  return least;
}
