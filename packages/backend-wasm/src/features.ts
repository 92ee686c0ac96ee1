/** What the engine can do; about WebAssembly it is asked to validate modules of a few bytes. */

/** A module with one function, `() -> v128`, of the given instructions. */
function probe(...instructions: number[]): Uint8Array<ArrayBuffer> {
  const body = [0, ...instructions, 0x0b];
  const magic = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]; // and version
  const types = [1, 5, 1, 0x60, 0, 1, 0x7b]; // () -> v128
  const functions = [3, 2, 1, 0]; // one, of that type
  return Uint8Array.from([...magic, ...types, ...functions, 10, body.length + 2, 1, body.length, ...body]);
}

const ZERO = [0x41, 0, 0xfd, 0x11]; // i32.const 0, i32x4.splat

/** Whether there is WebAssembly at all; a content security policy may still forbid it. */
export function hasWebAssembly(): boolean {
  return typeof WebAssembly === 'object' && typeof WebAssembly.validate === 'function';
}

/** 128-bit SIMD: everything here needs it. */
export function hasSimd(): boolean {
  return WebAssembly.validate(probe(...ZERO));
}

/**
 * `f32x4.relaxed_madd`, a multiplication and an addition with one rounding where the processor can.
 */
export function hasRelaxedSimd(): boolean {
  return WebAssembly.validate(probe(...ZERO, ...ZERO, ...ZERO, 0xfd, 0x85, 0x02));
}

/**
 * Whether code may be compiled while the program runs, as programs are. Some places (Cloudflare
 * Workers) run WebAssembly, but only modules that were compiled before; validating is allowed there
 * all the same, so this tries it on an empty module.
 */
export function canCompile(): boolean {
  try {
    return new WebAssembly.Module(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0)) instanceof WebAssembly.Module;
  } catch {
    return false;
  }
}

/** As much as is used here of a worker of Node. */
interface NodeWorker {
  postMessage(message: unknown, transfer: readonly object[]): void;
  once(event: 'message', listener: () => void): void;
  on(event: 'error', listener: (error: unknown) => void): void;
  on(event: 'exit', listener: (code: number) => void): void;
  unref(): void;
  terminate(): Promise<unknown>;
}

/**
 * As much as is used here of Node's modules. Its own types would make every user of this package
 * need them.
 */
interface NodeModules {
  readonly 'node:os': { availableParallelism(): number };
  readonly 'node:worker_threads': {
    readonly Worker: new (
      source: URL | string,
      options: { readonly eval: boolean; readonly execArgv: readonly string[]; readonly name: string },
    ) => NodeWorker;
  };
}

/**
 * A module of Node, where there is one; asked for in a way that bundlers for browsers do not
 * follow.
 */
export function nodeModule<Name extends keyof NodeModules>(name: Name): NodeModules[Name] | undefined {
  const { process } = globalThis as {
    readonly process?: { getBuiltinModule?: (name: Name) => NodeModules[Name] | undefined };
  };
  return process?.getBuiltinModule?.(name);
}

/** How many threads can run at once. */
export function coreCount(): number {
  return nodeModule('node:os')?.availableParallelism() ?? globalThis.navigator?.hardwareConcurrency ?? 1;
}

/** Why memory cannot be shared between threads here, or nothing if it can. */
export function whyNotShared(): string | undefined {
  // Pages and their workers have it, Node does not.
  const { crossOriginIsolated } = globalThis as { readonly crossOriginIsolated?: boolean };
  if (crossOriginIsolated === false) {
    return 'the page is not cross-origin isolated; serve it with the headers Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp';
  }
  if (typeof SharedArrayBuffer !== 'function') return 'the engine has no SharedArrayBuffer';
  if (nodeModule('node:worker_threads') === undefined && typeof Worker !== 'function') {
    return 'there are no workers here (Node has them for libraries from 20.16 and 22.3 on)';
  }
  return undefined;
}
