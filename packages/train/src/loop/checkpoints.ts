import { ArgumentError, defaultGenerator, Generator, type Backend, type Tree } from '@rnn/core';
import { refuse } from '@rnn/core/checks';
import type { Module, StateDict } from '@rnn/nn';
import type { FitOptions } from './fit-options.js';
import type { History, StepRecord } from './history.js';
import type { Batches } from './pieces.js';
import type { RunningMeanState } from './running-mean.js';

/** Where a training stands, beside its model and optimiser. */
export interface Progress<S extends Tree> {
  readonly history: History;
  /** What the model was after its best pass, where that is to be given back. */
  readonly best: StateDict | undefined;
  /** The losses of the pass under way. */
  readonly losses: RunningMeanState;
  /** The rate of the last step. */
  readonly lr: number;
  /** The state that is carried to the next batch. */
  readonly carried: S | undefined;
}

/** The same in a file: numbers of steps in columns, and where the generators stood and stand. */
interface SavedProgress<S extends Tree> extends Omit<Progress<S>, 'history'> {
  readonly history: Omit<History, 'steps'>;
  readonly steps: Float64Array;
  readonly passStart: readonly (readonly number[])[] | undefined;
  readonly random: readonly (readonly number[])[];
}

/**
 * What is used of `@rnn/io/node`, which is looked up by its name, so that a page never meets a
 * module of Node.
 */
interface Files {
  saveCheckpoint(path: string, parts: object, options: { keep?: number }): Promise<void>;
  loadCheckpoint(path: string, parts: object, options: { backend: Backend }): Promise<Record<string, unknown>>;
}

/** Writes a training to its file now and then, and brings it back. */
export class Checkpoints<M extends Module, B, S extends Tree> {
  private readonly model: M;
  private readonly options: FitOptions<M, B, S>;
  /** Whose draws decide on the course of the training. */
  private readonly generators: readonly Generator[];
  /** Where they stood when the pass under way began. */
  private passStart: readonly (readonly number[])[] | undefined;
  /** Where they are to go on once the batches that were done are passed over. */
  private pending: readonly (readonly number[])[] | undefined;

  constructor(model: M, data: Batches<B>, options: FitOptions<M, B, S>) {
    this.model = model;
    this.options = options;
    const { generator } = data as { readonly generator?: unknown };
    this.generators = generator instanceof Generator ? [defaultGenerator(), generator] : [defaultGenerator()];
  }

  /** Before the first batch of a pass is asked for. */
  beginPass(): void {
    if (this.pending === undefined) this.passStart = this.states();
    else this.setStates(this.passStart ?? []);
  }

  /** After the batches that were done are passed over: the draws go on where they were. */
  endSkipping(): void {
    if (this.pending !== undefined) this.setStates(this.pending);
    this.pending = undefined;
  }

  endPass(): void {
    this.passStart = undefined;
  }

  /** Whether one is to be written after this step. */
  isDueAfterStep(step: number): boolean {
    const every = this.options.checkpoint?.every;
    return every !== undefined && step % every === 0;
  }

  get isDueAfterPass(): boolean {
    return this.options.checkpoint !== undefined && this.options.checkpoint.every === undefined;
  }

  async save({ history, best, losses, lr, carried }: Progress<S>): Promise<void> {
    const { checkpoint } = this.options;
    if (checkpoint === undefined) return;
    const { steps, bestState: _best, carried: _carried, ...rest } = history;
    const training: SavedProgress<S> = {
      history: rest,
      steps: tableOf(steps),
      best,
      losses,
      lr,
      carried,
      passStart: this.passStart,
      random: this.states(),
    };
    const io = await files();
    await io.saveCheckpoint(
      checkpoint.path,
      { ...this.parts(), ...checkpoint.parts, training },
      { keep: checkpoint.keep },
    );
  }

  /**
   * Brings back what `resumeFrom` names: model, optimiser, schedule and parts are loaded, or
   * nothing is.
   */
  async load(path: string): Promise<Progress<S>> {
    const io = await files();
    const parts = Object.entries(this.options.checkpoint?.parts ?? {}).filter(([, part]) => isLoadable(part));
    const [{ backend }] = this.model.parameters();
    const { training } = await io.loadCheckpoint(path, { ...this.parts(), ...Object.fromEntries(parts) }, { backend });
    const { history, steps, best, losses, lr, carried, passStart, random } = training as SavedProgress<S>;
    if (random.length !== this.generators.length) {
      refuse(ArgumentError, 'fit', 'resumeFrom', {
        received: 'of a training whose data had another generator than these',
        expected: 'the same data, with a generator of their own or without',
      });
    }
    if (history.batch > 0) {
      this.passStart = passStart;
      this.pending = random;
    } else this.setStates(random);
    return { history: { ...history, steps: recordsOf(steps) }, best, losses, lr, carried };
  }

  private parts(): Record<string, unknown> {
    const { optimizer, schedule, averaged } = this.options;
    const own = { model: this.model, optimizer, schedule, averaged };
    return Object.fromEntries(Object.entries(own).filter(([, part]) => part !== undefined));
  }

  private states(): (readonly number[])[] {
    return this.generators.map((generator) => generator.state());
  }

  private setStates(states: readonly (readonly number[])[]): void {
    this.generators.forEach((generator, i) => generator.setState(states[i]));
  }
}

async function files(): Promise<Files> {
  const name = '@rnn/io/node';
  try {
    return (await import(/* @vite-ignore */ /* webpackIgnore: true */ name)) as Files;
  } catch (cause) {
    return refuse(ArgumentError, 'fit', 'checkpoint', {
      received: `given, but ${name} cannot be loaded`,
      expected: 'Node, and the package @rnn/io',
      hint: 'npm install @rnn/io',
      cause,
    });
  }
}

function isLoadable(part: unknown): boolean {
  const { loadStateDict, setState } = (part ?? {}) as { loadStateDict?: unknown; setState?: unknown };
  return typeof loadStateDict === 'function' || typeof setState === 'function';
}

const columns = ['step', 'epoch', 'loss', 'lr', 'gradNorm', 'seconds'] as const;
const WIDTH = columns.length + 1;

/** A long training has more steps than a header of JSON is made for. */
function tableOf(records: readonly StepRecord[]): Float64Array {
  return Float64Array.from(
    records.flatMap((record) => [...columns.map((name) => record[name]), record.skipped === true ? 1 : 0]),
  );
}

function recordsOf(table: Float64Array): StepRecord[] {
  return Array.from({ length: table.length / WIDTH }, (_, row) => {
    const values = columns.map((name, i) => [name, table[row * WIDTH + i]] as const);
    const skipped = table[row * WIDTH + columns.length] === 1;
    return { ...Object.fromEntries(values), ...(skipped ? { skipped } : {}) } as unknown as StepRecord;
  });
}
