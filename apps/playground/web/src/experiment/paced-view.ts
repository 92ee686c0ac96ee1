/** At least this many times as long as a view takes is left to training. */
const rest = 3;

/**
 * A view that takes long to compute: while a run plays, the last one is shown again until enough
 * was trained in between.
 */
export class PacedView<V> {
  private readonly compute: () => Promise<V>;
  private last: V | undefined;
  private isFresh = false;
  private due = 0;

  /** @param compute - the view of the model as it is now */
  constructor(compute: () => Promise<V>) {
    this.compute = compute;
  }

  /** Says that the model has changed. */
  outdate(): void {
    this.isFresh = false;
  }

  /**
   * The view to show.
   *
   * @param isAtRest - whether it has to be the model's of now
   */
  async get(isAtRest: boolean): Promise<V> {
    const isDue = isAtRest || performance.now() >= this.due;
    if (this.last !== undefined && (this.isFresh || !isDue)) return this.last;
    const began = performance.now();
    const isFirst = this.last === undefined;
    this.isFresh = true;
    this.last = await this.compute();
    const now = performance.now();
    // The first one compiles what it computes with, which says nothing of those to come.
    this.due = isFirst ? now : now + rest * (now - began);
    return this.last;
  }
}
