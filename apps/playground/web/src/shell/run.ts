/** The run that the bar works: that of the demo that is open. */
import type { ReadonlySignal } from '@preact/signals';
import { signal, type Signal } from '@preact/signals';
import type { Progress } from '../experiment/experiment.ts';
import { backend } from './address.ts';
import { device, deviceNotice, pending, setUnavailable, unavailable } from './device.ts';
import { shell } from '../texts/en/shell.ts';
import type { BackendInfo } from '@rnn/core';

/** What the bar can do with a demo's run. */
export interface Run {
  readonly progress: ReadonlySignal<Progress<unknown> | undefined>;
  /** What ended it, for people. */
  readonly error: ReadonlySignal<string | undefined>;
  play(): Promise<void>;
  pause(): Promise<void>;
  /** Missing where the run has no single steps. */
  stepOnce?(): Promise<void>;
  /** Begins again from the first step, with the seed and the settings of now. */
  reset(): Promise<void>;
  /** Missing where there is nothing to choose, for which `backend` gives the reason. */
  moveTo?(backend: string): Promise<BackendInfo>;
  /** What the bar says in the place of what has no effect here. */
  readonly without?: {
    readonly backend?: string;
    readonly seed?: string;
  };
}

/** The run of the open demo; undefined where it has none. */
export const openRun: Signal<Run | undefined> = signal(undefined);

/** Counts the wishes for a backend: only the last one matters. */
let wishes = 0;

/** Takes the open run to another backend; where that cannot run, it stays and the page says why. */
export async function chooseBackend(name: string): Promise<void> {
  const wish = ++wishes;
  const before = openRun.value?.progress.value?.backend ?? backend.value;
  backend.value = name;
  deviceNotice.value = undefined;
  if (openRun.value?.moveTo === undefined || name === before) return;
  pending.value = name;
  try {
    const info = await openRun.value.moveTo(name);
    if (wish === wishes) device.value = info;
    const { [name]: _, ...others } = unavailable.value;
    unavailable.value = others;
  } catch (error) {
    setUnavailable(name, error);
    if (wish !== wishes) return;
    backend.value = before;
    deviceNotice.value = shell.stays(name, before, unavailable.value[name] ?? '');
  } finally {
    if (wish === wishes) pending.value = undefined;
  }
}
