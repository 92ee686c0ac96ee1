import type { Options } from 'tsup';

/** How every published package is built: ESM for any platform, with types and source maps; other packages stay imports. */
export function library(entry: string[]): Options {
  return {
    entry,
    format: 'esm',
    platform: 'neutral',
    target: 'es2022',
    dts: true,
    sourcemap: true,
    clean: true,
    silent: true,
    // Kept as written: old bundlers and other runtimes know Node's modules by this prefix alone.
    removeNodeProtocol: false,
    external: [/^node:/],
  };
}
