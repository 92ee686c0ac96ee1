/** Finds and loads the compiled part of this package. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { BackendError } from '@rnn/core';

/** The functions of one engine. What they are to do stands in the words that it was opened with. */
export interface Engine {
  readonly call: () => void;
  /** The same with an array that the operation reads or fills. */
  readonly callWith: (array: ArrayBufferView) => void;
  /** Frees everything. Calls do nothing from then on. */
  readonly close: () => void;
}

/**
 * What the compiled part exports. The lists are words with spaces in between; a word's place is its
 * number.
 */
export interface Binding {
  readonly operations: string;
  readonly unary: string;
  readonly binary: string;
  readonly reduce: string;
  /** Registers that the processor has, best first. */
  readonly registers: string;
  readonly open: (words: ArrayBuffer, threads: number, registers: number, strict: number, limit: number) => Engine;
}

const require = createRequire(import.meta.url);
let loaded: Binding | undefined;

/**
 * Loads the compiled part: the one that was built beside this file, else the package for the
 * platform.
 *
 * @throws BackendError if there is none
 */
export function loadBinding(): Binding {
  return (loaded ??= load());
}

function load(): Binding {
  // Another build of the crate, such as the one that checks every address.
  const chosen = process.env.RNN_NATIVE_FILE;
  if (chosen !== undefined) return loadFrom(chosen);
  const own = fileURLToPath(new URL('../build/rnn-native.node', import.meta.url));
  if (existsSync(own)) return require(own) as Binding;
  const name = `@rnn/backend-native-${platformName()}`;
  return loadFrom(name);
}

function loadFrom(name: string): Binding {
  try {
    return require(name) as Binding;
  } catch (cause) {
    const isMissing = cause instanceof Error && 'code' in cause && cause.code === 'MODULE_NOT_FOUND';
    throw new BackendError(
      `native: there is no build for this platform, or it cannot be loaded (${name}${isMissing ? '' : `: ${firstLine(cause)}`}). Use @rnn/backend-wasm, which runs everywhere; ` +
        'or install without leaving out optional dependencies',
      { expected: name, cause },
    );
  }
}

/** Operating system, processor and, on Linux, the C library, as the platform packages are named. */
function platformName(): string {
  const { platform, arch } = process;
  if (platform === 'linux') return `linux-${arch}-${isMusl() ? 'musl' : 'gnu'}`;
  return platform === 'win32' ? `win32-${arch}-msvc` : `${platform}-${arch}`;
}

function isMusl(): boolean {
  const report = process.report.getReport() as { readonly header?: { readonly glibcVersionRuntime?: string } };
  return report.header?.glibcVersionRuntime === undefined;
}

function firstLine(error: unknown): string {
  return String(error instanceof Error ? error.message : error).split('\n', 1)[0];
}
