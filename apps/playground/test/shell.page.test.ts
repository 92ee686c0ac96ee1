/** What holds of the page whatever demo is open. */
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { axeFindings, phone, testPage, untilStep } from './page.ts';

const site = testPage();

test('before a demo is opened at most 60 kB come, compressed', async () => {
  const get = async (address: string): Promise<string> => (await fetch(new URL(address, site.address))).text();
  const html = await get('');
  const addresses = [...html.matchAll(/(?:src|href)="(\.\/[^"]+\.(?:js|css|svg|webmanifest))"/g)].map(
    ([, each]) => each,
  );
  // The script and the sheet are among them, or nothing would be measured.
  expect(addresses.filter((each) => /assets\/index-.*\.js$/.test(each))).toHaveLength(1);
  expect(addresses.some((each) => each.endsWith('.css'))).toBe(true);
  const files = [html, ...(await Promise.all(addresses.map(get)))];
  // What the scripts import at once comes along.
  for (const script of files.slice(1))
    expect(
      [...script.matchAll(/^import[^(]*?["'](\.\/[^"']+)["']/g)].filter(
        ([, each]) => !addresses.includes(`./assets/${each.slice(2)}`),
      ),
    ).toEqual([]);
  const bytes = files.reduce((sum, file) => sum + gzipSync(file).length, 0);
  expect(bytes).toBeLessThanOrEqual(60_000);
});

test('the page allows no code but its own files and WebAssembly, no inline style, and asks nobody', async () => {
  const page = await site.open('#/text?units=32', { plainFolder: true });
  const refused = await page.evaluate(async () => {
    const violations: string[] = [];
    addEventListener('securitypolicyviolation', ({ effectiveDirective }) => violations.push(effectiveDirective));
    const script = document.createElement('script');
    script.textContent = 'globalThis.ran = true';
    const style = document.createElement('style');
    style.textContent = 'body { display: none }';
    document.head.append(script, style);
    await fetch('https://example.com/').catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 500));
    return violations.sort();
  });
  expect(refused).toEqual(['connect-src', 'script-src-elem', 'style-src-elem']);
  expect(await page.evaluate(() => 'ran' in globalThis)).toBe(false);
  expect(site.complaints.splice(0).every((each) => /Content Security Policy/.test(each))).toBe(true);
});

test('every control is reached by keyboard and has a name', async () => {
  const page = await site.open('#/speakers', { viewport: phone });
  await untilStep(page, 5);
  const names: string[] = [];
  for (let i = 0; i < 150; i++) {
    await page.keyboard.press('Tab');
    const name = await page.evaluate(() => {
      const { activeElement: element } = document;
      if (element === null || element === document.body) return undefined;
      const labels = [...((element as HTMLInputElement).labels ?? [])];
      return (element.getAttribute('aria-label') ?? labels[0]?.textContent ?? element.textContent).trim();
    });
    if (name === undefined) break;
    names.push(name);
  }
  expect(names).not.toContain('');
  for (const name of ['Skip to the demo', 'Text', 'Draw', 'Pause', 'Reset', 'The code of this demo', 'Source'])
    expect(names.some((each) => each.startsWith(name))).toBe(true);
});

test('a demo that does not come says so, and comes when it is tried again', async () => {
  const page = await site.open('#/text?units=32');
  await untilStep(page, 1);
  await page.route('**/assets/demo-*.js', (route) => route.abort());
  await page.getByRole('link', { name: 'Draw', exact: true }).click();
  const notice = page.locator('#demo .error');
  await notice.waitFor();
  await expect.poll(() => notice.textContent()).toMatch(/^This demo could not be loaded\. Check the connection/);
  await page.unroute('**/assets/demo-*.js');
  site.complaints.splice(0); // the browser's own note of the file
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.locator('#demo .card').first().waitFor();
});

test.each(['text', 'cell', 'conformance'])('a worker of %s that does not come is told of in words', async (demo) => {
  const page = await site.open('#/text?units=32');
  await untilStep(page, 1);
  let asked = 0;
  // The first is the script of all workers, which asks for its part.
  await page.route('**/assets/worker-*.js', (route) => (asked++ === 0 ? route.continue() : route.abort()));
  await page.goto(`${site.address}?again#/${demo}`);
  const notice = page.locator('.error').first();
  await notice.waitFor();
  expect(await notice.textContent()).toContain(
    'The part of the page that computes could not be loaded. Load the page again.',
  );
  expect(await page.locator('#page').textContent()).not.toMatch(/undefined|assets|Uncaught/);
  site.complaints.splice(0); // the browser's own notes of the file and the failure
});

test('embedded in a lesson it is the demo alone, and the address stays the lesson’s', async () => {
  const page = await site.open('?embed#/memory?length=15', { viewport: phone, reducedMotion: 'reduce' });
  await untilStep(page, 2);
  for (const part of ['.masthead', '.tabs', '#page > footer']) expect(await page.locator(part).isVisible()).toBe(false);
  expect(await page.locator('.bar .play').isVisible()).toBe(true);
  expect(await page.evaluate(() => document.getAnimations().length)).toBe(0);
  await page.locator('.backend.cpu').click();
  await expect.poll(() => page.url()).toMatch(/\?embed#\/memory\?length=15&backend=cpu$/);
  expect(await page.locator('.tabs').isVisible()).toBe(false);
});

test('in forced colours what is chosen is marked by an outline, and axe finds nothing', async () => {
  const page = await site.open('#/speakers', { forcedColors: 'active' });
  await untilStep(page, 5);
  const outline = (place: string): Promise<string> =>
    page.locator(place).evaluate((element) => getComputedStyle(element).outlineStyle);
  await expect.poll(() => outline('.backend.wasm')).toBe('solid');
  await expect.poll(() => outline('.backend.cpu')).toBe('none');
  expect(await axeFindings(page)).toEqual([]);
});

test('without scripts, and opened as a file, it says what to do', async () => {
  const { browser } = await site.open('#/text?units=32').then((page) => ({ browser: page.context().browser() }));
  const context = await browser?.newContext({ javaScriptEnabled: false });
  const page = await context?.newPage();
  if (page === undefined) throw new Error('There is no browser.');
  try {
    await page.goto(site.address);
    // Texts are not looked for in a noscript element.
    await page.locator('noscript p').waitFor();
    await expect
      .poll(() => page.locator('noscript p').innerText())
      .toMatch(/^The nets on this page learn by JavaScript/);
    expect(await page.locator('.from-file').isVisible()).toBe(false);
  } finally {
    await context?.close();
  }
  const scripted = await browser?.newContext();
  const file = await scripted?.newPage();
  if (file === undefined) throw new Error('There is no browser.');
  try {
    await file.goto(new URL('index.html', site.folder).href);
    await file.getByText('This page was opened as a file').waitFor();
    expect(await file.locator('noscript p').isVisible()).toBe(false);
  } finally {
    await scripted?.close();
  }
});
