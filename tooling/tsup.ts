import { readFile, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Options } from 'tsup';

/**
 * How every published package is built: ESM for any platform, with types and source maps; other
 * packages stay imports. The sources are published beside what is built, for its maps and those of
 * the types; so the maps hold no second copy of them.
 */
export function library(entry: string[] | Record<string, string>): Options {
  return {
    entry,
    format: 'esm',
    platform: 'neutral',
    target: 'es2022',
    // What is marked @internal is for the repository's own packages; whoever installs one sees what
    // is documented. The reference gives programs for older engines the name of `Symbol.dispose`.
    dts: { compilerOptions: { stripInternal: true }, banner: '/// <reference lib="esnext.disposable" />' },
    sourcemap: true,
    clean: true,
    silent: true,
    // Kept as written: old bundlers and other runtimes know Node's modules by this prefix alone.
    removeNodeProtocol: false,
    external: [/^node:/],
    esbuildOptions: (options) => {
      options.sourcesContent = false;
    },
    esbuildPlugins: [withoutGeneratedMaps],
  };
}

/**
 * The same for a package whose sources call operations as functions, not as methods of tensors: it
 * imports the lean entries of the packages below it.
 * See docs/decisions/12-lean-entries.md.
 */
export function leanLibrary(entry: string[] | Record<string, string>): Options {
  return {
    ...library(entry),
    // For `leanImports` to see them; they stay imports.
    noExternal: [/^@rnn\//],
    esbuildPlugins: [withoutGeneratedMaps, leanImports],
  };
}

/**
 * Such a package with two front doors: `src/index.ts` is built as `./lean`, and the main entry is
 * that with an import for its effects in front.
 *
 * @param effects - what gives the main entry its effects: a package, or a built file
 * @param more - further entries
 */
export function withLeanEntry(effects: string, more: Record<string, string> = {}): Options {
  const options = leanLibrary({ lean: 'src/index.ts', ...more });
  return {
    ...options,
    onSuccess: () => writeFile('dist/index.js', `import '${effects}';\nexport * from './lean.js';\n`),
  };
}

/** Packages whose main entry does more than its lean one. */
const leanOnes: readonly string[] = ['@rnn/core', '@rnn/nn', '@rnn/train'];

/**
 * What is built imports lean entries, and `src/index.ts` leaves out the import that is there for
 * its effects.
 */
const leanImports: NonNullable<Options['esbuildPlugins']>[number] = {
  name: 'lean-imports',
  setup(build) {
    build.onResolve({ filter: /^@rnn\// }, ({ path, importer }) => ({
      path: leanOnes.includes(path) && basename(importer) !== 'whole.ts' ? `${path}/lean` : path,
      external: true,
      // Else esbuild keeps an import whose names are types, and warns of it in whoever bundles.
      sideEffects: basename(importer) === 'whole.ts',
    }));
    build.onResolve({ filter: /^\.\/whole\.js$/ }, ({ importer, path }) =>
      basename(importer) === 'index.ts' ? { path, namespace: 'left-out' } : undefined,
    );
    // Files of their own: `init`, since a bundler drops of `export * as init` what nobody uses, but
    // not of an object that esbuild would make; and models that need half of nn, since Webpack
    // keeps what a file imports for classes that nobody uses.
    build.onResolve({ filter: /^\.\/(init\/index|seq2seq\/seq2seq)\.js$/ }, ({ importer, path }) =>
      basename(importer) === 'index.ts' ? { path, external: true } : undefined,
    );
    build.onLoad({ filter: /./, namespace: 'left-out' }, () => ({ contents: '' }));
  },
};

/** A source map without a source: a file that ends in it stays out of the package's own map. */
const noSource = { version: 3, sources: [''], sourcesContent: [''], mappings: 'AAAA' };
const emptyMap: string = Buffer.from(JSON.stringify(noSource)).toString('base64');

/**
 * What a script wrote, such as kernels in base64, has no source to be shown: in a map it would be
 * published a second time.
 */
const withoutGeneratedMaps: NonNullable<Options['esbuildPlugins']>[number] = {
  name: 'without-generated-maps',
  setup(build) {
    build.onLoad({ filter: /\.generated\.ts$/ }, async ({ path }) => ({
      contents: `${await readFile(path, 'utf8')}\n//# sourceMappingURL=data:application/json;base64,${emptyMap}`,
      loader: 'ts',
    }));
  },
};
