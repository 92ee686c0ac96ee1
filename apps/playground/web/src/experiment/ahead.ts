/** Milliseconds that whoever asks for something may have to wait for steps that were begun. */
const patience = 100;
/** Steps whose losses may lie on the device at once, however fast it is. */
const most = 64;

/**
 * How many steps may be begun before their losses are read. A device that computes apart takes
 * orders faster than it follows them, and a stop or a change of backend waits for all of them.
 */
export class Ahead {
  private count = 1;

  get steps(): number {
    return this.count;
  }

  /** Fewer after a long wait for the losses of so many steps, more after a short one. */
  waited(milliseconds: number): void {
    if (milliseconds > patience) this.count = Math.max(1, Math.floor(this.count / 2));
    else if (milliseconds < patience / 4) this.count = Math.min(most, this.count * 2);
  }
}
