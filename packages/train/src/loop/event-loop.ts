/**
 * Lets the event loop turn once: timers, input, messages and, in a page, drawing get their chance.
 */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    // A message comes back at once, while browsers hold back a repeated setTimeout for 4 ms.
    const { port1, port2 } = new MessageChannel();
    port1.addEventListener('message', () => {
      port1.close();
      resolve();
    });
    port1.start();
    port2.postMessage(undefined);
  });
}

/** Turns the event loop whenever work has gone on for a given time. */
export class TimeSlice {
  private last: number = performance.now();
  private readonly interval: number;

  /**
   * @param interval - milliseconds of work between two turns; 0 for a turn at every call, Infinity
   *   for none
   */
  constructor(interval: number) {
    this.interval = interval;
  }

  /** To be awaited between two pieces of work. */
  async take(): Promise<void> {
    if (performance.now() - this.last < this.interval) return;
    await turn();
    this.last = performance.now();
  }
}
