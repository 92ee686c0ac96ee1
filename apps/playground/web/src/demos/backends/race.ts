/** The race: each backend trains the same net in a worker of its own, one after the other. */
import { batch, signal, type Signal } from '@preact/signals';
import type { BackendInfo } from '@rnn/core';
import type { Progress } from '../../experiment/experiment.ts';
import { Session } from '../../experiment/session.ts';
import { device, rates, reasonFor, setUnavailable } from '../../shell/device.ts';
import type { Run } from '../../shell/run.ts';
import { comparedSteps } from './agreement.ts';
import type { RaceExperiment, RaceSettings } from './race-experiment.ts';

/** Where a backend stands. */
export interface Lane {
  readonly name: string;
  readonly state: 'asked' | 'waits' | 'warms up' | 'runs' | 'done' | 'unavailable';
  /** What really runs, once it has started. */
  readonly info?: BackendInfo;
  /** Why it cannot run here. */
  readonly reason?: string;
  readonly steps: number;
  readonly stepsPerSecond: number;
  /** Losses of the first steps, those that are compared. */
  readonly losses: readonly number[];
  /** Milliseconds of its turn that are gone. */
  readonly spent: number;
}

/** What a race is run with. */
export interface RaceOptions {
  readonly seed: number;
  readonly settings: RaceSettings;
  /** Milliseconds of each backend's turn. */
  readonly turn: number;
}

const rest = { steps: 0, stepsPerSecond: 0, losses: [], spent: 0 } as const;
/** Milliseconds between two looks at the clock of a turn. */
const tick = 50;

/** Runs backends in turn; the page's bar works it as it works any run. */
export class Race implements Run {
  readonly lanes: Signal<readonly Lane[]>;
  readonly progress: Signal<Progress<unknown> | undefined> = signal(undefined);
  readonly error: Signal<string | undefined> = signal(undefined);
  private options: RaceOptions;
  private readonly makeWorker: () => Worker;
  private readonly sessions = new Map<string, Session<RaceExperiment, RaceSettings>>();
  /** Those whose run has begun. */
  private readonly begun = new Set<string>();
  /** Counts plays and pauses: a loop that is not the last one ends. */
  private wish = 0;
  private current: string;
  private playing = false;
  /** Whether the visitor wants it to play, which an interruption does not change. */
  private isWanted = false;
  /** When the turn under way began, as if it had never been interrupted. */
  private began: number | undefined;
  /** The loop before must have paused its backend before the next one starts another. */
  private loop: Promise<void> = Promise.resolve();

  /** @param makeWorker - starts a worker that serves `RaceExperiment` */
  constructor(names: readonly string[], makeWorker: () => Worker, options: RaceOptions) {
    this.makeWorker = makeWorker;
    this.options = options;
    this.current = names[0];
    this.lanes = signal(names.map((name) => ({ name, state: 'asked', ...rest })));
  }

  /** Starts every backend in turn, so that the page can say what runs here. */
  async probe(): Promise<void> {
    for (const { name } of this.lanes.peek()) {
      await this.start(name).catch(() => undefined); // the lane says why
    }
  }

  /** Another race, from the first step. */
  async change(options: RaceOptions): Promise<void> {
    this.options = options;
    await this.reset();
  }

  play(): Promise<void> {
    this.isWanted = true;
    this.goOn();
    return Promise.resolve();
  }

  async pause(): Promise<void> {
    this.isWanted = false;
    await this.halt();
    this.goOn();
  }

  async stepOnce(): Promise<void> {
    await this.begin(this.current);
    await this.sessions.get(this.current)?.stepOnce();
    this.publish();
  }

  async reset(): Promise<void> {
    await this.halt();
    this.clear();
    this.goOn();
  }

  /** Gives the turn to a backend; those that have had theirs keep what they did. */
  async moveTo(name: string): Promise<BackendInfo> {
    const info = await this.start(name);
    await this.halt();
    this.current = name;
    if (this.lane(name).state === 'done') this.restart(name);
    this.goOn();
    return info;
  }

  /** Ends all workers. */
  end(): void {
    this.wish++;
    for (const session of this.sessions.values()) session.end();
  }

  /** Drives on if the visitor wants that, whatever came in between. */
  private goOn(): void {
    const wish = ++this.wish;
    this.playing = this.isWanted;
    if (this.isWanted) {
      if (this.next() === undefined) this.clear();
      this.loop = this.loop.then(() => this.drive(wish));
    }
    this.publish();
  }

  /** Interrupts the turn under way. */
  private async halt(): Promise<void> {
    this.wish++;
    if (this.begun.has(this.current)) await this.sessions.get(this.current)?.pause();
    await this.loop;
  }

  private lane(name: string): Lane {
    const lane = this.lanes.peek().find((one) => one.name === name);
    if (lane === undefined) throw new Error(`No backend named ${name} races.`);
    return lane;
  }

  private set(name: string, changed: Partial<Lane>): void {
    this.lanes.value = this.lanes.peek().map((lane) => (lane.name === name ? { ...lane, ...changed } : lane));
  }

  private restart(name: string): void {
    this.begun.delete(name);
    this.set(name, { state: 'waits', ...rest });
  }

  private clear(): void {
    batch(() => {
      for (const { name, state } of this.lanes.peek())
        if (state !== 'unavailable' && state !== 'asked') this.restart(name);
    });
    this.current = this.lanes.peek()[0].name;
  }

  /** The backend whose turn it is: the one that was chosen, or the next that has not had one. */
  private next(): string | undefined {
    const waits = ({ state }: Lane): boolean => state !== 'done' && state !== 'unavailable';
    const chosen = this.lane(this.current);
    return waits(chosen) ? chosen.name : this.lanes.peek().find(waits)?.name;
  }

  private async drive(wish: number): Promise<void> {
    while (wish === this.wish) {
      const name = this.next();
      if (name === undefined) break;
      this.current = name;
      await this.turn(name, wish);
    }
    if (wish === this.wish) this.isWanted = this.playing = false;
    this.publish();
  }

  private async turn(name: string, wish: number): Promise<void> {
    try {
      await this.begin(name);
      const session = this.session(name);
      // Shaders are made and memory is taken in the first step: no race starts cold.
      this.set(name, { state: 'warms up' });
      this.publish();
      if (this.lane(name).steps === 0) await session.stepOnce();
      if (wish !== this.wish) return this.set(name, { state: 'waits' });
      this.set(name, { state: 'runs' });
      device.value = this.lane(name).info;
      const began = performance.now() - this.lane(name).spent;
      this.began = began;
      await session.play();
      while (wish === this.wish && performance.now() - began < this.options.turn) {
        await new Promise((resolve) => setTimeout(resolve, tick));
        this.set(name, { spent: Math.min(performance.now() - began, this.options.turn) });
      }
      await session.pause();
      await atRest(session);
      this.began = undefined;
      this.set(name, { state: wish === this.wish ? 'done' : 'waits' });
    } catch (error) {
      this.began = undefined;
      this.fail(name, error);
    }
  }

  private async begin(name: string): Promise<void> {
    await this.start(name);
    if (this.begun.has(name)) return;
    await this.session(name).begin({ seed: this.options.seed, settings: this.options.settings }, name);
    this.begun.add(name);
  }

  private async start(name: string): Promise<BackendInfo> {
    try {
      const info = await this.session(name).start(name);
      const { state } = this.lane(name);
      this.set(name, {
        info,
        reason: undefined,
        state: state === 'asked' || state === 'unavailable' ? 'waits' : state,
      });
      return info;
    } catch (error) {
      this.fail(name, error);
      throw error;
    }
  }

  private session(name: string): Session<RaceExperiment, RaceSettings> {
    const known = this.sessions.get(name);
    if (known !== undefined) return known;
    const session = new Session<RaceExperiment, RaceSettings>(this.makeWorker());
    session.progress.subscribe((progress) => progress !== undefined && this.note(name, progress));
    this.sessions.set(name, session);
    return session;
  }

  private note(name: string, { step, losses, error }: Progress<unknown>): void {
    if (error !== undefined) return this.fail(name, error);
    const first = [...this.lane(name).losses];
    for (const { step: at, loss } of losses) if (at <= comparedSteps) first[at - 1] = loss;
    // Over the whole turn, as a device may take many steps at once and be waited for later; the
    // first step was not timed.
    const elapsed = this.began === undefined ? 0 : performance.now() - this.began;
    const stepsPerSecond = step > 1 && elapsed > 0 ? ((step - 1) * 1000) / elapsed : 0;
    batch(() => {
      this.set(name, { steps: step, losses: first, ...(stepsPerSecond > 0 && { stepsPerSecond }) });
      if (stepsPerSecond > 0) rates.value = { ...rates.peek(), [name]: stepsPerSecond };
      this.publish();
    });
  }

  private fail(name: string, error: unknown): void {
    setUnavailable(name, error);
    this.set(name, { state: 'unavailable', reason: reasonFor(error) });
  }

  private publish(): void {
    const { name, steps, losses, stepsPerSecond } = this.lane(this.current);
    this.progress.value = {
      step: steps,
      loss: losses.at(-1) ?? Number.NaN,
      losses: [],
      backend: name,
      stepsPerSecond,
      playing: this.playing,
      error: undefined,
      view: undefined,
    };
  }
}

/** Resolves when a run that was paused has said so. */
function atRest({ progress }: Session<RaceExperiment, RaceSettings>): Promise<void> {
  return new Promise((resolve) => {
    const isOver = (): boolean => progress.peek()?.playing !== true;
    if (isOver()) return resolve();
    const stop = progress.subscribe(() => {
      if (!isOver()) return;
      resolve();
      queueMicrotask(() => stop());
    });
  });
}
