import { ArgumentError } from '@rnn/core';
import { checkNumber, refuse } from '@rnn/core/checks';
import type { InitOptions } from './fill.js';

/** Activations that have a gain. */
export type Nonlinearity = 'linear' | 'identity' | 'sigmoid' | 'tanh' | 'relu' | 'leakyRelu' | 'selu';

/** Options of the initialisations that scale with a gain. */
export interface GainOptions extends InitOptions {
  /** See `calculateGain`; 1 unless said otherwise. */
  readonly gain?: number;
  /**
   * How many weights are stacked along the first dimension: 4 for an LSTM, 3 for a GRU; each is
   * seen by itself.
   */
  readonly gates?: number;
}

/**
 * The factor by which weights before an activation are scaled so that the variance of the signal
 * stays about the same.
 *
 * @example
 * ```ts
 * init.calculateGain('tanh');   // 5 / 3
 * ```
 * @param nonlinearity - the activation
 * @param negativeSlope - of `leakyRelu`, 0.01 unless said otherwise
 * @returns linear, identity and sigmoid 1; tanh 5/3; relu √2; leakyRelu √(2 / (1 + slope²)); selu
 *   3/4
 *
 * Source: the table of `torch.nn.init.calculate_gain`.
 */
export function calculateGain(nonlinearity: Nonlinearity, negativeSlope = 0.01): number {
  switch (nonlinearity) {
    case 'linear':
    case 'identity':
    case 'sigmoid':
      return 1;
    case 'tanh':
      return 5 / 3;
    case 'relu':
      return Math.sqrt(2);
    case 'leakyRelu':
      checkNumber('calculateGain', 'negativeSlope', negativeSlope);
      return Math.sqrt(2 / (1 + negativeSlope * negativeSlope));
    case 'selu':
      return 3 / 4;
    default:
      refuse(ArgumentError, 'calculateGain', 'nonlinearity', {
        value: nonlinearity,
        expected: 'linear, identity, sigmoid, tanh, relu, leakyRelu or selu',
      });
  }
}
