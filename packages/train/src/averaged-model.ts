import {
  add,
  ArgumentError,
  type CompiledFunction,
  compileFn,
  mul,
  noGrad,
  scope,
  StateDictError,
  sub,
  type Tensor,
} from '@rnn/core';
import { checkCount, checkNumber, checkOptions, refuse } from '@rnn/core/checks';
import type { Module, StateDict, StateSource } from '@rnn/nn';
import { checkModel } from './evaluation.js';

export interface AveragedModelOptions {
  /**
   * How much of the average each update keeps, below 1; without it all updates count alike
   * (stochastic weight averaging).
   */
  readonly decay?: number;
}

/** What an averaged model keeps. */
export interface AveragedModelStateDict {
  readonly nAveraged: number;
  readonly module: StateDict;
}

/** `average + (value - average) * share`, for any parameter. */
type Blend = CompiledFunction<readonly Tensor[], readonly Tensor[], { share: number }>;

/**
 * A copy of a model whose parameters are the moving average of the model's: of the last ones with
 * exponentially falling weights, given `decay`, else of all. It often does better than the model
 * itself, whose last steps are noise.
 *
 * @example
 * ```ts
 * const averaged = new AveragedModel(model, { decay: 0.999 });
 * await fit(model, data, { loss, optimizer, epochs: 10, averaged }); // or averaged.updateParameters(model) after each step
 * averaged.module.forward(x);
 * ```
 * @param model - is copied; the first update copies its parameters once more
 * @param options - `decay`: 0.999 averages over about 1,000 steps
 * @throws ArgumentError when `model` is no module or `decay` not from 0 to below 1
 *
 * Buffers are the model's latest. Differs from PyTorch: nothing in the numbers, which are those of
 * `torch.optim.swa_utils.AveragedModel` with `get_ema_multi_avg_fn(decay)`, or without; it is no
 * module itself, but has one.
 */
export class AveragedModel<M extends Module> {
  /** The model with averaged parameters, in evaluation mode. */
  readonly module: M;
  /** Number of updates so far. */
  nAveraged = 0;
  private readonly decay: number | undefined;
  private readonly blend: Blend;

  constructor(model: M, options: AveragedModelOptions = {}) {
    checkModel('AveragedModel', model);
    checkOptions('AveragedModel', options, ['decay']);
    const { decay } = options;
    if (decay !== undefined) checkNumber('AveragedModel', 'decay', decay, { from: 0, below: 1 });
    this.module = model.clone().requiresGrad_(false);
    this.module.eval();
    this.decay = decay;
    this.blend = compileFn(
      ([average, value]: readonly Tensor[], { share }: { share: number }): readonly Tensor[] => [
        add(average, mul(sub(value, average), share)),
      ],
      { elementwise: true, anyRows: true },
    );
  }

  /**
   * Takes the model's parameters into the average; the first time they are copied. Follows the
   * model to another backend.
   *
   * @param model - the model of the constructor, after a step
   * @throws ArgumentError when it has other parameters
   */
  updateParameters(model: M): void {
    checkModel('AveragedModel.updateParameters', model);
    const [averages, values] = [this.module.parameters(), model.parameters()];
    const fits = (value: Tensor, i: number): boolean => String(averages[i]?.shape) === String(value.shape);
    if (averages.length !== values.length || !values.every(fits)) {
      refuse(ArgumentError, 'AveragedModel.updateParameters', 'model', {
        received: 'a model with other parameters',
        expected: 'the one of the constructor',
      });
    }
    const share = this.decay === undefined ? 1 / (this.nAveraged + 1) : 1 - this.decay;
    const copies = this.nAveraged === 0;
    noGrad(() =>
      values.forEach((value, i) => {
        const average = averages[i];
        if (average.backend !== value.backend) this.module.to(value.backend);
        if (copies) average.copy_(value);
        else scope(() => average.copy_(this.blend([average, value], { share })[0]));
      }),
    );
    const buffers = model.buffers();
    noGrad(() => this.module.buffers().forEach((buffer, i) => buffer.copy_(buffers[i])));
    this.nAveraged++;
  }

  /**
   * The number of updates and the module's state dict.
   *
   * @example
   * ```ts
   * const averaged = new AveragedModel(new Linear(3, 2));
   * averaged.stateDict().nAveraged; // 0
   * ```
   */
  stateDict(): AveragedModelStateDict {
    return { nAveraged: this.nAveraged, module: this.module.stateDict() };
  }

  /**
   * Takes over what `stateDict` gave.
   *
   * @example
   * ```ts
   * const averaged = new AveragedModel(new Linear(3, 2));
   * averaged.loadStateDict(new AveragedModel(new Linear(3, 2)).stateDict());
   * ```
   * @throws StateDictError when it does not fit; then nothing has changed
   */
  loadStateDict(dict: { readonly nAveraged: number; readonly module: StateSource }): void {
    if (typeof dict !== 'object' || dict === null || !('module' in dict)) {
      const expected = 'what stateDict() returned, { nAveraged, module }';
      refuse(StateDictError, 'AveragedModel', 'stateDict', { value: dict, expected });
    }
    checkCount('AveragedModel', 'stateDict.nAveraged', dict.nAveraged);
    this.module.loadStateDict(dict.module);
    this.nAveraged = dict.nAveraged;
  }

  /**
   * Frees the average.
   *
   * @example
   * ```ts
   * const averaged = new AveragedModel(new Linear(3, 2));
   * averaged.dispose();
   * ```
   */
  dispose(): void {
    this.module.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
