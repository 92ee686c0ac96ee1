import { ArgumentError, moveTo, scope, unscoped } from '@rnn/core';
import type { Module, StateDict } from '@rnn/nn';
import { checkAtLeast, checkChoice, checkCount, checkFlag } from '../option-checks.js';
import type { EpochRecord } from './history.js';

export interface EarlyStoppingOptions {
  /** How many passes without improvement are let pass. */
  readonly patience: number;
  /** How much better counts as improvement; 0 unless given. */
  readonly minDelta?: number;
  /** What to watch, a name among the validation's values; `'loss'` unless given, which without validation is that of the training. */
  readonly monitor?: string;
  /** Whether a smaller or a larger value is better; `'min'` unless given. */
  readonly mode?: 'min' | 'max';
  /** Whether the model ends with the parameters and buffers that it had after its best pass; false unless given. */
  readonly restoreBest?: boolean;
}

/** Decides when to stop, from the records alone, so that a training that goes on decides the same. */
export class EarlyStopping {
  private readonly options: Required<EarlyStoppingOptions>;
  private best: StateDict | undefined;

  constructor({ patience, minDelta = 0, monitor = 'loss', mode = 'min', restoreBest = false }: EarlyStoppingOptions) {
    checkCount('fit', 'earlyStopping.patience', patience, 0);
    checkAtLeast('fit', 'earlyStopping.minDelta', minDelta, 0);
    checkChoice('fit', 'earlyStopping.mode', mode, ['min', 'max']);
    checkFlag('fit', 'earlyStopping.restoreBest', restoreBest);
    this.options = { patience, minDelta, monitor, mode, restoreBest };
  }

  /** Whether to stop after these passes. */
  isOver(epochs: readonly EpochRecord[]): boolean {
    return epochs.length > 0 && epochs.length - 1 - this.bestOf(epochs) > this.options.patience;
  }

  /** Takes note of the model after the last of these passes. */
  note(epochs: readonly EpochRecord[], model: Module): void {
    if (!this.options.restoreBest || this.bestOf(epochs) !== epochs.length - 1) return;
    const best = unscoped(() => model.stateDict());
    this.dispose();
    this.best = best;
  }

  /** Gives the model what it had after the best of the passes that were noted. */
  async restore(model: Module): Promise<void> {
    const { best } = this;
    if (best === undefined) return;
    // The model may have moved since.
    const places = scope(() => Object.entries(model.stateDict()).map(([name, { backend }]) => ({ name, backend })));
    for (const { name, backend } of places) await moveTo([best[name]], backend);
    model.loadStateDict(best);
  }

  dispose(): void {
    for (const tensor of Object.values(this.best ?? {})) tensor.dispose();
    this.best = undefined;
  }

  /** Position of the last pass that was an improvement; the first always is. */
  private bestOf(epochs: readonly EpochRecord[]): number {
    const { minDelta, mode } = this.options;
    const sign = mode === 'min' ? -1 : 1;
    let at = 0;
    let best = sign * this.valueOf(epochs[0]);
    for (let i = 1; i < epochs.length; i++) {
      const value = sign * this.valueOf(epochs[i]);
      // A NaN is never an improvement, and anything is one over a NaN.
      if (!(value > best + minDelta) && !(Number.isNaN(best) && !Number.isNaN(value))) continue;
      at = i;
      best = value;
    }
    return at;
  }

  private valueOf({ loss, validation = { loss } }: EpochRecord): number {
    const { monitor } = this.options;
    if (Object.hasOwn(validation, monitor)) return validation[monitor];
    const names = Object.keys(validation).join(', ');
    throw new ArgumentError(`fit: earlyStopping.monitor is '${monitor}', but there is only ${names}`, {
      argument: 'earlyStopping',
      expected: `one of ${names}`,
      received: monitor,
    });
  }
}
