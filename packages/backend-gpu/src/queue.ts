/** What is done in turn. A task does not throw: it notes what went wrong where it belongs. */
export interface Turns {
  push(task: () => void | Promise<void>): void;
}

/** At once: for devices whose every call is over when it returns. */
export const atOnce: Turns = {
  push(task) {
    void task();
  },
};

/**
 * One after the other, each when the one before is done. This is what lets a caller start a kernel
 * whose operands do not exist yet, or release them while kernels that read them are still to come.
 */
export class Queue implements Turns {
  private readonly tasks: (() => void | Promise<void>)[] = [];
  private running = false;

  push(task: () => void | Promise<void>): void {
    this.tasks.push(task);
    if (this.running) return;
    this.running = true;
    void this.drain();
  }

  private async drain(): Promise<void> {
    const { tasks } = this;
    // by index, since taking from the front of a long array moves all that is left
    for (let next = 0; next < tasks.length; next++) await tasks[next]();
    tasks.length = 0;
    this.running = false;
  }
}
