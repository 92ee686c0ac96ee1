import { globSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { defineConfig, type TestProjectConfiguration } from 'vitest/config';

const root: string = import.meta.dirname;
const testTimeout = 30_000;

// Across packages tests see sources (the condition stands in each package's exports), so nobody tests against a stale build.
const source = '@rnn/source';

/** A package's tests in Node; the project has the name of the folder. */
function nodeProject(folder: string): TestProjectConfiguration {
  const conditions = [source, 'module', 'node', 'development|production'];
  return {
    resolve: { conditions },
    ssr: { resolve: { conditions, externalConditions: [source, 'node'] } },
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
    // The software renderer, so that WebGL is the same on every machine.
    args: ['--use-angle=swiftshader', '--enable-unsafe-swiftshader'],
  };
  return {
    resolve: { conditions: [source, 'module', 'browser', 'development|production'] },
    test: {
      name: 'browser',
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
