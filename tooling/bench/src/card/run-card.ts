import { writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { servePage, servePages } from '../page/serve-page.ts';
import { cardText } from './card-report.ts';

/** What `runCard` takes. */
export interface CardRun {
  /** Whether drivers that compute on the processor stand for the card. */
  readonly isSoftware: boolean;
  /** Only cases of the suite that contain this text. */
  readonly filter: string | undefined;
  /** Where the numbers go. */
  readonly json: string | undefined;
}

/** The page on which somebody tries the graphics card in a browser of their own, until Ctrl+C. */
export async function serveCard(): Promise<void> {
  const { url, stop } = await servePages();
  console.log(`Open ${pageOf(url)} in the browser to try; Ctrl+C ends.`);
  await once(process, 'SIGINT');
  await stop();
}

/** Tries the graphics card of this machine in Chromium, and prints how far it is and the report. */
export async function runCard({ isSoftware, filter, json }: CardRun): Promise<void> {
  const { browser, url, stop } = await servePage(isSoftware);
  try {
    const page = await browser.newPage();
    page.on('console', (message) => {
      if (message.type() === 'log') console.log(message.text());
    });
    await page.goto(pageOf(url));
    await page.waitForFunction(() => 'tryCard' in globalThis);
    const report = await page.evaluate(async (text) => globalThis.tryCard(text), filter);
    console.log(`\n${cardText(report)}`);
    if (json !== undefined) writeFileSync(json, `${JSON.stringify(report, undefined, 2)}\n`);
    if (report.modes.length === 0 || report.modes.some(({ suite }) => suite.failed > 0)) process.exitCode = 1;
  } finally {
    await stop();
  }
}

const pageOf = (url: string): string => new URL('card.html', url).href;
