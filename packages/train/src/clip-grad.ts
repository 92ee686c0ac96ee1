import {
  abs,
  add,
  amax,
  ArgumentError,
  clamp,
  concat,
  div,
  getBackend,
  mul,
  noGrad,
  pow,
  reshape,
  scope,
  sqrt,
  square,
  sum,
  Tensor,
  to,
  zeros,
} from '@rnn/core';
import { checkFlag, checkNumber, checkOptions, checkTensors, isIterable, refuse } from '@rnn/core/checks';

export interface GradNormOptions {
  /**
   * Which norm: 2 (the default), 1, any number above 0, or Infinity for the largest absolute value.
   */
  readonly normType?: number;
}

export interface ClipGradNormOptions extends GradNormOptions {
  /**
   * Throw when the norm is infinite or NaN, instead of scaling by it. Reads the norm from the
   * device, which then must answer at once.
   */
  readonly errorIfNonfinite?: boolean;
}

/**
 * The norm of all gradients together, as of one long vector: `(sum |g|^p)^(1/p)`.
 *
 * @example
 * ```ts
 * console.log(gradNorm(model.parameters()).item());
 * ```
 * @param params - tensors of any shapes; those without a gradient count as 0
 * @param options - `normType` 2
 * @returns a tensor without dimensions, on the backend of the first gradient; nothing is read from
 *   the device
 * @throws ArgumentError when `normType` is not above 0
 *
 * Differs from PyTorch: it is `get_total_norm` of the gradients; norms of order 0 and below are
 * refused.
 */
export function gradNorm(params: Tensor | Iterable<Tensor>, options: GradNormOptions = {}): Tensor {
  const list = listed('gradNorm', params);
  checkOptions('gradNorm', options, ['normType']);
  const { normType = 2 } = options;
  checkNormType('gradNorm', normType);
  return totalNorm(list, normType);
}

/**
 * Scales all gradients by one factor so that their norm is at most `maxNorm`:
 * `g * min(1, maxNorm / (norm + 1e-6))`.
 *
 * @example
 * ```ts
 * loss.backward();
 * clipGradNorm(model.parameters(), 1);
 * optimizer.step();
 * ```
 * @param params - tensors of any shapes; those without a gradient are passed over
 * @param maxNorm - 0 or more
 * @param options - `normType` 2, `errorIfNonfinite` false
 * @returns the norm before scaling, a tensor without dimensions; nothing is read from the device
 * @throws ArgumentError when `maxNorm` or `normType` makes no sense, or, where asked for, the norm
 *   is not finite; gradients are then as before
 *
 * Differs from PyTorch: called `clip_grad_norm_` there; norms of order 0 and below are refused.
 * Source: Pascanu, Mikolov and Bengio, On the difficulty of training recurrent neural networks,
 * 2013.
 */
export function clipGradNorm(
  params: Tensor | Iterable<Tensor>,
  maxNorm: number,
  options: ClipGradNormOptions = {},
): Tensor {
  const list = listed('clipGradNorm', params);
  checkOptions('clipGradNorm', options, ['normType', 'errorIfNonfinite']);
  const { normType = 2, errorIfNonfinite = false } = options;
  checkNumber('clipGradNorm', 'maxNorm', maxNorm, { from: 0 });
  checkNormType('clipGradNorm', normType);
  checkFlag('clipGradNorm', 'errorIfNonfinite', errorIfNonfinite);
  const norm = totalNorm(list, normType);
  if (errorIfNonfinite && !Number.isFinite(norm.item())) {
    const received = String(norm.item());
    norm.dispose();
    refuse(ArgumentError, 'clipGradNorm', 'params', {
      has: `a gradient norm of order ${normType} that is`,
      received,
      expected: 'finite gradients',
      hint: 'leave out errorIfNonfinite to scale them by it anyway',
    });
  }
  noGrad(() =>
    scope(() => {
      // Never a look at the norm: where it is small enough, the factor is 1.
      const factor = clamp(div(maxNorm, add(norm, 1e-6)), -Infinity, 1);
      replaceGrads(list, (grad) => mul(grad, to(to(factor, grad.backend), grad.dtype)));
    }),
  );
  return norm;
}

/**
 * Limits every element of the gradients to [-clipValue, clipValue].
 *
 * @example
 * ```ts
 * clipGradValue(model.parameters(), 0.5);
 * ```
 * @param params - tensors of any shapes; those without a gradient are passed over
 * @param clipValue - 0 or more
 * @throws ArgumentError when `clipValue` is negative or no number
 *
 * Differs from PyTorch: called `clip_grad_value_` there.
 */
export function clipGradValue(params: Tensor | Iterable<Tensor>, clipValue: number): void {
  const list = listed('clipGradValue', params);
  checkNumber('clipGradValue', 'clipValue', clipValue, { from: 0 });
  noGrad(() => scope(() => replaceGrads(list, (grad) => clamp(grad, -clipValue, clipValue))));
}

function totalNorm(params: readonly Tensor[], normType: number): Tensor {
  return noGrad(() =>
    scope(() => {
      const grads = params.flatMap(({ grad }) => (grad === undefined || grad.size === 0 ? [] : [grad]));
      if (grads.length === 0) {
        const [first] = params;
        return zeros([], { backend: first?.backend ?? getBackend(), dtype: first?.dtype });
      }
      const [{ backend, dtype }] = grads;
      const parts = grads.map((grad) => reshape(to(to(partOf(grad, normType), backend), dtype), [1]));
      const all = concat(parts);
      if (normType === Infinity) return amax(all);
      const total = sum(all);
      if (normType === 2) return sqrt(total);
      return normType === 1 ? total : pow(total, 1 / normType);
    }),
  );
}

/** What one gradient adds to the norm before the root. */
function partOf(grad: Tensor, normType: number): Tensor {
  if (normType === 2) return sum(square(grad));
  const size = abs(grad);
  if (normType === Infinity) return amax(size);
  return sum(normType === 1 ? size : pow(size, normType));
}

/** Puts what `change` makes of each gradient in its place. */
export function replaceGrads(params: readonly Tensor[], change: (grad: Tensor) => Tensor): void {
  for (const param of params) {
    const { grad } = param;
    if (grad === undefined) continue;
    const next = change(grad);
    if (grad.isLeaf) {
      grad.copy_(next);
    } else {
      // Recorded by createGraph: a result does not change, so the parameter gets another gradient.
      param.grad = next.keep();
      grad.dispose();
    }
  }
}

function listed(owner: string, params: Tensor | Iterable<Tensor>): readonly Tensor[] {
  if (params instanceof Tensor) return [params];
  if (!isIterable(params)) {
    refuse(ArgumentError, owner, 'params', { value: params, expected: 'tensors such as model.parameters()' });
  }
  const list: readonly unknown[] = [...params];
  checkTensors(owner, 'params', list, 0);
  return list;
}

function checkNormType(owner: string, normType: number): void {
  if (typeof normType === 'number' && normType > 0) return;
  refuse(ArgumentError, owner, 'normType', { value: normType, expected: 'a number above 0, or Infinity' });
}
