/** Does one thing after another, whatever became of those before. */
export class Queue {
  private tail: Promise<unknown> = Promise.resolve();

  /** Does something when all that was added before is done. */
  add<R>(work: () => Promise<R> | R): Promise<R> {
    const result = this.tail.then(work);
    this.tail = result.catch(() => {});
    return result;
  }

  /** Waits until all that was added is done. */
  async idle(): Promise<void> {
    await this.tail;
  }
}
