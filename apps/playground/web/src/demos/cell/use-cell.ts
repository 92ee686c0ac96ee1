/** The run of the cell that is open: its worker, its time, and how the bar works it. */
import { useComputed, useSignal, useSignalEffect, type ReadonlySignal } from '@preact/signals';
import { wrap } from 'comlink';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import type { LessonResult } from '../../../../src/chapters/lesson.ts';
import type { Progress } from '../../experiment/experiment.ts';
import { backend } from '../../shell/address.ts';
import { deviceNotice, startFirst } from '../../shell/device.ts';
import { openRun, type Run } from '../../shell/run.ts';
import { failureOf, startWorker } from '../../start-worker.ts';
import { steps, type CellAnswer, type CellRequest, type CellRun } from './trace.ts';
import type { CellWorker } from './worker.ts';

/** Milliseconds of a step while it plays. */
const stepLength = 900;

/** The step that is shown, from 0; reading it follows it. */
export interface TimeSetting {
  value: number;
}

export interface CellState {
  /** The last run of a text that was right. */
  readonly run: ReadonlySignal<CellRun | undefined>;
  /** What is wrong with the text of now. */
  readonly error: ReadonlySignal<CellAnswer['error']>;
  /** The lesson beside PyTorch, when it was asked for. */
  readonly lesson: ReadonlySignal<LessonResult | undefined>;
  readonly askLesson: () => void;
}

/**
 * Runs a cell whenever its text, the seed or the backend changes, and hands the time to the bar.
 *
 * @param request - what to run
 * @param time - the step that is shown, from 0
 */
export function useCell(request: ReadonlySignal<CellRequest>, time: TimeSetting): CellState {
  const run = useSignal<CellRun | undefined>(undefined);
  const error = useSignal<CellAnswer['error']>(undefined);
  const failure = useSignal<string | undefined>(undefined);
  const lesson = useSignal<LessonResult | undefined>(undefined);
  const name = useSignal<string | undefined>(undefined);
  const playing = useSignal(false);
  const script = useMemo(() => startWorker('cell'), []);
  const remote = useMemo(() => wrap<CellWorker>(script), [script]);
  const wishes = useRef(0);

  const progress = useComputed((): Progress<unknown> | undefined =>
    run.value === undefined || name.value === undefined
      ? undefined
      : {
          step: time.value + 1,
          loss: Number.NaN,
          losses: [],
          backend: name.value,
          stepsPerSecond: 0,
          playing: playing.value,
          view: undefined,
          error: undefined,
        },
  );

  useSignalEffect(() => {
    const [wanted, device] = [request.value, name.value];
    if (device === undefined) return;
    const wish = ++wishes.current;
    remote.run(wanted, device).then(
      (answer) => {
        // Of several texts typed in haste the last one counts.
        if (wish !== wishes.current) return;
        error.value = answer.error;
        if (answer.run !== undefined) run.value = answer.run;
      },
      (cause: unknown) => (failure.value = messageOf(cause)),
    );
  });

  useEffect(() => {
    const controls: Run = {
      progress,
      error: failure,
      play: async () => void (playing.value = true),
      pause: async () => void (playing.value = false),
      stepOnce: async () => void (time.value = (time.value + 1) % steps),
      reset: async () => {
        failure.value = undefined;
        time.value = 0;
      },
      async moveTo(wanted) {
        const info = await remote.start(wanted);
        name.value = wanted;
        return info;
      },
    };
    openRun.value = controls;
    failureOf(script).catch((cause: unknown) => (failure.value = messageOf(cause)));
    startFirst(backend.value, (wanted) => remote.start(wanted)).then(
      (started) => (name.value = started),
      (cause: unknown) => (failure.value = messageOf(cause)),
    );
    return () => {
      if (openRun.peek() === controls) openRun.value = undefined;
      deviceNotice.value = undefined;
      script.terminate();
    };
  }, [remote]);

  useEffect(() => {
    if (!playing.value) return;
    const timer = setInterval(() => (time.value = (time.value + 1) % steps), stepLength);
    return () => clearInterval(timer);
  }, [playing.value]);

  return {
    run,
    error,
    lesson,
    askLesson: () => {
      if (lesson.value !== undefined || name.value === undefined) return;
      remote.lesson(name.value).then(
        (result) => (lesson.value = result),
        (cause: unknown) => (failure.value = messageOf(cause)),
      );
    },
  };
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
