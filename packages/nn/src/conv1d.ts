import {
  add,
  ArgumentError,
  concat,
  matmul,
  pad,
  type PadMode,
  reshape,
  scope,
  ShapeError,
  showShape,
  slice,
  squeeze,
  type Tensor,
  unsqueeze,
  zeros,
} from '@rnn/core';
import { checkChoice, checkCount, checkFlag, checkOptions, checkPlace, checkTensor, refuse } from '@rnn/core/checks';
import { listed } from './describe.js';
import { kaimingUniform_, uniform_ } from './init/index.js';
import { Module } from './module.js';
import { placeOptions, type PlaceOptions } from './options.js';
import { Parameter } from './parameter.js';

/** What `Conv1d` takes. */
export interface Conv1dOptions extends PlaceOptions {
  /** From one place of the kernel to the next; 1 unless said otherwise. */
  readonly stride?: number;
  /**
   * How many places are added on both sides. 'valid' adds none, 'same' as many as keep the length,
   * 'causal' adds them all in front, so that no output sees what comes after it. 0 unless said
   * otherwise.
   */
  readonly padding?: number | 'valid' | 'same' | 'causal';
  /** What the added places hold; 'zeros' unless said otherwise. */
  readonly paddingMode?: 'zeros' | 'reflect' | 'replicate' | 'circular';
  /** From one input of the kernel to the next; 1 unless said otherwise. */
  readonly dilation?: number;
  /**
   * Into how many groups the channels are split, each with weights of its own; `inChannels` groups
   * make it depthwise.
   */
  readonly groups?: number;
  /** Whether a bias is added. */
  readonly bias?: boolean;
}

const optionNames = /* @__PURE__ */ ['stride', 'padding', 'paddingMode', 'dilation', 'groups', 'bias'].concat(
  placeOptions,
);

/**
 * A convolution over the last dimension: y[o, t] = bias[o] + Σ over c, k of weight[o, c, k] x[c, t
 * stride + k dilation], after the padding.
 *
 * @example
 * ```ts
 * const conv = new Conv1d(3, 8, 5, { padding: 'causal' });
 * conv.forward(ones([2, 3, 10])).shape;   // [2, 8, 10]
 * ```
 * @param inChannels - of the input
 * @param outChannels - of the result
 * @param kernelSize - how many places each output sees
 * @param options - `stride` (1), `padding` (0), `paddingMode` ('zeros'), `dilation` (1), `groups`
 *   (1), `bias` (true), `dtype`, `backend`
 * @throws ArgumentError for sizes that are not whole numbers from 1 up, groups that do not divide
 *   both numbers of channels, padding 'same' with a stride, or unknown options
 *
 * Parameters: `weight` [outChannels, inChannels / groups, kernelSize] and `bias` [outChannels],
 * both uniform within ± 1/√(inChannels / groups · kernelSize), as in PyTorch. Differs from PyTorch:
 * `padding: 'causal'`. The sequences of recurrent layers have their channels last:
 * `x.permute([1, 2, 0])` brings `[T, B, C]` into the form of this one.
 */
export class Conv1d extends Module {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly kernelSize: number;
  readonly stride: number;
  readonly padding: number | 'valid' | 'same' | 'causal';
  readonly paddingMode: 'zeros' | 'reflect' | 'replicate' | 'circular';
  readonly dilation: number;
  readonly groups: number;
  weight: Parameter;
  bias: Parameter | undefined;

  constructor(inChannels: number, outChannels: number, kernelSize: number, options: Conv1dOptions = {}) {
    super();
    const owner = 'Conv1d';
    checkOptions(owner, options, optionNames);
    const { stride = 1, padding = 0, paddingMode = 'zeros', dilation = 1, groups = 1, bias = true, ...place } = options;
    const counts = { inChannels, outChannels, kernelSize, stride, dilation, groups };
    for (const [name, count] of Object.entries(counts)) checkCount(owner, name, count, 1);
    if (typeof padding === 'string') checkChoice(owner, 'padding', padding, ['valid', 'same', 'causal']);
    else checkCount(owner, 'padding', padding);
    checkChoice(owner, 'paddingMode', paddingMode, ['zeros', 'reflect', 'replicate', 'circular']);
    checkFlag(owner, 'bias', bias);
    for (const [name, count] of Object.entries({ inChannels, outChannels })) {
      if (count % groups === 0) continue;
      refuse(ArgumentError, owner, 'groups', { value: groups, expected: `a number that divides ${name}, ${count}` });
    }
    if (padding === 'same' && stride > 1) {
      const hint = 'give the number of places, or use stride 1';
      refuse(ArgumentError, owner, 'padding', { value: padding, expected: `a number beside stride ${stride}`, hint });
    }
    this.inChannels = inChannels;
    this.outChannels = outChannels;
    this.kernelSize = kernelSize;
    this.stride = stride;
    this.padding = padding;
    this.paddingMode = paddingMode;
    this.dilation = dilation;
    this.groups = groups;
    this.weight = scope(() => new Parameter(zeros([outChannels, inChannels / groups, kernelSize], place)));
    this.bias = bias ? scope(() => new Parameter(zeros([outChannels], place))) : undefined;
    this.resetParameters();
  }

  protected override extraRepr(): string {
    const { inChannels, outChannels, kernelSize, stride, padding, dilation, groups, bias, paddingMode } = this;
    const one = (value: number): string => `(${value},)`;
    const options = [
      `${inChannels}, ${outChannels}, kernel_size=${one(kernelSize)}, stride=${one(stride)}`,
      ...(padding === 0 ? [] : [`padding=${typeof padding === 'string' ? padding : one(padding)}`]),
      ...(dilation === 1 ? [] : [`dilation=${one(dilation)}`]),
      ...(groups === 1 ? [] : [listed({ groups })]),
      ...(bias === undefined ? [listed({ bias: false })] : []),
      ...(paddingMode === 'zeros' ? [] : [`padding_mode=${paddingMode}`]),
    ];
    return options.join(', ');
  }

  /**
   * Draws the parameters anew.
   *
   * @example
   * ```ts
   * const conv = new Conv1d(3, 4, 2);
   * conv.resetParameters(); // as if it were made now
   * ```
   */
  resetParameters(): void {
    kaimingUniform_(this.weight, { a: Math.sqrt(5) }); // the same as ± 1/√(inputs of an output)
    const bound = 1 / Math.sqrt((this.inChannels / this.groups) * this.kernelSize);
    if (this.bias !== undefined) uniform_(this.bias, -bound, bound);
  }

  /**
   * @param x - `[N, inChannels, L]` or `[inChannels, L]`
   * @returns `[N, outChannels, L']` or `[outChannels, L']`
   * @throws ShapeError when the channels are others, or the sequence is shorter than the kernel
   *   reaches
   */
  forward(x: Tensor): Tensor {
    checkTensor('Conv1d', 'input', x);
    const { inChannels, kernelSize, dilation, weight } = this;
    const form = `[N, ${inChannels}, L] or [${inChannels}, L]`;
    if ((x.rank !== 2 && x.rank !== 3) || x.shape[x.rank - 2] !== inChannels) {
      refuse(ShapeError, 'Conv1d', 'input', { has: 'shape', received: showShape(x.shape), expected: form });
    }
    checkPlace('Conv1d', 'input', x, weight, 'the parameters');
    return scope(() => {
      const whole = paddedFor(this, x.rank === 2 ? unsqueeze(x, 0) : x);
      const reach = dilation * (kernelSize - 1) + 1;
      const [batch, , length] = whole.shape;
      if (length < reach || batch === 0) {
        const received = showShape(x.shape);
        const expected = `${form} with at least ${reach} places, as far as the kernel reaches, and a row`;
        refuse(ShapeError, 'Conv1d', 'input', { has: 'shape', received, expected });
      }
      const y = productOf(this, whole, Math.floor((length - reach) / this.stride) + 1);
      const result = this.bias === undefined ? y : add(y, unsqueeze(this.bias, 1));
      return x.rank === 2 ? squeeze(result, 0) : result;
    });
  }
}

/**
 * One product of the weights with everything that they see,
 * `[N, groups, inputs of an output, places]`.
 */
function productOf(self: Conv1d, x: Tensor, places: number): Tensor {
  const { inChannels, outChannels, kernelSize, dilation, groups, stride, weight } = self;
  const [batch] = x.shape;
  const inputs = (inChannels / groups) * kernelSize;
  const taps = Array.from({ length: kernelSize }, (_, k) => {
    const start = k * dilation;
    return unsqueeze(slice(x, -1, start, start + (places - 1) * stride + 1, stride), 2);
  });
  // [N, inChannels, kernelSize, places]: in the order of the weight's last two dimensions.
  const seen = reshape(concat(taps, 2), [batch, groups, inputs, places]);
  const factors = reshape(weight, [groups, outChannels / groups, inputs]);
  return reshape(matmul(factors, seen), [batch, outChannels, places]);
}

function paddedFor(self: Conv1d, x: Tensor): Tensor {
  const { padding, dilation, kernelSize, paddingMode } = self;
  const all = dilation * (kernelSize - 1);
  // Where an odd number of places keeps the length, the one more is behind.
  const same = Math.floor(all / 2);
  const [before, behind] = {
    valid: [0, 0],
    same: [same, all - same],
    causal: [all, 0],
  }[typeof padding === 'string' ? padding : 'valid'];
  const [left, right] = typeof padding === 'number' ? [padding, padding] : [before, behind];
  if (left === 0 && right === 0) return x;
  const mode: PadMode = paddingMode === 'zeros' ? 'constant' : paddingMode;
  return pad(x, [left, right], mode);
}
