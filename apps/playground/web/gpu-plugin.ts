import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Plugin } from 'vite';

/** Where gpu.js is found: it is a dependency of the backend, not of the page. */
const manifest = createRequire(import.meta.resolve('@rnn/backend-gpu')).resolve('gpu.js/package.json');
const { version, browser } = JSON.parse(readFileSync(manifest, 'utf8')) as Record<'version' | 'browser', string>;

const entry = 'virtual:gpu';
/** What the backend takes from it. */
const names = 'GPU, Input, CPUKernel, WebGL2Kernel, WebGPUKernel, WebGPUContext';

/** How the workers, which lie beside it, ask for it; its version stands for a digest. */
export const sharedGpu = `./gpu-${version}.js`;

/**
 * Builds gpu.js once for all workers. Each worker is a build of its own, which would bring its own
 * copy along, 632 kB.
 */
export function gpuOnce(): Plugin {
  return {
    name: 'gpu-once',
    apply: 'build',
    resolveId: (id) => (id === entry ? `\0${entry}` : undefined),
    // Its exports are named: it is CommonJS, which has but a default one.
    load: (id) =>
      id === `\0${entry}`
        ? `import gpu from ${JSON.stringify(join(dirname(manifest), browser))};\nexport const { ${names} } = gpu;`
        : undefined,
    buildStart() {
      this.emitFile({
        type: 'chunk',
        id: entry,
        fileName: `assets/${sharedGpu.slice(2)}`,
        preserveSignature: 'strict',
      });
    },
  };
}
