import { rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { injectManifest } from '@serwist/build';
import type { Plugin } from 'vite';

/**
 * Writes the names and digests of all built files into the service worker, which is an entry named
 * `offline` of the build.
 */
export function offline(): Plugin {
  let folder = '';
  return {
    name: 'offline',
    apply: 'build',
    configResolved: ({ root, build }) => {
      folder = resolve(root, build.outDir);
    },
    async closeBundle() {
      const [source, target] = [join(folder, 'offline.source.js'), join(folder, 'offline.js')];
      await rename(target, source);
      const { warnings } = await injectManifest({
        swSrc: source,
        swDest: target,
        globDirectory: folder,
        globPatterns: ['**/*'],
        globIgnores: ['offline*.js', '**/*.map', 'card.png'],
        // Names of built files contain their digests.
        dontCacheBustURLsMatching: /^assets\//,
        maximumFileSizeToCacheInBytes: 20 * 1024 * 1024,
      });
      await rm(source);
      if (warnings.length > 0) this.warn(warnings.join('\n'));
    },
  };
}
