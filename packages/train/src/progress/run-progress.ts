import type { FitEvent } from '../loop/fit-event.js';

/** How far a training is, for people. */
export interface RunProgress {
  /** Steps that are done; passes where nobody knows how many steps a pass has. */
  readonly done: number;
  /** How many there will be at most. */
  readonly total: number;
  readonly unit: 'steps' | 'epochs';
  /** The latest loss; `undefined` before the first. */
  readonly loss: number | undefined;
}

/** Follows the events of a training. */
export class ProgressCounter {
  private stepsPerEpoch: number | undefined;
  private steps: number | undefined;
  private epochs = 0;
  private step = 0;
  private epoch = 0;
  private loss: number | undefined;

  /** Takes note of an event. */
  note(event: FitEvent): void {
    if (event.type === 'begin') {
      const { steps, epochs = 0, stepsPerEpoch, step, epoch } = event;
      Object.assign(this, { steps, epochs, stepsPerEpoch, step, epoch, loss: undefined });
    } else if (event.type === 'step' || event.type === 'epoch') {
      this.step = event.step;
      this.epoch = event.epoch;
      this.loss = event.loss;
      // One pass tells how long they are.
      if (event.type === 'epoch') this.stepsPerEpoch ??= event.step / event.epoch;
    } else if (event.type === 'end') {
      this.step = event.history.step;
      this.epoch = event.history.epoch;
    }
  }

  get progress(): RunProgress {
    const { steps, stepsPerEpoch, epochs, step, epoch, loss } = this;
    const total = steps ?? (stepsPerEpoch === undefined ? undefined : Math.round(stepsPerEpoch * epochs));
    return total === undefined
      ? { done: epoch, total: epochs, unit: 'epochs', loss }
      : { done: step, total, unit: 'steps', loss };
  }
}

/** A loss in a few digits. */
export function shownLoss(loss: number | undefined): string {
  return loss === undefined ? '' : Number.isFinite(loss) ? Number(loss.toPrecision(4)).toString() : String(loss);
}
