/** The page's side of an experiment: its worker, and what is known of the run as signals. */
import type { BackendInfo } from '@rnn/core';
import { signal, type ReadonlySignal, type Signal } from '@preact/signals';
import { proxy, wrap, type Remote } from 'comlink';
import type { Experiment, ExperimentOptions, Progress } from './experiment.ts';
import type { ExperimentWorker, Question } from './serve.ts';

type ViewOf<E extends Experiment> = Awaited<ReturnType<E['view']>>;

/** A point of the curve: what the loss was, and who computed it. */
export interface CurvePoint {
  readonly step: number;
  readonly loss: number;
  readonly backend: string;
}

/**
 * A run that the page can begin, play, pause, step, move and ask.
 *
 * @example
 * const session = new Session<TextExperiment, TextSettings>(
 *   new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' }),
 * );
 * await session.begin({ seed: 0, settings }, 'wasm');
 * await session.play();
 * session.progress.value?.view;
 */
export class Session<E extends Experiment, Settings> {
  private readonly latest = signal<Progress<ViewOf<E>> | undefined>(undefined);
  private readonly points = signal<readonly CurvePoint[]>([]);
  private readonly failure: Signal<string | undefined> = signal(undefined);
  private readonly script: Worker;
  private readonly remote: Remote<ExperimentWorker<E, Settings>>;

  /** @param script - a worker that calls `serveExperiment` */
  constructor(script: Worker) {
    this.script = script;
    this.remote = wrap<ExperimentWorker<E, Settings>>(script);
    script.addEventListener('error', ({ message }) => (this.failure.value = message));
  }

  /** How far the run is; undefined before it begins. */
  get progress(): ReadonlySignal<Progress<ViewOf<E>> | undefined> {
    return this.latest;
  }

  /** Every loss that was read since the run began. */
  get curve(): ReadonlySignal<readonly CurvePoint[]> {
    return this.points;
  }

  /** What ended the run, for people; undefined while all is well. */
  get error(): ReadonlySignal<string | undefined> {
    return this.failure;
  }

  start(backend: string): Promise<BackendInfo> {
    return this.remote.start(backend);
  }

  async begin(options: ExperimentOptions<Settings>, backend: string): Promise<void> {
    this.points.value = [];
    this.failure.value = undefined;
    const listen = (progress: Progress<ViewOf<E>>): void => {
      this.latest.value = progress;
      if (progress.losses.length > 0) this.points.value = [...this.points.value, ...progress.losses];
    };
    await this.remote.begin(options, backend, proxy(listen));
  }

  moveTo(backend: string): Promise<BackendInfo> {
    return this.remote.moveTo(backend);
  }

  async play(): Promise<void> {
    await this.remote.play();
  }

  async pause(): Promise<void> {
    await this.remote.pause();
  }

  stepOnce(): Promise<void> {
    return this.remote.stepOnce();
  }

  /** Calls a method of the experiment between two steps; arguments and answer are plain data. */
  ask<K extends Question<E>>(
    method: K,
    ...args: E[K] extends (...args: infer A) => unknown ? A : never
  ): Promise<E[K] extends (...args: never[]) => infer R ? Awaited<R> : never> {
    // comlink cannot carry a method's generic parameters over; what `ExperimentWorker.ask` promises
    // is the same.
    const ask = this.remote.ask as unknown as (method: K, ...args: unknown[]) => Promise<never>;
    return ask(method, ...args);
  }

  /** Ends the worker and whatever it does. */
  end(): void {
    this.script.terminate();
  }
}
