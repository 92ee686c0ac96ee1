/** The worker in which the chapters run, so that the page stays alive. */
import type { Backend, BackendInfo } from '@rnn/core';
import { expose } from 'comlink';
import type { ChapterContext } from '../../src/chapters/context.ts';
import { runLesson, type LessonResult } from '../../src/chapters/lesson.ts';
import { runSunspots, type SunspotsResult } from '../../src/chapters/sunspots.ts';
import { runVowels, type VowelsResult } from '../../src/chapters/vowels.ts';
import { backends } from './backends.ts';
import { readData } from './files.ts';

/**
 * Steps between two reports: a device that computes apart is not to wait for the page at each of
 * them.
 */
const readEvery = 5;

/** A step of a training, and the name of the backend that computed it. */
export interface Point {
  readonly step: number;
  readonly steps: number;
  readonly loss: number;
  readonly backend: string;
}

type Report = (point: Point) => void;

/** Those that were started; they stay for the next time. */
const started = new Map<string, Promise<Backend>>();
/** Where the training goes on after its next report. */
let destination: { readonly name: string; readonly backend: Backend } | undefined;
let training: AbortController | undefined;

const laboratory = {
  /** Starts a backend unless it runs already; fails with a reason for people. */
  async start(name: string): Promise<BackendInfo> {
    return (await backendOf(name)).info;
  },

  /** Takes the training under way to another backend. */
  async moveTo(name: string): Promise<BackendInfo> {
    const backend = await backendOf(name);
    destination = { name, backend };
    return backend.info;
  },

  /**
   * Ends the training under way after its present step; the chapter goes on with what was learned.
   */
  stop(): void {
    training?.abort();
  },

  async lesson(name: string): Promise<LessonResult> {
    return runLesson(await contextOn(name));
  },

  async sunspots(name: string, steps: number, report: Report): Promise<SunspotsResult> {
    return runSunspots(await contextOn(name, steps, report), ['LSTM']);
  },

  async vowels(name: string, steps: number, report: Report): Promise<VowelsResult> {
    return runVowels(await contextOn(name, steps, report));
  },
};

/** What the page may ask of the worker. */
export type Laboratory = typeof laboratory;

function backendOf(name: string): Promise<Backend> {
  let backend = started.get(name);
  if (backend === undefined) {
    backend = backends[name]();
    started.set(name, backend);
    // What failed once may work later, after a change of settings or drivers.
    backend.catch(() => started.delete(name));
  }
  return backend;
}

async function contextOn(name: string, steps = 1, report: Report = () => {}): Promise<ChapterContext> {
  const backend = await backendOf(name);
  let current = name;
  destination = undefined;
  training = new AbortController();
  return {
    backend,
    backends,
    seed: 0,
    duration: { steps },
    read: readData,
    readEvery: Math.min(readEvery, steps),
    signal: training.signal,
    report: ({ step, steps, loss }) => report({ step, steps, loss, backend: current }),
    moveTo: () => {
      const next = destination;
      if (next === undefined) return undefined;
      destination = undefined;
      current = next.name;
      return next.backend;
    },
  };
}

expose(laboratory);
