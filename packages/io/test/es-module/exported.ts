/** Exported modules, written to a folder without anything else and imported from there. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ExportedModule } from '../../src/index.js';

export type State = Record<string, Float32Array>;

/** What the tests use of a module; its own types are checked apart. */
export interface Exported {
  readonly engine: string;
  readonly initialState: () => State;
  readonly step: (x: number | ArrayLike<number>, state: State, out?: Float32Array) => Float32Array;
  readonly run: (
    xs: ArrayLike<number>,
    state?: State | readonly State[],
    lengths?: ArrayLike<number>,
  ) => Float32Array & Record<string, Float32Array>;
  readonly create: (engine?: string) => Exported;
  readonly contract: {
    readonly input: object;
    readonly outputs: readonly { readonly name: string; readonly each: string }[];
    readonly state: Readonly<Record<string, { shape: number[]; initial: number | number[] }>>;
    readonly hasStep: boolean;
  };
  readonly scaler: Record<
    'transform' | 'inverse',
    (values: ArrayLike<number>, out?: Float32Array, features?: readonly number[]) => Float32Array
  >;
  readonly vocabulary: {
    readonly tokens: readonly string[];
    readonly encode: (text: string | readonly string[]) => Int32Array;
    readonly decode: (indices: ArrayLike<number>, skipSpecials?: boolean) => string;
  };
}

/** Runs a function in an empty folder, which is gone afterwards. */
export async function inFolder<R>(fn: (folder: string) => R | Promise<R>): Promise<R> {
  const folder = mkdtempSync(join(tmpdir(), 'rnn-module-'));
  try {
    return await fn(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Imports a module from a folder of its own. */
export function imported({ code }: ExportedModule): Promise<Exported> {
  return inFolder(async (folder) => {
    const file = join(folder, 'model.mjs');
    writeFileSync(file, code);
    return (await import(/* @vite-ignore */ pathToFileURL(file).href)) as Exported;
  });
}
