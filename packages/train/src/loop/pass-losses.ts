import { type AverageCount, detach, mul, noGrad, scope, sum, type Tensor } from '@rnn/core';
import { NonFiniteError, type NonFinitePolicy, type StepPlace } from './non-finite.js';
import { RunningMean, type RunningMeanState, type WeightedMean } from './running-mean.js';

/** Losses that are not read one by one are looked at together after so many steps. */
const UNREAD_AT_MOST = 256;

/** The losses of a pass: their mean, and whether all of them are finite. */
export class PassLosses {
  private readonly mean: RunningMean;
  private readonly policy: NonFinitePolicy;
  /** Numbers of the steps whose losses were neither read nor looked at together, in order. */
  private unread: number[] = [];
  /** How many were looked at together: those before. */
  private looked = 0;

  /** Starts from nothing, or from a mean that is under way. */
  constructor(policy: NonFinitePolicy, mean: RunningMean = new RunningMean()) {
    this.policy = policy;
    this.mean = mean;
  }

  /** Where the mean is; its tensors belong to the caller. */
  get state(): RunningMeanState {
    return this.mean.state;
  }

  /** Whether some were not looked at yet. */
  get hasUnread(): boolean {
    return this.unread.length > 0;
  }

  /** Adds a loss that is known to be finite, or need not be. */
  add(loss: Tensor, count: AverageCount): void {
    this.mean.add(loss, count);
  }

  /** Adds a loss that was not read. */
  addUnread(loss: Tensor, count: AverageCount, step: number): void {
    const watched = this.policy === 'throw';
    this.mean.add(loss, count, watched);
    if (watched) this.unread.push(step);
  }

  /** Whether it is time to look at the losses that were not read. */
  get isDue(): boolean {
    return this.unread.length >= UNREAD_AT_MOST;
  }

  /**
   * The mean so far, with one reading.
   *
   * @param params - what the steps change
   * @param step - the last step
   * @param placeOf - where a step is
   * @throws NonFiniteError when a loss or a parameter is not finite, or all steps of the pass were
   *   skipped
   */
  async checked(params: readonly Tensor[], step: number, placeOf: (step: number) => StepPlace): Promise<WeightedMean> {
    if (this.policy === 'ignore') return this.mean.value();
    noGrad(() => {
      // 0 for finite parameters, else NaN, which stays NaN with the weight 0.
      for (const param of params) if (param.size > 0) scope(() => this.mean.add(sum(mul(detach(param), 0)), 0));
    });
    const value = await this.mean.value();
    if (Number.isFinite(value.mean)) {
      this.looked += this.unread.length;
      this.unread = [];
      return value;
    }
    await this.checkUnread(placeOf);
    throw new NonFiniteError(
      placeOf(step),
      value.count === 0
        ? 'no batch of the pass has a finite loss and finite gradients'
        : 'the parameters after the step are not finite',
    );
  }

  /** Refuses the first loss that was not finite among those that were not read. */
  async checkUnread(placeOf: (step: number) => StepPlace): Promise<void> {
    const step = this.unread[(await this.mean.finiteAdditions()) - this.looked] as number | undefined;
    if (step !== undefined) throw new NonFiniteError(placeOf(step), 'the loss is not finite');
  }

  dispose(): void {
    this.mean.dispose();
  }
}
