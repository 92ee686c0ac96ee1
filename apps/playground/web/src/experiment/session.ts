/** The page's side of an experiment: its worker, and what is known of the run as signals. */
import type { BackendInfo } from '@rnn/core';
import { batch, signal, type ReadonlySignal, type Signal } from '@preact/signals';
import { proxy, wrap, type Remote } from 'comlink';
import { failureOf } from '../start-worker.ts';
import { curveWith, emptyCurve, type Curve } from './curve.ts';
import type { Experiment, ExperimentOptions, Progress } from './experiment.ts';
import type { ExperimentWorker, Question } from './serve.ts';

type ViewOf<E extends Experiment> = Awaited<ReturnType<E['view']>>;

/** Milliseconds after which a stop is shown, whatever the device is at. */
const answersWithin = 250;

/**
 * A run that the page can begin, play, pause, step, move and ask.
 *
 * @example
 * const session = new Session<TextExperiment, TextSettings>(startWorker('text'));
 * await session.begin({ seed: 0, settings }, 'wasm');
 * await session.play();
 * session.progress.value?.view;
 */
export class Session<E extends Experiment, Settings> {
  private readonly latest = signal<Progress<ViewOf<E>> | undefined>(undefined);
  private readonly points = signal(emptyCurve);
  private readonly failure: Signal<string | undefined> = signal(undefined);
  private readonly script: Worker;
  private readonly remote: Remote<ExperimentWorker<E, Settings>>;
  /** Fails when the worker does, so that nothing waits for its answers. */
  private readonly broken: Promise<never>;
  /** The last stop, until it is to play again. */
  private stop: symbol | undefined;
  /** Counts the runs: a message of an earlier one is not of this one. */
  private runs = 0;

  /** @param script - a worker that calls `serveExperiment` */
  constructor(script: Worker) {
    this.script = script;
    this.remote = wrap<ExperimentWorker<E, Settings>>(script);
    this.broken = failureOf(script);
    this.broken.catch((error: unknown) => this.fail(error));
  }

  /** How far the run is; undefined before it begins. */
  get progress(): ReadonlySignal<Progress<ViewOf<E>> | undefined> {
    return this.latest;
  }

  /** The losses since the run began. */
  get curve(): ReadonlySignal<Curve> {
    return this.points;
  }

  /** What ended the run, for people; undefined while all is well. */
  get error(): ReadonlySignal<string | undefined> {
    return this.failure;
  }

  start(backend: string): Promise<BackendInfo> {
    return this.answer(this.remote.start(backend));
  }

  /** Begins again from the first step; if `plays`, it plays unless `pause` comes in between. */
  async begin(options: ExperimentOptions<Settings>, backend: string, plays = false): Promise<void> {
    const run = ++this.runs;
    this.stop = undefined;
    const listen = (progress: Progress<ViewOf<E>>): void => {
      if (run !== this.runs) return;
      // What was on its way when the stop was shown does not undo it.
      const isShown = this.stop !== undefined && this.latest.peek()?.playing === false;
      batch(() => {
        if (progress.losses.length > 0) this.points.value = curveWith(this.points.value, progress.losses);
        this.latest.value = isShown ? { ...progress, playing: false } : progress;
        this.failure.value = progress.error;
      });
    };
    batch(() => {
      this.points.value = emptyCurve;
      this.failure.value = undefined;
    });
    await this.answer(this.remote.begin(options, backend, proxy(listen), plays));
  }

  moveTo(backend: string): Promise<BackendInfo> {
    return this.answer(this.remote.moveTo(backend));
  }

  play(): Promise<void> {
    this.stop = undefined;
    return this.answer(this.remote.play());
  }

  /** Stops; where a step takes longer than that, the run is shown at rest before it is. */
  async pause(): Promise<void> {
    const stop = Symbol('stop');
    this.stop = stop;
    setTimeout(() => {
      const progress = this.latest.peek();
      if (this.stop === stop && progress !== undefined) this.latest.value = { ...progress, playing: false };
    }, answersWithin);
    await this.answer(this.remote.pause());
  }

  stepOnce(): Promise<void> {
    return this.answer(this.remote.stepOnce());
  }

  /** Calls a method of the experiment between two steps; arguments and answer are plain data. */
  ask<K extends Question<E>>(
    method: K,
    ...args: E[K] extends (...args: infer A) => unknown ? A : never
  ): Promise<E[K] extends (...args: never[]) => infer R ? Awaited<R> : never> {
    // comlink cannot carry a method's generic parameters over; what `ExperimentWorker.ask` promises
    // is the same.
    const ask = this.remote.ask as unknown as (method: K, ...args: unknown[]) => Promise<never>;
    return this.answer(ask(method, ...args));
  }

  /** Shows what went wrong beside the run. */
  fail(error: unknown): void {
    this.failure.value = error instanceof Error ? error.message : String(error);
  }

  /** Ends the worker and whatever it does. */
  end(): void {
    this.script.terminate();
  }

  private answer<T>(promise: Promise<T>): Promise<T> {
    return Promise.race([promise, this.broken]);
  }
}
