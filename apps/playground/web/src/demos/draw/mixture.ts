/**
 * Where the pen goes next, as a mixture of Gaussians: Graves, Generating sequences with recurrent
 * neural networks (2013), equations 18 to 25.
 */
import { clamp, exp, logSoftmax, logsumexp, mean, softplus, sub, tanh, type Generator, type Tensor } from '@rnn/core';
import type { PenStep } from './strokes.ts';

/** Gaussians of the mixture. */
export const components = 6;
/**
 * Numbers that the network gives for a step: of each Gaussian its weight, two means, two deviations
 * and a correlation; and the chance that the pen is lifted.
 */
export const mixtureSize = 6 * components + 1;
/** Deviations stay above exp(-5): a straight line would otherwise be certain without end. */
const lowestLogDeviation = -5;
const highestLogDeviation = 3;
/** Correlations stay below 1 in size, where the Gaussian has no width in one direction. */
const highestCorrelation = 0.98;
const logTwoPi = Math.log(2 * Math.PI);

/**
 * How improbable the strokes are: the mean of `-log p(dx, dy) - log p(lifted)` over all steps.
 *
 * @param output - of the network, `[T, B, 6 M + 1]`
 * @param target - dx, dy, and 1 where the pen is lifted after the step, `[T, B, 3]`
 */
export function mixtureLoss(output: Tensor, target: Tensor): Tensor {
  const part = (i: number): Tensor => output.narrow(-1, i * components, components);
  const [dx, dy, lifted] = [0, 1, 2].map((i) => target.narrow(-1, i, 1)) as [Tensor, Tensor, Tensor];
  const [logSx, logSy] = [part(3), part(4)].map((x) => clamp(x, lowestLogDeviation, highestLogDeviation)) as [
    Tensor,
    Tensor,
  ];
  const correlation = tanh(part(5)).mul(highestCorrelation);
  const x = sub(dx, part(1)).mul(exp(logSx.neg()));
  const y = sub(dy, part(2)).mul(exp(logSy.neg()));
  const free = sub(1, correlation.square());
  const distance = x.square().add(y.square()).sub(x.mul(y).mul(correlation).mul(2)).div(free);
  const logDensity = distance.add(free.log()).mul(-0.5).sub(logSx).sub(logSy).sub(logTwoPi);
  const place = logsumexp(logDensity.add(logSoftmax(part(0), -1)), -1, true);
  // log p of a Bernoulli variable by its logit z: z - softplus(z) if lifted, else -softplus(z).
  const logit = output.narrow(-1, 6 * components, 1);
  const pen = sub(logit.mul(lifted), softplus(logit));
  return mean(place.add(pen)).neg();
}

/** One of the mixture. */
export interface Gaussian {
  /** How probable it is, from 0 to 1. */
  readonly weight: number;
  readonly x: number;
  readonly y: number;
  readonly deviationX: number;
  readonly deviationY: number;
  readonly correlation: number;
}

/** The Gaussians that the network's numbers for one step stand for. */
export function gaussians(output: ArrayLike<number>, temperature = 1): Gaussian[] {
  const at = (i: number, k: number): number => output[i * components + k];
  const all = Array.from({ length: components }, (_, k) => k);
  const highest = Math.max(...all.map((k) => at(0, k)));
  const weights = all.map((k) => Math.exp((at(0, k) - highest) / temperature));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const deviation = (logarithm: number): number =>
    Math.exp(Math.min(highestLogDeviation, Math.max(lowestLogDeviation, logarithm))) * Math.sqrt(temperature);
  return all.map((k) => ({
    weight: weights[k] / sum,
    x: at(1, k),
    y: at(2, k),
    deviationX: deviation(at(3, k)),
    deviationY: deviation(at(4, k)),
    correlation: Math.tanh(at(5, k)) * highestCorrelation,
  }));
}

/**
 * Draws a step from the mixture.
 *
 * @param output - of the network for one step, 6 M + 1 numbers
 * @param generator - where chance comes from
 * @param temperature - 1 draws from the mixture itself, near 0 its likeliest Gaussian's mean
 */
export function drawStep(output: ArrayLike<number>, generator: Generator, temperature: number): PenStep {
  const mixture = gaussians(output, temperature);
  let left = generator.nextUniform();
  let chosen = mixture[components - 1];
  for (const gaussian of mixture) {
    chosen = gaussian;
    left -= gaussian.weight;
    if (left < 0) break;
  }
  const normal = new Float32Array(2);
  generator.normal(normal, 0, 1);
  const [first, second] = normal;
  const { x, y, deviationX, deviationY, correlation } = chosen;
  const lift = 1 / (1 + Math.exp(-output[6 * components] / temperature));
  return {
    dx: x + deviationX * first,
    dy: y + deviationY * (correlation * first + Math.sqrt(1 - correlation ** 2) * second),
    lifted: generator.nextUniform() < lift,
  };
}
