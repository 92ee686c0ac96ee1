import { existsSync, globSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { defineConfig, type TestProjectConfiguration } from 'vitest/config';

const root: string = import.meta.dirname;
/**
 * What ends a test that hangs: a machine that is many times slower, or has much to do, still comes
 * to the end of the longest.
 */
const testTimeout = 180_000;

// Across packages tests see sources (the condition stands in each package's exports), so nobody
// tests against a stale build.
const source = '@rnn/source';
const nodeConditions: string[] = [source, 'module', 'node', 'development|production'];

// WebGPU in Node, in the processes that run tests: Chromium's Vulkan loader and software renderer,
// unless the machine names its own.
const vulkan = '/usr/lib/chromium';
if (process.env.VK_ICD_FILENAMES === undefined && existsSync(`${vulkan}/vk_swiftshader_icd.json`)) {
  process.env.VK_ICD_FILENAMES = `${vulkan}/vk_swiftshader_icd.json`;
  process.env.LD_LIBRARY_PATH = [process.env.LD_LIBRARY_PATH, vulkan].filter(Boolean).join(':');
}

/**
 * The packages whose tests have everything compiled that can be, unless a test asks for something
 * else.
 */
const compiling = new Set(['core', 'nn', 'train', 'conformance']);

/** A package's tests in Node: of everything that needs no browser, or those that drive one. */
function nodeProject(folder: string, kind: 'node' | 'page'): TestProjectConfiguration {
  const isPage = kind === 'page';
  return {
    resolve: { conditions: nodeConditions },
    ssr: { resolve: { conditions: nodeConditions, externalConditions: [source, 'node'] } },
    test: {
      name: isPage ? `${basename(folder)}-page` : basename(folder),
      root: folder,
      include: [isPage ? 'test/**/*.page.test.ts' : 'test/**/*.test.ts'],
      exclude: isPage ? [] : ['**/*.{browser,page}.test.ts'],
      // The page that such tests open is built once for all of them.
      globalSetup: isPage ? globSync(`${root}/${folder}/test/page-setup.ts`) : [],
      setupFiles: compiling.has(basename(folder)) ? [`${root}/packages/core/test/require-compiled.ts`] : [],
      testTimeout,
      hookTimeout: testTimeout,
      // What a page shows comes a moment later, on a busy machine a long one.
      ...(isPage && { expect: { poll: { timeout: testTimeout / 3, interval: 50 } } }),
    },
  };
}

/** A package's tests in the system's own Chromium. */
async function browserProject(folder: string): Promise<TestProjectConfiguration> {
  const { playwright } = await import('@vitest/browser-playwright');
  const launchOptions = {
    executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
    // The software renderer, so that WebGL and WebGPU are the same on every machine.
    args: [
      '--use-angle=swiftshader',
      '--enable-unsafe-swiftshader',
      '--enable-unsafe-webgpu',
      '--use-webgpu-adapter=swiftshader',
    ],
  };
  const name = `${basename(folder)}-browser`;
  return {
    // Two packages may have their browsers open at once.
    cacheDir: `node_modules/.vite/${name}`,
    resolve: { conditions: [source, 'module', 'browser', 'development|production'] },
    ssr: { resolve: { conditions: nodeConditions, externalConditions: [source, 'node'] } },
    // Without these a page may not share memory between threads.
    server: {
      headers: { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' },
    },
    // Found only when a backend is made or the suite is imported, they would make the page load
    // again in the middle of a test.
    optimizeDeps: {
      include: [
        '@rnn/backend-gpu > gpu.js',
        '@rnn/conformance > fast-check',
        '@rnn/io > @bufbuild/protobuf',
        '@rnn/io > @bufbuild/protobuf/codegenv2',
        '@rnn/io > fflate',
      ],
    },
    test: {
      name,
      // What the same code computes in Node, for tests that compare.
      globalSetup: globSync(`${folder}/test/browser-setup.ts`, { cwd: root }),
      include: [`${folder}/test/**/*.browser.test.ts`],
      testTimeout,
      hookTimeout: testTimeout,
      browser: {
        enabled: true,
        headless: true,
        screenshotFailures: false,
        provider: playwright({ launchOptions }),
        instances: [{ browser: 'chromium' }],
      },
    },
  };
}

const has = (folder: string, kind: string): boolean =>
  globSync(`${folder}/test/**/*.${kind}.test.ts`, { cwd: root }).length > 0;

export default defineConfig(async () => {
  const folders = globSync('{packages,apps,tooling}/*/package.json', { cwd: root }).map(dirname).sort();
  const projects = folders.map((folder) => nodeProject(folder, 'node'));
  for (const folder of folders) {
    if (has(folder, 'page')) projects.push(nodeProject(folder, 'page'));
    if (has(folder, 'browser')) projects.push(await browserProject(folder));
  }
  return {
    test: {
      projects,
      // Old kernels would be tested in silence.
      globalSetup: ['packages/backend-wasm/scripts/fresh.ts', 'packages/io/scripts/fresh.ts'],
      // The summary of a run names the line of a failed test.
      includeTaskLocation: true,
    },
  };
});
