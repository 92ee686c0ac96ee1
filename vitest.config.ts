import { existsSync, globSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { defineConfig, type TestProjectConfiguration } from 'vitest/config';

const root: string = import.meta.dirname;
const testTimeout = 30_000;

// Across packages tests see sources (the condition stands in each package's exports), so nobody tests against a stale build.
const source = '@rnn/source';
const nodeConditions: string[] = [source, 'module', 'node', 'development|production'];

// WebGPU in Node, in the processes that run tests: Chromium's Vulkan loader and software renderer, unless the machine names its own.
const vulkan = '/usr/lib/chromium';
if (process.env.VK_ICD_FILENAMES === undefined && existsSync(`${vulkan}/vk_swiftshader_icd.json`)) {
  process.env.VK_ICD_FILENAMES = `${vulkan}/vk_swiftshader_icd.json`;
  process.env.LD_LIBRARY_PATH = [process.env.LD_LIBRARY_PATH, vulkan].filter(Boolean).join(':');
}

/** A package's tests in Node; the project has the name of the folder. */
function nodeProject(folder: string): TestProjectConfiguration {
  return {
    resolve: { conditions: nodeConditions },
    ssr: { resolve: { conditions: nodeConditions, externalConditions: [source, 'node'] } },
    test: {
      name: basename(folder),
      root: folder,
      include: ['test/**/*.test.ts'],
      exclude: ['**/*.browser.test.ts'],
      testTimeout,
    },
  };
}

/** The browser tests of all packages, in the system's own Chromium. */
async function browserProject(include: string[]): Promise<TestProjectConfiguration> {
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
  return {
    resolve: { conditions: [source, 'module', 'browser', 'development|production'] },
    ssr: { resolve: { conditions: nodeConditions, externalConditions: [source, 'node'] } },
    // Without these a page may not share memory between threads.
    server: {
      headers: { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' },
    },
    // Found only when a backend is made, they would make the page load again in the middle of a test.
    optimizeDeps: { include: ['@rnn/backend-gpu > gpu.js', '@rnn/conformance > fast-check'] },
    test: {
      name: 'browser',
      // What the same code computes in Node, for tests that compare.
      globalSetup: globSync('packages/*/test/browser-setup.ts', { cwd: root }),
      include,
      testTimeout,
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

export default defineConfig(async () => {
  const folders = globSync('{packages,apps,tooling}/*/package.json', { cwd: root }).map(dirname);
  const browserTests = globSync('{packages,apps}/*/test/**/*.browser.test.ts', { cwd: root });
  const projects = folders.sort().map(nodeProject);
  if (browserTests.length > 0) projects.push(await browserProject(browserTests));
  return { test: { projects } };
});
