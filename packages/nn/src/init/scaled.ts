import type { Tensor } from '@rnn/core';
import { checkChoice, checkNumber, checkOptions } from '@rnn/core/checks';
import { fansOf } from './fans.js';
import { fillFrom, type InitOptions } from './fill.js';
import { calculateGain, type GainOptions, type Nonlinearity } from './gain.js';

/** Options of the initialisations after He. */
export interface KaimingOptions extends InitOptions {
  /** Slope of `leakyRelu` for negative values. */
  readonly a?: number;
  /** Whether the variance is to be kept in the forward or in the backward pass. */
  readonly mode?: 'fanIn' | 'fanOut';
  readonly nonlinearity?: Nonlinearity;
  /** How many weights are stacked along the first dimension: 4 for an LSTM, 3 for a GRU. */
  readonly gates?: number;
}

const xavierNames = ['gain', 'gates', 'generator'];
const kaimingNames = ['a', 'mode', 'nonlinearity', 'gates', 'generator'];

/**
 * Uniform draws within ± gain √(6 / (fanIn + fanOut)).
 *
 * @example
 * ```ts
 * init.xavierUniform_(lstm.weight_ih_l0, { gates: 4 });
 * ```
 * @param tensor - `[out, in, ...]`, a leaf
 * @param options - `gain`, `gates`, `generator`
 * @returns the tensor
 *
 * Differs from PyTorch: `gates` counts each of several stacked weights by itself. Source: Glorot
 * and Bengio 2010.
 */
export function xavierUniform_(tensor: Tensor, options: GainOptions = {}): Tensor {
  const bound = Math.sqrt(3) * xavierStd('xavierUniform_', tensor, options);
  return fillFrom(
    'xavierUniform_',
    tensor,
    options,
    (out, generator) => generator.uniform(out, -bound, bound),
    xavierNames,
  );
}

/** Normal draws with standard deviation gain √(2 / (fanIn + fanOut)); see `xavierUniform_`. */
export function xavierNormal_(tensor: Tensor, options: GainOptions = {}): Tensor {
  const std = xavierStd('xavierNormal_', tensor, options);
  return fillFrom('xavierNormal_', tensor, options, (out, generator) => generator.normal(out, 0, std), xavierNames);
}

/**
 * Uniform draws within ± gain √(3 / fan).
 *
 * @param tensor - `[out, in, ...]`, a leaf
 * @param options - `a`, `mode` ('fanIn'), `nonlinearity` ('leakyRelu'), `gates`, `generator`
 * @returns the tensor
 *
 * Differs from PyTorch: `gates` counts each of several stacked weights by itself. Source: He et al.
 * 2015.
 */
export function kaimingUniform_(tensor: Tensor, options: KaimingOptions = {}): Tensor {
  const bound = Math.sqrt(3) * kaimingStd('kaimingUniform_', tensor, options);
  return fillFrom(
    'kaimingUniform_',
    tensor,
    options,
    (out, generator) => generator.uniform(out, -bound, bound),
    kaimingNames,
  );
}

/** Normal draws with standard deviation gain / √fan; see `kaimingUniform_`. */
export function kaimingNormal_(tensor: Tensor, options: KaimingOptions = {}): Tensor {
  const std = kaimingStd('kaimingNormal_', tensor, options);
  return fillFrom('kaimingNormal_', tensor, options, (out, generator) => generator.normal(out, 0, std), kaimingNames);
}

function xavierStd(operation: string, tensor: Tensor, options: GainOptions): number {
  checkOptions(operation, options, xavierNames);
  const { gain = 1, gates = 1 } = options;
  checkNumber(operation, 'gain', gain, { from: 0 });
  const { fanIn, fanOut } = fansOf(operation, tensor, gates);
  return gain * Math.sqrt(2 / (fanIn + fanOut));
}

function kaimingStd(operation: string, tensor: Tensor, options: KaimingOptions): number {
  checkOptions(operation, options, kaimingNames);
  const { a = 0, mode = 'fanIn', nonlinearity = 'leakyRelu', gates = 1 } = options;
  checkNumber(operation, 'a', a);
  checkChoice(operation, 'mode', mode, ['fanIn', 'fanOut']);
  const fans = fansOf(operation, tensor, gates);
  return calculateGain(nonlinearity, a) / Math.sqrt(fans[mode]);
}
