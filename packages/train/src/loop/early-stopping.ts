import { ArgumentError, moveTo, scope, unscoped } from '@rnn/core';
import { checkChoice, checkCount, checkFlag, checkNumber, checkOptions, refuse } from '@rnn/core/checks';
import type { StateDict } from '@rnn/nn';
import type { BestEpoch, EpochRecord, History } from './history.js';
import { loadedState, savedState, type SavedState } from './saved-state.js';
import type { Weights } from './weights.js';

export interface EarlyStoppingOptions {
  /**
   * The number of passes without improvement after which the training stops, counted as in Keras
   * and Lightning: with 3, the third pass in a row that is no improvement is the last. 0 and 1 both
   * stop at the first such pass. (`ReduceLROnPlateau` lets so many pass, as PyTorch's does, and
   * acts at the next.)
   */
  readonly patience: number;
  /** How much better counts as improvement; 0 unless given. */
  readonly minDelta?: number;
  /**
   * What to watch, a name among the validation's values; `'loss'` unless given, which without
   * validation is that of the training.
   */
  readonly monitor?: string;
  /** Whether a smaller or a larger value is better; `'min'` unless given. */
  readonly mode?: 'min' | 'max';
  /**
   * Whether the model ends with the parameters and buffers that it had after its best pass; false
   * unless given. An aborted training keeps its last ones, to go on from, and those of the best
   * pass in the history.
   */
  readonly restoreBest?: boolean;
}

const known: readonly string[] = [
  'patience',
  'minDelta',
  'monitor',
  'mode',
  'restoreBest',
] satisfies (keyof EarlyStoppingOptions)[];

/**
 * Knows the best pass and decides when to stop, from the records alone, so that a training that
 * goes on decides the same.
 */
export class EarlyStopping {
  private readonly options: Required<EarlyStoppingOptions>;
  private best: StateDict | undefined;

  /** Without options it never stops, and watches the loss. */
  constructor(options: EarlyStoppingOptions = { patience: Infinity }) {
    checkOptions('fit', options, known, 'earlyStopping');
    const { patience, minDelta = 0, monitor = 'loss', mode = 'min', restoreBest = false } = options;
    if (patience !== Infinity) checkCount('fit', 'earlyStopping.patience', patience, 0);
    checkNumber('fit', 'earlyStopping.minDelta', minDelta, { from: 0 });
    checkChoice('fit', 'earlyStopping.mode', mode, ['min', 'max']);
    checkFlag('fit', 'earlyStopping.restoreBest', restoreBest);
    this.options = { patience, minDelta, monitor, mode, restoreBest };
  }

  /** Whether to stop after these passes. */
  isOver(epochs: readonly EpochRecord[]): boolean {
    const since = epochs.length - 1 - this.bestOf(epochs);
    return epochs.length > 0 && since >= Math.max(1, this.options.patience);
  }

  /** The best of these passes, if there is one. */
  bestEpoch(epochs: readonly EpochRecord[]): BestEpoch | undefined {
    if (epochs.length === 0) return undefined;
    const record = epochs[this.bestOf(epochs)];
    return { epoch: record.epoch, value: this.valueOf(record) };
  }

  /**
   * Takes over what an earlier run kept of its best pass.
   *
   * @throws ArgumentError when it kept nothing, and the model is another one by now
   */
  resume(history: History, model: Weights): void {
    const { epochs, best, bestState, restored, batch } = history;
    if (!this.options.restoreBest || epochs.length === 0) return;
    const at = this.bestOf(epochs);
    const { epoch } = epochs[at];
    if (bestState !== undefined && best?.epoch === epoch) {
      this.best = loadedState(bestState, model);
      return;
    }
    if (restored !== epoch && (at < epochs.length - 1 || batch > 0)) {
      refuse(ArgumentError, 'fit', 'history', {
        received: `of a training whose best pass was ${epoch}, without the parameters that the model had then`,
        expected: 'those as well, to restore the best pass of all',
        hint: 'set restoreBest in the earlier training too, with the same monitor and mode, or leave it out now',
      });
    }
    this.keep(model);
  }

  /** What the model was after its best pass, where that is known. */
  get kept(): StateDict | undefined {
    return this.best;
  }

  /** Takes over what an earlier run kept, as tensors that belong to this from now on. */
  take(best: StateDict): void {
    if (!this.options.restoreBest) return;
    for (const tensor of Object.values(best)) tensor.keep();
    this.best = best;
  }

  /** Takes note of the model after the last of these passes. */
  note(epochs: readonly EpochRecord[], model: Weights): void {
    if (this.options.restoreBest && this.bestOf(epochs) === epochs.length - 1) this.keep(model);
  }

  /** Gives the model what it had after its best pass, and says whether it was known. */
  async restore(model: Weights): Promise<boolean> {
    const { best } = this;
    if (best === undefined) return false;
    // The model may have moved since.
    const places = scope(() => Object.entries(model.stateDict()).map(([name, { backend }]) => ({ name, backend })));
    for (const { name, backend } of places) await moveTo([best[name]], backend);
    model.loadStateDict(best);
    return true;
  }

  /** The same as plain values, for a run that goes on from here. */
  async saved(): Promise<SavedState | undefined> {
    return this.best === undefined ? undefined : savedState(this.best);
  }

  dispose(): void {
    for (const tensor of Object.values(this.best ?? {})) tensor.dispose();
    this.best = undefined;
  }

  private keep(model: Weights): void {
    const best = unscoped(() => model.stateDict());
    this.dispose();
    this.best = best;
  }

  /** Position of the last pass that was an improvement; the first always is. */
  private bestOf(epochs: readonly EpochRecord[]): number {
    if (epochs.length === 0) return -1;
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
