import { BackendError } from '@rnn/core';
import type { Memory } from '../memory.js';
import * as queue from './job-queue.js';
import type { Entry, Threads } from './threads.js';
import { startWorker, type WorkerHandle } from './worker-handle.js';

/** When and how work is shared; only tests set it. */
export interface Tuning {
  /** The least work that a thread wakes up for, in multiplications and additions. */
  readonly leastWork: number;
  /**
   * Milliseconds that the calling thread leaves calls to workers before it takes a second one
   * itself.
   */
  readonly timeout: number;
  /**
   * A call that takes so many milliseconds longer than a hundred times the calling thread's own
   * share is not expected to return.
   */
  readonly longestWait: number;
}

export const usual: Tuning = { leastWork: 1_000_000, timeout: 0, longestWait: 60_000 };

/** Milliseconds that the calling thread sleeps at a time. */
const SLEEP = 100;

/** What the workers start from. */
export interface PoolStart {
  readonly memory: Memory;
  readonly module: WebAssembly.Module;
  /** The worker's script: its address or its text. */
  readonly source: URL | string;
  /** Threads, the calling one included. */
  readonly count: number;
  readonly tuning: Tuning;
}

/** The calling thread and workers that wait on the queue. */
export class Pool implements Threads {
  readonly count: number;
  private readonly memory: Memory;
  private readonly workers: readonly WorkerHandle[];
  private readonly tuning: Tuning;
  private readonly words: Int32Array;
  private job = 0;
  /** Modules that workers have got so far. */
  private modules = 0;
  /** Why the workers are of no use any more. */
  private broken: { readonly why: string; readonly cause?: unknown } | undefined;

  private constructor({ memory, count, tuning }: PoolStart, queueAt: number, workers: readonly WorkerHandle[]) {
    this.memory = memory;
    this.count = count;
    this.tuning = tuning;
    this.workers = workers;
    // The queue stays where it is when the memory grows, and so does this view of it.
    this.words = new Int32Array(memory.memory.buffer, queueAt, queue.QUEUE_BYTES / 4);
    for (const worker of workers) {
      worker.onLost((cause) => (this.broken ??= { why: 'a worker has ended', cause }));
    }
  }

  /** Starts the workers; fails if one of them does not start. */
  static async start(parts: PoolStart): Promise<Pool> {
    const { memory, module, source, count } = parts;
    const at = memory.take(queue.QUEUE_BYTES);
    memory.u8.fill(0, at, at + queue.QUEUE_BYTES);
    const start: queue.Start = { memory: memory.memory, module, queue: at };
    const started = await Promise.allSettled(Array.from({ length: count - 1 }, () => startWorker(start, source)));
    const workers = started.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    const pool = new Pool(parts, at, workers);
    const failed = started.find((each) => each.status === 'rejected');
    if (failed === undefined) return pool;
    await pool.dispose();
    throw failed.reason;
  }

  /** Calls that workers have taken so far. */
  get helped(): number {
    return Atomics.load(this.words, queue.STEALS);
  }

  sharesFor(work: number): number {
    return Math.max(1, Math.min(this.count, Math.floor(work / this.tuning.leastWork)));
  }

  run(entry: Entry, calls: readonly (readonly number[])[]): void {
    if (calls.length === 1) {
      entry.call(...calls[0]);
      return;
    }
    this.refuseBroken();
    this.post(entry, calls);
    const { words } = this;
    const begun = performance.now();
    let failure: unknown;
    let isFirst = true;
    for (let turn = this.turn(); (turn & 0xff) > 0; turn = this.turn()) {
      if (!isFirst && performance.now() - begun < this.tuning.timeout) {
        if (mayWait) Atomics.wait(words, queue.TICKET, turn, 0.1);
        continue;
      }
      if (Atomics.compareExchange(words, queue.TICKET, turn, turn - 1) !== turn) continue;
      isFirst = false;
      try {
        entry.call(...calls[(turn & 0xff) - 1]);
      } catch (error) {
        failure ??= error; // thrown when nobody computes any more
      }
      Atomics.add(words, queue.DONE, 1);
    }
    this.awaitCalls(calls.length, this.tuning.longestWait + 100 * (performance.now() - begun));
    if (failure !== undefined) throw failure;
    const length = Atomics.load(words, queue.FAILED);
    if (length === 0) return;
    const text = String.fromCharCode(...words.subarray(queue.MESSAGE, queue.MESSAGE + length));
    this.broken = { why: `a call failed in a worker: ${text}` };
    this.refuseBroken();
  }

  async dispose(): Promise<void> {
    this.broken = { why: 'the backend was disposed of' };
    Atomics.store(this.words, queue.STOP, 1);
    Atomics.store(this.words, queue.TICKET, ++this.job << 8);
    Atomics.notify(this.words, queue.TICKET);
    await Promise.all(this.workers.map((worker) => worker.end()));
  }

  private turn(): number {
    return Atomics.load(this.words, queue.TICKET);
  }

  /** Writes a job to the queue. */
  private post({ name, module }: Entry, calls: readonly (readonly number[])[]): void {
    const { words, memory } = this;
    if (module !== undefined && module.at === 0) {
      module.at = memory.take(module.bytes.length);
      module.number = ++this.modules;
      memory.u8.set(module.bytes, module.at);
      unused.register(module, { memory, at: module.at });
    }
    calls.forEach((args, i) => {
      const at = queue.RECORDS + i * queue.RECORD;
      words[at] = module?.at ?? 0;
      words[at + 1] = module?.bytes.length ?? 0;
      words[at + 2] = module?.number ?? 0;
      words[at + 3] = queue.FUNCTIONS.indexOf(name);
      words.set(args, at + queue.ARGUMENTS);
    });
    Atomics.store(words, queue.DONE, 0);
    this.job = (this.job + 1) & 0xff_ffff;
    Atomics.store(words, queue.TICKET, (this.job << 8) | calls.length);
    Atomics.notify(words, queue.TICKET, calls.length - 1);
  }

  /** Returns when so many calls have returned; fails after so many milliseconds. */
  private awaitCalls(count: number, timeout: number): void {
    const { words } = this;
    let waited = 0;
    let before = performance.now();
    for (let spin = 1; ; spin++) {
      const done = Atomics.load(words, queue.DONE);
      if (done === count) return;
      if (spin % queue.SPINS !== 0) continue;
      const now = performance.now();
      // A longer time than a thread sleeps: the process was stopped, and its workers with it.
      waited += Math.min(now - before, 2 * SLEEP);
      before = now;
      if (waited > timeout) {
        this.broken = { why: 'a worker does not answer' };
        this.refuseBroken();
      }
      if (mayWait) Atomics.wait(words, queue.DONE, done, SLEEP);
    }
  }

  private refuseBroken(): void {
    if (this.broken === undefined) return;
    const { why, cause } = this.broken;
    throw new BackendError(
      `wasm: ${why}; this backend cannot go on. Dispose of it and make a new one, with threads: 1 if it happens again`,
      { cause },
    );
  }
}

/**
 * Gives back the bytes of modules whose programs nobody holds any more. Workers know modules by
 * numbers, which are not used again.
 */
const unused = new FinalizationRegistry<{ readonly memory: Memory; readonly at: number }>(({ memory, at }) =>
  memory.give(at),
);

/** Whether this thread may sleep: a browser's main thread may not. */
const mayWait: boolean = ((): boolean => {
  if (typeof SharedArrayBuffer !== 'function') return false;
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1);
    return true;
  } catch {
    return false; // a TypeError says no
  }
})();
