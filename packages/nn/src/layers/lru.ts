import {
  add,
  ArgumentError,
  cos,
  exp,
  linear,
  mul,
  neg,
  type Records,
  scope,
  sin,
  sub,
  tap,
  type Tensor,
  type Tensors,
  zeros,
} from '@rnn/core';
import { checkCount, checkFlag, checkNumber, checkOptions, checkPlace, checkShapeIs, refuse } from '@rnn/core/checks';
import type { Cell } from '../cells/cell.js';
import { fillFrom, type FloatArray } from '../init/fill.js';
import { checkFeatures } from '../input-checks.js';
import { Module } from '../module.js';
import { placeOptions, type PlaceOptions } from '../options.js';
import { Parameter } from '../parameter.js';
import { explainCells, runCells, type CellRun } from './cell-runs.js';
import type { LayerExplanation } from './layer-explanation.js';
import type { RecordingOptions } from './layer-options.js';
import { checkRecord } from './layer-records.js';
import { recurrentOptions, type RecurrentForwardOptions } from './recurrent.js';

/** What `LRU` takes. */
export interface LRUOptions extends PlaceOptions {
  /** Features of the output; inputSize unless given. */
  readonly outputSize?: number;
  /** The smallest |λ| at the beginning; 0 unless given. */
  readonly rMin?: number;
  /** The largest |λ| at the beginning; 1 unless given. Near 1 the memory is long. */
  readonly rMax?: number;
  /** The largest angle of a λ at the beginning; 2π unless given. */
  readonly maxPhase?: number;
  /** Input and output are `[B, T, ...]`. */
  readonly batchFirst?: boolean;
}

/** The state of an `LRU`: real and imaginary parts, `[B, stateSize]` each. */
export type LRUState = [re: Tensor, im: Tensor];

/**
 * The linear recurrent unit: a recurrence without a nonlinearity, of complex numbers each of which
 * turns and decays by itself.
 *
 *     λ = exp(-exp(nu_log) + i exp(theta_log))
 *     x_t = λ x_(t-1) + exp(gamma_log) B u_t        y_t = Re(C x_t) + D u_t
 *
 * Magnitude and phase are parameters of their own, so that |λ| < 1 holds whatever is learned, and
 * gamma keeps the state as large as the input: at first √(1 - |λ|²). All products come before and
 * after the loop over time, so that a step of it is four multiplications for each complex number.
 *
 * A long loop runs parallel in time where the backend compiles no loops, and step by step
 * where it does, which is faster on a processor; `explain` says which.
 *
 * @example
 * ```ts
 * const layer = new LRU(3, 16, { rMin: 0.9, rMax: 0.999 });
 * const [y, [re, im]] = layer.forward(ones([7, 5, 3]));   // [7, 5, 3], [5, 16], [5, 16]
 * ```
 * @param inputSize - features of the input
 * @param stateSize - complex numbers of the state
 * @param options - `outputSize` inputSize, `rMin` 0, `rMax` 1, `maxPhase` 2π, `batchFirst` false,
 *   `dtype`, `backend`
 * @throws ArgumentError for sizes that are not whole numbers from 1 up, or options that make no
 *   sense
 *
 * Parameters: `nu_log`, `theta_log`, `gamma_log` [stateSize], drawn so that λ is uniform on the
 * ring between rMin and rMax; `B_re`, `B_im` [stateSize, inputSize] from N(0, 1/(2 inputSize));
 * `C_re`, `C_im` [outputSize, stateSize] from N(0, 1/stateSize); `D` [outputSize] from N(0, 1)
 * where both sizes are one, as in the paper, else `[outputSize, inputSize]` from N(0, 1/inputSize).
 * Taps `re`, `im` and `y`. Not in PyTorch. Source: Orvieto, Smith, Gu, Fernando, Gulcehre, Pascanu
 * and De 2023.
 */
export class LRU extends Module {
  readonly inputSize: number;
  readonly stateSize: number;
  readonly outputSize: number;
  readonly batchFirst: boolean;
  readonly rMin: number;
  readonly rMax: number;
  readonly maxPhase: number;
  nu_log: Parameter;
  theta_log: Parameter;
  gamma_log: Parameter;
  B_re: Parameter;
  B_im: Parameter;
  C_re: Parameter;
  C_im: Parameter;
  D: Parameter;

  constructor(inputSize: number, stateSize: number, options: LRUOptions = {}) {
    super();
    checkOptions('LRU', options, ['outputSize', 'rMin', 'rMax', 'maxPhase', 'batchFirst', ...placeOptions]);
    const {
      outputSize = inputSize,
      rMin = 0,
      rMax = 1,
      maxPhase = 2 * Math.PI,
      batchFirst = false,
      ...place
    } = options;
    checkCount('LRU', 'inputSize', inputSize, 1);
    checkCount('LRU', 'stateSize', stateSize, 1);
    checkCount('LRU', 'outputSize', outputSize, 1);
    checkNumber('LRU', 'rMax', rMax, { above: 0, to: 1 });
    checkNumber('LRU', 'rMin', rMin, { from: 0, to: rMax });
    checkNumber('LRU', 'maxPhase', maxPhase, { above: 0, to: 2 * Math.PI });
    checkFlag('LRU', 'batchFirst', batchFirst);
    this.inputSize = inputSize;
    this.stateSize = stateSize;
    this.outputSize = outputSize;
    this.batchFirst = batchFirst;
    this.rMin = rMin;
    this.rMax = rMax;
    this.maxPhase = maxPhase;
    const parameter = (...shape: number[]): Parameter => scope(() => new Parameter(zeros(shape, place)));
    this.nu_log = parameter(stateSize);
    this.theta_log = parameter(stateSize);
    this.gamma_log = parameter(stateSize);
    this.B_re = parameter(stateSize, inputSize);
    this.B_im = parameter(stateSize, inputSize);
    this.C_re = parameter(outputSize, stateSize);
    this.C_im = parameter(outputSize, stateSize);
    this.D = inputSize === outputSize ? parameter(outputSize) : parameter(outputSize, inputSize);
    this.resetParameters();
  }

  protected override extraRepr(): string {
    const { inputSize, stateSize, outputSize, batchFirst } = this;
    const output = outputSize === inputSize ? '' : `, output_size=${outputSize}`;
    return `${inputSize}, ${stateSize}${output}${batchFirst ? ', batch_first=True' : ''}`;
  }

  /**
   * Draws the parameters anew.
   *
   * @example
   * ```ts
   * const lru = new LRU(3, 4);
   * lru.resetParameters(); // as if it were made now
   * ```
   */
  resetParameters(): void {
    const { rMin, rMax, maxPhase, inputSize, stateSize } = this;
    const magnitudes = new Float64Array(stateSize);
    fillFrom('LRU', this.nu_log, {}, (out, generator) => {
      generator.uniform(out, 0, 1);
      for (let i = 0; i < out.length; i++) {
        // |λ|² uniform between the squares is λ uniform on the ring. At 0 or 1 the logarithms would
        // have no end.
        const squared = out[i] * (rMax ** 2 - rMin ** 2) + rMin ** 2;
        magnitudes[i] = Math.min(Math.max(Math.sqrt(squared), 1e-6), 1 - 1e-6);
        out[i] = Math.log(-Math.log(magnitudes[i]));
      }
    });
    fillFrom('LRU', this.theta_log, {}, (out, generator) => {
      generator.uniform(out, 0, 1);
      for (let i = 0; i < out.length; i++) out[i] = Math.log(maxPhase * (1 - out[i]));
    });
    fillFrom('LRU', this.gamma_log, {}, (out) => {
      for (let i = 0; i < out.length; i++) out[i] = 0.5 * Math.log1p(-(magnitudes[i] ** 2));
    });
    const normal = (parameters: readonly Parameter[], variance: number): void => {
      for (const parameter of parameters)
        fillFrom('LRU', parameter, {}, (out: FloatArray, generator) => generator.normal(out, 0, Math.sqrt(variance)));
    };
    normal([this.B_re, this.B_im], 1 / (2 * inputSize));
    normal([this.C_re, this.C_im], 1 / stateSize);
    normal([this.D], this.D.rank === 1 ? 1 : 1 / inputSize);
  }

  /**
   * @param x - `[T, B, inputSize]`, `[B, T, inputSize]` with `batchFirst`, or `[T, inputSize]`
   * @param state - the state before the first step; zeros unless given
   * @param options - `lengths`, `mask`, `reverse`, `resets`, `resetTo`, `record`, `compile`, as for
   *   `Recurrent`
   * @returns `output` `[T, B, outputSize]` in the form of the input, and the state after the last
   *   step; with `record` also an object with the named values
   * @throws ShapeError, ArgumentError when input, state, lengths, mask and resets do not fit
   */
  forward(
    x: Tensor,
    state: LRUState | undefined,
    options: RecordingOptions<RecurrentForwardOptions>,
  ): [output: Tensor, state: LRUState, records: Records];
  forward(x: Tensor, state?: LRUState, options?: RecurrentForwardOptions): [output: Tensor, state: LRUState];
  forward(
    x: Tensor,
    state?: LRUState,
    options: RecurrentForwardOptions = {},
  ): [output: Tensor, state: LRUState, records?: Records] {
    checkOptions('LRU', options, recurrentOptions);
    const { record } = options;
    checkRecord('LRU', record);
    const wanted = record === undefined ? ['y'] : [...new Set([...record, 'y'])];
    const [, [last], records] = runCells(runOf(this, state), x, { ...options, record: wanted });
    const { y, ...others } = records;
    const end = last as LRUState;
    if (record === undefined) return [y, end];
    return [y, end, record.includes('y') ? records : others];
  }

  /**
   * Says which mode the recurrence runs in, with the programs that run. Nothing is computed.
   *
   * @example
   * ```ts
   * new LRU(3, 4).explain(ones([7, 5, 3])).map(({ name }) => name); // ['lru']
   * ```
   * @param x - as for `forward`
   * @param state - as for `forward`
   * @param options - as for `forward`
   * @returns one entry: name (`lru`), mode, reason, products, carry and text
   * @throws what `forward` throws
   */
  explain(x: Tensor, state?: LRUState, options: RecurrentForwardOptions = {}): LayerExplanation[] {
    checkOptions('LRU', options, recurrentOptions);
    checkRecord('LRU', options.record);
    const wanted = [...new Set([...(options.record ?? []), 'y'])];
    return explainCells(runOf(this, state), x, { ...options, record: wanted });
  }
}

function runOf(layer: LRU, state: LRUState | undefined): CellRun {
  if (state !== undefined && !(Array.isArray(state) && state.length === 2)) {
    refuse(ArgumentError, 'LRU', 'state', {
      value: state,
      expected: 'the array [re, im]',
      hint: 'leave it out (undefined, not null) for zeros',
    });
  }
  const cell = cellOf(layer);
  return {
    owner: 'LRU',
    layers: [{ name: 'lru', cell, h0: state, learned: undefined }],
    batchFirst: layer.batchFirst,
    dropout: 0,
  };
}

/** The step of each layer, which what is remembered of it goes with. */
const cells = new WeakMap<LRU, LRUStep>();

function cellOf(layer: LRU): LRUStep {
  let cell = cells.get(layer);
  if (cell === undefined) cells.set(layer, (cell = new LRUStep(layer)));
  return cell;
}

/** One step, whose output is tapped: the first tensor of the state is none of it. */
class LRUStep implements Cell<Tensors> {
  readonly pure = true;
  private readonly layer: LRU;

  constructor(layer: LRU) {
    this.layer = layer;
  }

  initialState(batch?: number): LRUState {
    const { stateSize, nu_log } = this.layer;
    const { dtype, backend } = nu_log;
    const shape = batch === undefined ? [stateSize] : [batch, stateSize];
    return [zeros(shape, { dtype, backend }), zeros(shape, { dtype, backend })];
  }

  forward(u: Tensor, state: Tensors): LRUState {
    const { nu_log, theta_log, gamma_log, B_re, B_im, C_re, C_im, D, inputSize, stateSize } = this.layer;
    checkFeatures('LRU', u, { size: inputSize, name: 'inputSize', form: `[T, B, ${inputSize}] or [T, ${inputSize}]` });
    checkPlace('LRU', 'input', u, nu_log, 'the parameters');
    const [reBefore, imBefore] = state as LRUState;
    for (const part of state as LRUState)
      checkShapeIs(
        'LRU',
        'state',
        part,
        [...u.shape.slice(0, -1), stateSize],
        u.rank > 1 ? 'batch, stateSize' : 'stateSize',
      );
    const [magnitude, phase, gamma] = [exp(neg(exp(nu_log))), exp(theta_log), exp(gamma_log)];
    const [lambdaRe, lambdaIm] = [mul(magnitude, cos(phase)), mul(magnitude, sin(phase))];
    const turned = [
      sub(mul(lambdaRe, reBefore), mul(lambdaIm, imBefore)),
      add(mul(lambdaRe, imBefore), mul(lambdaIm, reBefore)),
    ];
    const re = tap('re', add(turned[0], mul(gamma, linear(u, B_re))));
    const im = tap('im', add(turned[1], mul(gamma, linear(u, B_im))));
    const through = D.rank === 1 ? mul(u, D) : linear(u, D);
    tap('y', add(sub(linear(re, C_re), linear(im, C_im)), through));
    return [re, im];
  }
}
