import { fileURLToPath } from 'node:url';
import { chromium, type Browser } from 'playwright';
import { build, preview, type InlineConfig } from 'vite';

/** The pages of the benchmark, built and served, and a browser to open them in. */
export interface ServedPage {
  readonly browser: Browser;
  readonly url: string;
  readonly stop: () => Promise<void>;
}

/**
 * Builds the pages as a user's bundler would, and serves them isolated (so that threads may share
 * memory).
 *
 * @returns the address of the first page, and what ends the server
 */
export async function servePages(): Promise<Omit<ServedPage, 'browser'>> {
  const root = fileURLToPath(new URL('.', import.meta.url));
  const config: InlineConfig = {
    configFile: false,
    root,
    logLevel: 'error',
    build: {
      outDir: fileURLToPath(new URL('../../build/page/', import.meta.url)),
      emptyOutDir: true,
      target: 'es2022',
      chunkSizeWarningLimit: 2000,
      // a file for each reference case, as the suite asks for them
      assetsInlineLimit: 0,
      rolldownOptions: { input: ['index.html', 'card.html'].map((file) => `${root}${file}`) },
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
  return { url, stop: async () => server.close() };
}

/**
 * The same, and starts Chromium.
 *
 * @param isSoftware - whether drivers that compute on the processor stand for the graphics card
 */
export async function servePage(isSoftware: boolean): Promise<ServedPage> {
  const served = await servePages();
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
    args: [...always, ...(isSoftware ? software : card)],
  });
  return {
    browser,
    url: served.url,
    stop: async () => {
      await browser.close();
      await served.stop();
    },
  };
}

/** Where there is no graphics card, a driver that computes on the processor is better than none. */
const always = ['--enable-unsafe-webgpu', '--ignore-gpu-blocklist', '--enable-unsafe-swiftshader'];
const software = ['--use-angle=swiftshader', '--use-webgpu-adapter=swiftshader'];
/**
 * Without a window Chromium looks for a card on Linux only when it is told to, and by way of
 * Vulkan.
 */
const card =
  process.platform === 'linux' ? ['--use-angle=vulkan', '--enable-features=Vulkan', '--disable-vulkan-surface'] : [];
