import { fileURLToPath } from 'node:url';
import { chromium, type Browser } from 'playwright';
import { build, preview, type InlineConfig } from 'vite';

/** The page of the benchmark, built and served, and a browser to open it in. */
export interface ServedPage {
  readonly browser: Browser;
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * Builds the page as a user's bundler would, serves it isolated (so that threads may share memory), and starts Chromium.
 *
 * @param isSoftware - whether drivers that compute on the processor stand for the graphics card
 */
export async function servePage(isSoftware: boolean): Promise<ServedPage> {
  const config: InlineConfig = {
    configFile: false,
    root: fileURLToPath(new URL('.', import.meta.url)),
    logLevel: 'error',
    build: {
      outDir: fileURLToPath(new URL('../../build/page/', import.meta.url)),
      emptyOutDir: true,
      target: 'es2022',
      chunkSizeWarningLimit: 2000,
    },
    worker: { format: 'es' },
    preview: {
      port: 0,
      headers: { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' },
    },
  };
  await build(config);
  const server = await preview(config);
  const url = server.resolvedUrls?.local[0];
  if (url === undefined) throw new Error('the page has no address');
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
    args: [...always, ...(isSoftware ? software : [])],
  });
  return {
    browser,
    url,
    stop: async () => {
      await browser.close();
      await server.close();
    },
  };
}

/** Where there is no graphics card, a driver that computes on the processor is better than none. */
const always = ['--enable-unsafe-webgpu', '--ignore-gpu-blocklist', '--enable-unsafe-swiftshader'];
const software = ['--use-angle=swiftshader', '--use-webgpu-adapter=swiftshader'];
