import { useEffect, useMemo, useRef } from 'preact/hooks';
import { Session } from '../experiment/session.ts';
import type { Experiment } from '../experiment/experiment.ts';
import { backend, seed } from './address.ts';
import { deviceNotice, rates, startFirst } from './device.ts';
import { openRun, type Run } from './run.ts';

/** How a demo's run begins. */
export interface UseExperimentOptions<Settings> {
  /** Starts the demo's worker, which calls `serveExperiment`. */
  readonly worker: () => Worker;
  /** What the experiment is made from; when a value changes, the run begins again. */
  readonly settings: Settings;
  /**
   * Settings that change without a new beginning: the demo tells the running experiment of them by
   * `session.ask`.
   */
  readonly live?: readonly (keyof Settings)[];
  /** Whether it plays on arrival. True unless given. */
  readonly plays?: boolean;
  /** Whether the settings are complete; until then nothing begins. True unless given. */
  readonly isReady?: boolean;
}

/**
 * Runs a demo's experiment while its tab is open, and hands it to the bar: play, pause, step,
 * reset, seed and backend work from there. A change of the seed or the settings begins again.
 *
 * @example
 * const session = useExperiment<TextExperiment, TextSettings>({
 *   worker: () => startWorker('text'),
 *   settings: { units: units.value },
 * });
 * session.progress.value?.view;
 */
export function useExperiment<E extends Experiment, Settings extends object>({
  worker,
  settings,
  live = [],
  plays = true,
  isReady = true,
}: UseExperimentOptions<Settings>): Session<E, Settings> {
  const session = useMemo(() => new Session<E, Settings>(worker()), []);
  const latest = useRef({ settings, isReady });
  latest.current = { settings, isReady };
  // What the visitor wants, which a run that has just begun does not do yet.
  const playsOn = useRef(plays);
  const wishes = useRef(0);

  const begin = useMemo(
    () => async (): Promise<void> => {
      const wish = ++wishes.current;
      try {
        const name = await startFirst(backend.value, (name) => session.start(name));
        // Several choices in a row begin one run: the last. What it is made of may be gone by now.
        if (wish !== wishes.current || !latest.current.isReady) return;
        await session.begin({ seed: seed.value, settings: latest.current.settings }, name, playsOn.current);
      } catch (error) {
        session.fail(error);
      }
    },
    [session],
  );

  const run = useMemo(
    (): Run => ({
      progress: session.progress,
      error: session.error,
      play: () => {
        playsOn.current = true;
        return session.play();
      },
      pause: () => {
        playsOn.current = false;
        return session.pause();
      },
      stepOnce: () => session.stepOnce(),
      reset: begin,
      moveTo: (name) => session.moveTo(name),
    }),
    [session, begin],
  );
  // The bar has nothing to work where there is nothing to learn from.
  useEffect(() => {
    if (!isReady) return;
    openRun.value = run;
    return () => {
      if (openRun.peek() === run) openRun.value = undefined;
      if (session.progress.peek()?.playing) void session.pause();
    };
  }, [run, isReady]);

  useEffect(() => {
    const stop = session.progress.subscribe((progress) => {
      if (progress === undefined || progress.stepsPerSecond === 0) return;
      rates.value = { ...rates.peek(), [progress.backend]: progress.stepsPerSecond };
    });
    return () => {
      stop();
      rates.value = {};
      deviceNotice.value = undefined;
      session.end();
    };
  }, [session]);

  const beginsAgain = JSON.stringify(
    Object.entries(settings).filter(([name]) => !live.includes(name as keyof Settings)),
  );
  useEffect(() => {
    if (isReady) void begin();
  }, [isReady, seed.value, beginsAgain]);

  return session;
}
