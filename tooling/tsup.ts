import { readFile } from 'node:fs/promises';
import type { Options } from 'tsup';

/**
 * How every published package is built: ESM for any platform, with types and source maps; other packages stay imports. The maps hold the
 * sources, so that no second copy of them is published.
 */
export function library(entry: string[]): Options {
  return {
    entry,
    format: 'esm',
    platform: 'neutral',
    target: 'es2022',
    // What is marked @internal is for the repository's own packages; whoever installs one sees what is documented. The reference gives programs
    // for older engines the name of `Symbol.dispose`.
    dts: { compilerOptions: { stripInternal: true }, banner: '/// <reference lib="esnext.disposable" />' },
    sourcemap: true,
    clean: true,
    silent: true,
    // Kept as written: old bundlers and other runtimes know Node's modules by this prefix alone.
    removeNodeProtocol: false,
    external: [/^node:/],
    esbuildPlugins: [withoutGeneratedMaps],
  };
}

/** A source map without a source: a file that ends in it stays out of the package's own map. */
const noSource = { version: 3, sources: [''], sourcesContent: [''], mappings: 'AAAA' };
const emptyMap: string = Buffer.from(JSON.stringify(noSource)).toString('base64');

/** What a script wrote, such as kernels in base64, has no source to be shown: in a map it would be published a second time. */
const withoutGeneratedMaps: NonNullable<Options['esbuildPlugins']>[number] = {
  name: 'without-generated-maps',
  setup(build) {
    build.onLoad({ filter: /\.generated\.ts$/ }, async ({ path }) => ({
      contents: `${await readFile(path, 'utf8')}\n//# sourceMappingURL=data:application/json;base64,${emptyMap}`,
      loader: 'ts',
    }));
  },
};
