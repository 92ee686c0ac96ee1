import { ArgumentError } from '@rnn/core';
import { refuse } from '@rnn/core/checks';

/** What is to be said of a gradient on its way through time. */
export type FlowVerdict = 'vanishing' | 'exploding' | 'saturated' | 'healthy';

/** Over this many steps and more, the change in each counts. */
const STEPS = 4;
const keeping: readonly string[] = ['f', 'z'];

/** What a verdict is given about. */
interface JudgedLayer {
  readonly name: string;
  readonly factor: number;
  readonly norms: readonly number[];
  readonly saturation: Readonly<Record<string, number>>;
  readonly deadUnits: readonly number[];
  readonly verdict: FlowVerdict;
}

/**
 * Judges norms of gradients in the order in which the steps ran.
 *
 * @param norms - of the state after every step
 * @param saturation - shares by gate
 * @returns the mean change of a step back, and the verdict
 */
export function flowOf(
  norms: readonly number[],
  saturation: Readonly<Record<string, number>>,
): { readonly factor: number; readonly verdict: FlowVerdict } {
  // Past the last step that the loss depends on there is no gradient to speak of.
  const last = norms.findLastIndex((norm) => norm !== 0);
  if (norms.some((norm) => !Number.isFinite(norm))) return { factor: Infinity, verdict: 'exploding' };
  if (last < 0) return { factor: 0, verdict: 'vanishing' };
  const ratio = norms[0] / norms[last];
  const factor = last === 0 ? 1 : ratio ** (1 / last);
  const isLong = last + 1 >= STEPS;
  if (ratio > 100 || (isLong && factor > 1.6)) return { factor, verdict: 'exploding' };
  const shares = Object.entries(saturation).flatMap(([gate, share]) => (keeping.includes(gate) ? [] : [share]));
  const isSaturated = shares.length > 0 && shares.reduce((sum, share) => sum + share, 0) / shares.length > 0.5;
  if (isSaturated) return { factor, verdict: 'saturated' };
  return { factor, verdict: ratio < 0.01 || (isLong && factor < 0.6) ? 'vanishing' : 'healthy' };
}

const order: readonly FlowVerdict[] = ['exploding', 'vanishing', 'saturated', 'healthy'];

const advice: Readonly<Record<Exclude<FlowVerdict, 'healthy'>, string>> = {
  exploding: 'set clipNorm, lower the learning rate, or start from smaller (orthogonal) recurrent weights',
  vanishing: 'use an LSTM or GRU with forgetGateBias 1, orthogonal recurrent weights, or shorter sequences (tbptt)',
  saturated: 'scale the inputs to about unit variance, start from smaller weights, or lower the learning rate',
};

/** The worst verdict, and all in words. */
export function inWords(
  owner: string,
  layers: readonly JudgedLayer[],
): { readonly verdict: FlowVerdict; readonly text: string } {
  if (layers.length === 0) {
    const expected = 'a model whose loss runs an RNN, LSTM, GRU, Recurrent or Bidirectional';
    refuse(ArgumentError, owner, 'model', { received: 'without a recurrent layer that ran', expected });
  }
  const verdict = order.find((each) => layers.some((layer) => layer.verdict === each)) ?? 'healthy';
  return { verdict, text: layers.map(lineOf).join('\n') };
}

function lineOf({ name, factor, norms, saturation, deadUnits, verdict }: JudgedLayer): string {
  const steps = `over ${norms.length} steps the gradient changes by a factor of ${factor.toPrecision(3)} in each step back`;
  const gates = Object.entries(saturation).map(([gate, share]) => `${gate} ${Math.round(share * 100)} %`);
  const parts = [
    verdict === 'saturated' ? `saturated are ${gates.join(', ')}` : steps,
    ...(deadUnits.length > 0 ? [`${deadUnits.length} units are dead`] : []),
    ...(verdict === 'healthy' ? [] : [advice[verdict]]),
  ];
  return `${name}: ${verdict}: ${parts.join('; ')}`;
}
