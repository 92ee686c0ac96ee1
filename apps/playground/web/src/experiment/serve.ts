/** The side of an experiment that runs in a worker: the loop that trains, yields, and listens. */
import { manualSeed, scope, setBackend, stack, type Backend, type BackendInfo, type Tensor } from '@rnn/core';
import { expose } from 'comlink';
import { backends } from '../backends.ts';
import { nextTask } from '../next-task.ts';
import { Ahead } from './ahead.ts';
import type { Experiment, ExperimentOptions, Progress } from './experiment.ts';
import { Queue } from './queue.ts';

/** Milliseconds between two messages to the page while it plays. */
const reportEvery = 100;
/** Milliseconds of work after which a message from the page may come in between. */
const sliceLength = 25;

/** What a demo's worker offers to its page. */
export interface ExperimentWorker<E extends Experiment, Settings> {
  /**
   * Starts a backend and says what it is; fails with a reason for people. A backend that was
   * started stays.
   */
  start(backend: string): Promise<BackendInfo>;
  /**
   * Begins a run from its first step, on a backend that was started, and plays it unless `pause`
   * comes in between. The one before ends.
   */
  begin(options: ExperimentOptions<Settings>, backend: string, report: Report<E>, plays: boolean): Promise<void>;
  /** Takes the run to another backend between two steps. */
  moveTo(backend: string): Promise<BackendInfo>;
  play(): void;
  /** Stops the run, or keeps one that is about to begin from playing. */
  pause(): void;
  /** One training step, when it does not play. */
  stepOnce(): Promise<void>;
  /** Calls a method of the experiment between two steps. */
  ask<K extends Question<E>>(method: K, ...args: ArgumentsOf<E, K>): Promise<AnswerOf<E, K>>;
}

/** Called with every progress of the run. */
type Report<E extends Experiment> = (progress: Progress<Awaited<ReturnType<E['view']>>>) => void;

/** The names of an experiment's methods. */
export type Question<E> = { [K in keyof E]: E[K] extends (...args: never[]) => unknown ? K : never }[keyof E];
type ArgumentsOf<E, K extends keyof E> = E[K] extends (...args: infer A) => unknown ? A : never;
type AnswerOf<E, K extends keyof E> = E[K] extends (...args: never[]) => infer R ? Awaited<R> : never;

/**
 * Serves experiments of one kind from this worker.
 *
 * @param create - makes an experiment on the current backend
 */
export function serveExperiment<E extends Experiment, Settings>(
  create: (options: ExperimentOptions<Settings>) => E | Promise<E>,
): void {
  const started = new Map<string, Promise<Backend>>();
  let run: Run<E> | undefined;
  const beginnings = new Queue();
  /** What was asked last, for the run that begins next. */
  let plays = false;
  const current = (): Run<E> => {
    if (run === undefined) throw new Error('There is no run yet: begin one first.');
    return run;
  };

  const start = (name: string): Promise<Backend> => {
    const make = backends[name];
    if (make === undefined) throw new Error(`There is no backend named ${name}.`);
    const backend = started.get(name) ?? make();
    started.set(name, backend);
    // What failed once may work later, after a change of settings or drivers.
    backend.catch(() => started.delete(name));
    return backend;
  };

  const worker: ExperimentWorker<E, Settings> = {
    start: async (name) => (await start(name)).info,
    // One after another: two that are made at once would draw from one generator in turn.
    begin(options, name, report, playsThen) {
      plays = playsThen;
      return beginnings.add(async () => {
        await run?.end();
        run = undefined;
        const backend = await start(name);
        setBackend(backend);
        manualSeed(options.seed);
        run = new Run(await create(options), name, report);
        await run.begin(plays);
      });
    },
    async moveTo(name) {
      const backend = await start(name);
      await current().moveTo(name, backend);
      return backend.info;
    },
    play() {
      plays = true;
      run?.play();
    },
    pause() {
      plays = false;
      run?.pause();
    },
    stepOnce: () => current().stepOnce(),
    ask(method, ...args) {
      const asked = current();
      return asked.between(() => asked.ask(method, args));
    },
  };
  expose(worker);
}

/**
 * A run of an experiment: whatever is asked of it happens between two steps, one thing after the
 * other.
 */
class Run<E extends Experiment> {
  private readonly experiment: E;
  private readonly listener: Report<E>;
  private backend: string;
  private steps = 0;
  private loss = Number.NaN;
  /** Losses on the device that were not read yet. */
  private unread: Tensor[] = [];
  private losses: { step: number; loss: number; backend: string }[] = [];
  private playing = false;
  /** Whether the loop has not seen yet that it shall end. */
  private looping = false;
  private failure: string | undefined;
  private rate = new Rate();
  /** How far the device may be behind; each has its own. */
  private ahead = new Ahead();
  private readonly queue = new Queue();
  private view: Awaited<ReturnType<E['view']>> | undefined;

  constructor(experiment: E, backend: string, listener: Report<E>) {
    this.experiment = experiment;
    this.backend = backend;
    this.listener = listener;
  }

  /** Does something when all that was asked before is done. */
  between<R>(work: () => Promise<R> | R): Promise<R> {
    return this.queue.add(work);
  }

  /** Says where it stands, and plays or waits. */
  async begin(plays: boolean): Promise<void> {
    this.playing = plays;
    await this.report();
    if (plays && !this.looping) void this.loop();
  }

  play(): void {
    this.playing = true;
    if (!this.looping) void this.loop();
  }

  private async loop(): Promise<void> {
    this.looping = true;
    this.failure = undefined;
    this.rate = new Rate();
    let reported = performance.now();
    while (this.playing) {
      await this.between(async () => {
        const began = performance.now();
        do {
          this.step();
          if (this.unread.length >= this.ahead.steps) await this.readLosses();
          if (performance.now() - reported < reportEvery) continue;
          await this.report();
          reported = performance.now();
        } while (this.playing && performance.now() - began < sliceLength);
      }).catch((error: unknown) => this.stop(error));
      // Messages from the page come in between two macrotasks only.
      await nextTask();
    }
    this.looping = false;
    await this.between(() => this.report());
  }

  pause(): void {
    this.playing = false;
  }

  /**
   * One training step. Its loss stays on the device until the next report: one that computes apart
   * would be waited for.
   */
  step(): void {
    this.unread.push(scope(() => this.experiment.step()));
    this.steps++;
    this.rate.count();
  }

  stepOnce(): Promise<void> {
    return this.between(async () => {
      this.step();
      await this.report();
    });
  }

  moveTo(name: string, backend: Backend): Promise<void> {
    return this.between(async () => {
      await this.readLosses();
      for (const part of this.experiment.movable) await part.moveTo(backend);
      setBackend(backend);
      this.backend = name;
      this.rate = new Rate();
      this.ahead = new Ahead();
      await this.report();
    });
  }

  async ask<K extends Question<E>>(method: K, args: ArgumentsOf<E, K>): Promise<AnswerOf<E, K>> {
    const call = this.experiment[method] as (...args: ArgumentsOf<E, K>) => Promise<AnswerOf<E, K>> | AnswerOf<E, K>;
    const answer = await call.apply(this.experiment, args);
    // What was asked may have changed what is seen, and nothing else would tell the page.
    if (!this.playing) await this.report();
    return answer;
  }

  async report(): Promise<void> {
    if (this.failure === undefined) {
      await this.readLosses();
      this.view = (await this.experiment.view(!this.playing)) as Awaited<ReturnType<E['view']>>;
    }
    const { losses } = this;
    this.losses = [];
    this.listener({
      step: this.steps,
      loss: this.loss,
      losses,
      backend: this.backend,
      stepsPerSecond: this.rate.perSecond,
      playing: this.playing,
      error: this.failure,
      view: this.view as Awaited<ReturnType<E['view']>>,
    });
  }

  /** Stops, and waits for the step under way. */
  async end(): Promise<void> {
    this.pause();
    await this.queue.idle();
  }

  /** Nobody awaits the loop: the page hears of a failure by the next report. */
  private stop(error: unknown): void {
    this.playing = false;
    this.failure = error instanceof Error ? error.message : String(error);
    this.unread = [];
  }

  private async readLosses(): Promise<void> {
    const { unread } = this;
    if (unread.length === 0) return;
    this.unread = [];
    const all = scope(() => stack(unread));
    try {
      const began = performance.now();
      const values = await all.data();
      this.ahead.waited(performance.now() - began);
      const first = this.steps - values.length + 1;
      values.forEach((loss, i) => this.losses.push({ step: first + i, loss, backend: this.backend }));
      this.loss = values[values.length - 1];
    } finally {
      all.dispose();
      for (const loss of unread) loss.dispose();
    }
  }
}

/** Steps in a second, over about the last one. */
class Rate {
  private readonly times: number[] = [];

  count(): void {
    const now = performance.now();
    this.times.push(now);
    while (this.times.length > 2 && now - (this.times[0] ?? now) > 1000) this.times.shift();
  }

  get perSecond(): number {
    const [first] = this.times;
    const last = this.times.at(-1);
    if (first === undefined || last === undefined || last === first) return 0;
    return ((this.times.length - 1) * 1000) / (last - first);
  }
}
