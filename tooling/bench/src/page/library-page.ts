import type { Browser, BrowserContext, Page } from 'playwright';
import { installed } from '../libraries/peer.ts';
import { messageOf, tooSlow, type LibraryHost } from '../process/library-host.ts';
import type { Reply, Request } from '../process/messages.ts';

/**
 * A library in a page of its own, opened when first asked and again after it was closed for being
 * too slow.
 */
export class LibraryPage implements LibraryHost {
  private readonly name: string;
  private readonly browser: Browser;
  private readonly url: string;
  private open: { readonly context: BrowserContext; readonly page: Page } | undefined;
  private version: string | undefined;
  private broken: Exclude<Reply, { type: 'measured' }> | undefined;

  constructor(name: string, browser: Browser, url: string) {
    this.name = name;
    this.browser = browser;
    this.url = url;
  }

  get about(): string {
    return this.broken?.message.split('\n')[0] ?? this.version ?? 'was not asked';
  }

  async ask(request: Request, patience: number): Promise<Reply> {
    if (this.broken !== undefined) return this.broken;
    const page = this.open?.page ?? (await this.start());
    if (page === undefined) return this.broken ?? { type: 'failed', message: 'did not start' };
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), patience);
    });
    const text = page.evaluate(async (given) => globalThis.bench.ask(given), request);
    try {
      const first = await Promise.race([text, late]);
      if (first !== 'late') return messageOf(first) as Reply;
      // Closing the page rejects what was asked of it.
      text.catch(() => {});
      await this.stop();
      return tooSlow(patience);
    } catch (error) {
      await this.stop();
      return { type: 'failed', message: error instanceof Error ? error.message : String(error) };
    } finally {
      clearTimeout(timer);
    }
  }

  async stop(): Promise<void> {
    await this.open?.context.close();
    this.open = undefined;
  }

  private async start(): Promise<Page | undefined> {
    const context = await this.browser.newContext();
    const page = await context.newPage();
    this.open = { context, page };
    await page.goto(this.url);
    if (this.name.startsWith('tfjs')) await page.addScriptTag({ path: `${installed}@tensorflow/tfjs/dist/tf.min.js` });
    await page.waitForFunction(() => 'bench' in globalThis);
    const message = await page.evaluate(async (name) => globalThis.bench.start(name), this.name);
    if (message.type === 'ready') {
      this.version = message.version;
      return page;
    }
    await this.stop();
    this.broken = message.type === 'measured' ? undefined : message;
    return undefined;
  }
}
