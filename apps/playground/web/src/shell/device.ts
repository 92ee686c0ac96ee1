/** What is known of the backends: which computes, how fast each was, which cannot run here. */
import type { BackendInfo } from '@rnn/core';
import { signal, type Signal } from '@preact/signals';
import { shell } from '../texts/en/shell.ts';

/** The names of the page's backends, in the order in which the bar shows them. */
export const backendNames = ['cpu', 'wasm', 'webgl2', 'webgpu'] as const;

/** What takes over where a backend cannot start: the first of these that can. */
const substitutes = ['wasm', 'cpu'];

/** Training steps in a second, the last that each backend did for the open demo. */
export const rates: Signal<Readonly<Record<string, number>>> = signal({});
/** Why a backend cannot run here, by its name. */
export const unavailable: Signal<Readonly<Record<string, string>>> = signal({});
/** The backend that the visitor just asked for, until it computes. */
export const pending: Signal<string | undefined> = signal(undefined);
/** What computes now, in words. */
export const device: Signal<BackendInfo | undefined> = signal(undefined);
/** What became of the last wish, where it was not granted. */
export const deviceNotice: Signal<string | undefined> = signal(undefined);

/** Remembers that a backend cannot run. */
export function setUnavailable(name: string, error: unknown): void {
  unavailable.value = { ...unavailable.value, [name]: reasonFor(error) };
}

/**
 * Why something failed, without what only programs can do about it: `gpu: no adapter; use gpu({
 * mode: 'webgl2' })` becomes `no adapter`.
 */
export function reasonFor(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/^(?:gpu|wasm|cpu): /, '').replace(/[;,] use \w+\(.*\)/s, '');
}

/**
 * Starts a backend, or what can take its place.
 *
 * @returns the name of the one that runs
 * @throws what the last substitute failed with
 */
export async function startFirst(wanted: string, start: (name: string) => Promise<BackendInfo>): Promise<string> {
  const candidates = [wanted, ...substitutes.filter((name) => name !== wanted)];
  let failure: unknown;
  for (const name of candidates) {
    try {
      device.value = await start(name);
      if (name !== wanted) deviceNotice.value = shell.takenOver(wanted, name, unavailable.value[wanted] ?? '');
      return name;
    } catch (error) {
      setUnavailable(name, error);
      failure = error;
    }
  }
  throw failure;
}
