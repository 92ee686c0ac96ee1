/** The page's side of the suite: a worker that is ended when one stops, and what came of it. */
import { batch, signal, type Signal } from '@preact/signals';
import type { CaseResult, GroupSummary, Report } from '@rnn/conformance';
import type { BackendInfo } from '@rnn/core';
import { proxy, wrap, type Remote } from 'comlink';
import type { Progress } from '../../experiment/experiment.ts';
import { device, reasonFor } from '../../shell/device.ts';
import type { Run } from '../../shell/run.ts';
import { failureOf } from '../../start-worker.ts';
import { conformance as texts } from '../../texts/en/conformance.ts';
import type { News } from './run-cases.ts';
import type { ConformanceWorker } from './worker.ts';

/** How far the suite is. */
export interface SuiteState {
  readonly results: readonly CaseResult[];
  /** How many cases fit the filter; undefined before the first was run. */
  readonly total: number | undefined;
  readonly groups: readonly GroupSummary[];
  readonly playing: boolean;
}

const empty: SuiteState = { results: [], total: undefined, groups: [], playing: false };

/** The seed and the number of random examples that `runConformance` takes unless told. */
const defaults = { seed: 20_261_124, runs: 40 } as const;

/** Runs the suite on a backend; the bar works it, a step being a case. */
export class Suite implements Run {
  readonly state: Signal<SuiteState> = signal(empty);
  readonly progress: Signal<Progress<unknown> | undefined> = signal(undefined);
  readonly error: Signal<string | undefined> = signal(undefined);
  readonly without = { seed: texts.noSeed };
  filter = '';
  /** When the first backend has started: a run waits for it. */
  ready: Promise<unknown> = Promise.resolve();
  private readonly makeWorker: () => Worker;
  private worker: { script: Worker; remote: Remote<ConformanceWorker>; broken: Promise<never> } | undefined;
  private backend = 'cpu';
  private pack: Promise<ArrayBuffer> | undefined;
  /** Whether the worker runs cases; a backend that starts in it is not interrupted by a stop. */
  private isAtCases = false;
  /** Counts runs and stops: what an earlier one tells is not heard. */
  private wish = 0;

  /** @param makeWorker - starts the demo's worker */
  constructor(makeWorker: () => Worker) {
    this.makeWorker = makeWorker;
  }

  /** Takes a backend for the runs to come. */
  async start(name: string): Promise<BackendInfo> {
    const info = await this.ask((worker) => worker.describe(name));
    this.backend = name;
    device.value = info;
    // The bar shows which one it is before anything runs.
    this.set({});
    return info;
  }

  async moveTo(name: string): Promise<BackendInfo> {
    const goesOn = this.state.peek().playing;
    const info = await this.start(name);
    await this.reset();
    if (goesOn) await this.play();
    return info;
  }

  play(): Promise<void> {
    const { results, total } = this.state.peek();
    if (total !== undefined && results.length >= total) this.set(empty);
    return this.run();
  }

  /** Ends the worker that is at the cases: whatever case is under way, it stops at once. */
  pause(): Promise<void> {
    this.wish++;
    if (this.isAtCases) {
      this.worker?.script.terminate();
      this.worker = undefined;
      this.isAtCases = false;
    }
    this.set({ playing: false });
    return Promise.resolve();
  }

  stepOnce(): Promise<void> {
    return this.run(1);
  }

  async reset(): Promise<void> {
    if (this.state.peek().playing) await this.pause();
    this.error.value = undefined;
    this.set(empty);
  }

  /** What came of the cases so far, as `runConformance` reports it, as JSON. */
  report(): Promise<string> {
    const { results } = this.state.peek();
    const count = (status: CaseResult['status']): number => results.filter((one) => one.status === status).length;
    const report: Report = {
      info: device.peek(),
      ...defaults,
      results,
      passed: count('passed'),
      failed: count('failed'),
      skipped: count('skipped'),
    };
    return this.ask((worker) => worker.write(report));
  }

  fail(error: unknown): void {
    this.error.value = reasonFor(error);
  }

  end(): void {
    this.wish++;
    this.worker?.script.terminate();
  }

  private async run(count?: number): Promise<void> {
    const wish = ++this.wish;
    this.error.value = undefined;
    this.set({ playing: true });
    const hear = ({ results, total, groups }: News): void => {
      if (wish === this.wish) this.set({ results: [...this.state.peek().results, ...results], total, groups });
    };
    try {
      const [pack] = await Promise.all([this.cases(), this.ready]);
      if (wish !== this.wish) return;
      const selection = {
        filter: this.filter,
        before: this.state.peek().results,
        ...(count !== undefined && { count }),
      };
      this.isAtCases = true;
      await this.ask((worker) => worker.run(this.backend, pack, selection, proxy(hear)));
    } catch (error) {
      if (wish === this.wish) this.fail(error);
    }
    if (wish !== this.wish) return;
    this.isAtCases = false;
    this.set({ playing: false });
  }

  /** Fetched when they are first wanted, and asked for again after a failure. */
  private cases(): Promise<ArrayBuffer> {
    this.pack ??= fetchCases().catch((error: unknown) => {
      this.pack = undefined;
      throw error;
    });
    return this.pack;
  }

  /** Asks the worker, which is another one after a stop. */
  private ask<T>(question: (worker: Remote<ConformanceWorker>) => Promise<T>): Promise<T> {
    if (this.worker === undefined) {
      const script = this.makeWorker();
      this.worker = { script, remote: wrap<ConformanceWorker>(script), broken: failureOf(script) };
      // Whoever asks next gets another one; those that wait for this one hear of it themselves.
      this.worker.broken.catch(() => (this.worker = undefined));
    }
    return Promise.race([question(this.worker.remote), this.worker.broken]);
  }

  private set(changed: Partial<SuiteState>): void {
    batch(() => {
      this.state.value = { ...this.state.peek(), ...changed };
      const { results, playing } = this.state.peek();
      this.progress.value = {
        step: results.length,
        loss: Number.NaN,
        losses: [],
        backend: this.backend,
        stepsPerSecond: 0,
        playing,
        error: undefined,
        view: undefined,
      };
    });
  }
}

async function fetchCases(): Promise<ArrayBuffer> {
  const response = await fetch(new URL('reference-cases.bin', document.baseURI));
  if (!response.ok) throw new Error('The cases could not be loaded. Check the connection and try again.');
  return response.arrayBuffer();
}
