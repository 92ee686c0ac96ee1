import { batch, signal, useSignal } from '@preact/signals';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import speech from '../../../../data/silero/speech.wav?url';
import type { Progress } from '../../experiment/experiment.ts';
import { openRun, type Run } from '../../shell/run.ts';
import { listenTexts as texts } from '../../texts/en/listen.ts';
import { Heard } from './heard.ts';
import { listen, type Listening, type SoundSource } from './listener.ts';

/** What the demo knows of the sound. */
export interface ListeningState {
  readonly heard: Heard;
  /** Frames heard; changes with every frame. */
  readonly count: number;
  readonly isListening: boolean;
  /** Whether it comes, or came, from the microphone. */
  readonly isMicrophone: boolean;
  /** Samples a second that the detector gets; undefined before the first sound. */
  readonly rate: number | undefined;
  /** Why nothing can be heard, for people. */
  readonly fault: string | undefined;
  readonly start: (source: SoundSource) => void;
  readonly startExample: () => void;
  readonly stop: () => void;
}

/** Hears one sound at a time, and lets the bar stop and start it. */
export function useListening(): ListeningState {
  const heard = useSignal(new Heard());
  const count = useSignal(0);
  const isListening = useSignal(false);
  const isMicrophone = useSignal(false);
  const rate = useSignal<number | undefined>(undefined);
  const fault = useSignal<string | undefined>(undefined);
  const current = useRef<Listening | undefined>(undefined);
  /** Counts the sounds: only the last one that was started is heard. */
  const sounds = useRef(0);

  const actions = useMemo(() => {
    const stop = (): void => {
      sounds.current++;
      current.current?.stop();
      current.current = undefined;
      isListening.value = false;
    };
    const hear = async (find: () => SoundSource | Promise<SoundSource>): Promise<void> => {
      stop();
      const sound = ++sounds.current;
      const log = new Heard();
      batch(() => {
        fault.value = undefined;
        heard.value = log;
        count.value = 0;
        isListening.value = true;
      });
      try {
        const source = await find();
        isMicrophone.value = source === 'microphone';
        const listening = await listen(source, {
          onFrame: (frame) => {
            log.add(frame);
            if (sound === sounds.current) count.value = log.count;
          },
          onEnd: () => sound === sounds.current && stop(),
        });
        if (sound !== sounds.current) listening.stop();
        else {
          current.current = listening;
          rate.value = listening.rate;
        }
      } catch (error) {
        if (sound !== sounds.current) return;
        isListening.value = false;
        fault.value = error instanceof Error ? error.message : String(error);
      }
    };
    return {
      stop,
      start: (source: SoundSource) => void hear(() => source),
      startExample: () => void hear(example),
    };
  }, []);

  useEffect(() => {
    const progress = signal<Progress<unknown> | undefined>(undefined);
    const nothing = signal<string | undefined>(undefined);
    const run: Run = {
      progress,
      error: nothing,
      play: async () => actions.startExample(),
      pause: async () => actions.stop(),
      reset: async () => actions.startExample(),
      without: { backend: texts.noBackend, seed: texts.noSeed },
    };
    const follow = (): void => {
      progress.value = {
        step: count.value,
        loss: Number.NaN,
        losses: [],
        backend: 'wasm',
        stepsPerSecond: 0,
        playing: isListening.value,
        error: undefined,
        view: undefined,
      };
    };
    const ends = [count.subscribe(follow), isListening.subscribe(follow)];
    openRun.value = run;
    return () => {
      for (const end of ends) end();
      actions.stop();
      if (openRun.peek() === run) openRun.value = undefined;
    };
  }, [actions]);

  return {
    heard: heard.value,
    count: count.value,
    isListening: isListening.value,
    isMicrophone: isMicrophone.value,
    rate: rate.value,
    fault: fault.value,
    ...actions,
  };
}

async function example(): Promise<Blob> {
  const response = await fetch(speech);
  if (!response.ok) throw new Error(texts.notLoaded);
  return response.blob();
}
