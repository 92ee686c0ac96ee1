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
 *   worker: () => new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' }),
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
  const latest = useRef(settings);
  latest.current = settings;

  const begin = useMemo(
    () =>
      async (playsOn: boolean): Promise<void> => {
        try {
          const name = await startFirst(backend.value, (name) => session.start(name));
          await session.begin({ seed: seed.value, settings: latest.current }, name);
          if (playsOn) await session.play();
        } catch (error) {
          session.fail(error);
        }
      },
    [session],
  );

  useEffect(() => {
    const run: Run = {
      progress: session.progress,
      error: session.error,
      play: () => session.play(),
      pause: () => session.pause(),
      stepOnce: () => session.stepOnce(),
      reset: () => begin(session.progress.value?.playing ?? false),
      moveTo: (name) => session.moveTo(name),
    };
    openRun.value = run;
    const stop = session.progress.subscribe((progress) => {
      if (progress === undefined || progress.stepsPerSecond === 0) return;
      rates.value = { ...rates.peek(), [progress.backend]: progress.stepsPerSecond };
    });
    return () => {
      stop();
      if (openRun.peek() === run) openRun.value = undefined;
      rates.value = {};
      deviceNotice.value = undefined;
      session.end();
    };
  }, [session, begin]);

  const began = useRef(false);
  const beginsAgain = JSON.stringify(
    Object.entries(settings).filter(([name]) => !live.includes(name as keyof Settings)),
  );
  useEffect(() => {
    if (!isReady) return;
    void begin(began.current ? (session.progress.value?.playing ?? false) : plays);
    began.current = true;
  }, [isReady, seed.value, beginsAgain]);

  return session;
}
